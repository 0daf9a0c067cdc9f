//! The way to the destinations of the config, and `glassd notify-test`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use breakglass_domain::Policy;

use super::check::Finding;
use super::stores::read_policy;
use super::{Failure, Printer, runtime};
use crate::config::notify::Destination;
use crate::config::{Config, DestinationName};
use crate::edge::{SystemClock, install_crypto};
use crate::notify::{Channel, Contacts, Notice, Setting};
use crate::ports::Clock as _;

/// Send a test notice to one destination, and say what happened
///
/// As the broker would: with its secret, to the address its name has now. It asks the config and the
/// policy, not the broker, and may be run while that runs. Nothing is recorded.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd notify-test chat --config /etc/breakglass/glassd.toml")]
pub(super) struct NotifyTest {
    /// The destination: NAME of `[notify.NAME]`
    name: String,
}

impl NotifyTest {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let all = &config.settings.notify;
        let found = all.iter().find(|(name, _)| name.as_str() == self.name);
        let Some((name, destination)) = found else {
            let names: Vec<_> = all.keys().map(DestinationName::as_str).collect();
            let what = ("destination", "notify");
            return Err(Failure::not_in_config(config, what, &self.name, &names));
        };
        let policy = read_policy(&config.policy_file)?;
        let channel = channel(config, destination, contacts_of(&policy));
        let now = SystemClock::start().now();
        let notice = Notice::test(name.as_str(), now);
        match runtime()?.block_on(channel.tell(&notice, now)) {
            Ok(told) => {
                printer.line(format!("a test notice went to `{name}`: {told}"));
                Ok(())
            }
            Err(why) => {
                let what = format!("`{name}` was not told: {why}");
                Err(Failure::new(what).then(format!(
                    "mend it, and again: glassd notify-test {name} --config {}",
                    config.file.display()
                )))
            }
        }
    }
}

/// What `glassd check` says of each: whether it has what it needs, and where it would go.
pub(super) fn look(config: &Config, policy: &Policy) -> Vec<Finding> {
    let destinations = config.settings.notify.iter();
    destinations
        .map(|(name, destination)| {
            let channel = channel(config, destination, contacts_of(policy));
            let found = runtime().and_then(|runtime| {
                let found = runtime.block_on(channel.check());
                found.map_err(|why| Failure::new(why.to_string()))
            });
            Finding::of(format!("notify.{name}"), found)
        })
        .collect()
}

/// The way to one destination.
pub(super) fn channel(config: &Config, destination: &Destination, contacts: Contacts) -> Channel {
    let folder = config.file.parent().unwrap_or(Path::new(""));
    let setting = Setting {
        keys_dir: config.keys_dir.clone(),
        config_dir: folder.to_owned(),
        ledger: config.ledger_origin(),
        host: config.first_name().to_string(),
        contacts,
    };
    Channel::new(destination.clone(), setting)
}

fn contacts_of(policy: &Policy) -> Contacts {
    let people = policy.people.iter();
    let contacts: BTreeMap<_, _> = people
        .filter_map(|(id, person)| Some((id.clone(), person.contact.clone()?)))
        .collect();
    Arc::new(move || contacts.clone())
}
