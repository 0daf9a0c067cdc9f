//! People are told of what happens, wherever they are, and nobody waits for them to be.

mod mail;
mod trouble;
mod web;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_broker::config::Config;
use breakglass_broker::config::notify::Destination;
use breakglass_broker::notify::{Channel, Setting};
use breakglass_domain::{Line, PersonId};
use tempfile::TempDir;

/// A folder of secrets, one line each, that nobody else can read.
struct Secrets(TempDir);

impl Secrets {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Laid down; where.
    fn of(&self, name: &str, line: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, format!("{line}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }
}

/// What every webhook of these stories is signed with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The one destination of a config.
fn configured(text: &str) -> Destination {
    let config = Config::parse("glassd.toml".as_ref(), text).unwrap();
    config.settings.notify.into_values().next().unwrap()
}

/// The way there, without a broker.
fn channel(destination: &Destination) -> Channel {
    channel_to(destination, &[])
}

/// The same, for these people and their contacts.
fn channel_to(destination: &Destination, contacts: &[(&str, &str)]) -> Channel {
    let contacts = contacts
        .iter()
        .map(|(who, contact)| (who.parse().unwrap(), Line::parse(contact).unwrap()));
    let contacts: BTreeMap<PersonId, Line> = contacts.collect();
    let setting = Setting {
        keys_dir: "/".into(),
        config_dir: "/".into(),
        ledger: "glass.example/ledger".into(),
        host: "glass.example".into(),
        contacts: Arc::new(move || contacts.clone()),
    };
    Channel::new(destination.clone(), setting)
}
