//! `glassd rotate`: the next issuing key.

use breakglass_domain::Lifetime;
use jiff::SignedDuration;

use super::stores::Keys;
use super::{Failure, Printer, reload, running};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use crate::issue::keys::{Keyring, Rotation};
use crate::ports::Clock as _;

/// Make the next key that signs credentials
///
/// It is published at once and signs after a while, so that targets know it by then; the old one
/// stays published until the last credential it signed has expired. A broker that runs takes it up
/// at once, one that does not when it starts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  glassd rotate                  once in a while\n  \
                        glassd rotate --compromised    somebody may have the key"
)]
pub(super) struct Rotate {
    /// How long targets have to learn the new key before it signs
    #[arg(long, value_name = "TIME", default_value = "1h")]
    after: SignedDuration,
    /// The key was lost: the new one signs at once, and what the old ones signed is no longer
    /// believed by targets that read the keys again. Credentials that are out stop working
    #[arg(long, conflicts_with = "after")]
    compromised: bool,
}

impl Rotate {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let after = Lifetime::from_duration(self.after)
            .ok_or_else(|| Failure::usage("--after cannot be negative"))?;
        let rotation = if self.compromised {
            Rotation::Compromised
        } else {
            Rotation::After(after)
        };
        let keys = Keys::load(config)?;
        let clock = SystemClock::start();
        let before: Vec<String> = keys.issuing.keys().map(|key| key.kid.clone()).collect();
        let ring = Keyring::rotate(&keys.folder, clock.now(), rotation)?;
        let new = ring.keys().find(|key| !before.contains(&key.kid));
        let new = new.ok_or_else(|| Failure::new("the new key is not in the list of keys"))?;
        printer.line(format!(
            "made key {}, which signs from {}",
            new.kid, new.signs_from
        ));
        if self.compromised {
            printer.line(
                "every key from before is withdrawn, those that were to sign later too: targets that \
                 read the keys again no longer believe what they signed",
            );
        }
        match running::process(config) {
            Some(process) => printer.line(reload::reload(config, process)?),
            None => printer.line("no broker runs; it takes the key up when it starts"),
        }
        Ok(())
    }
}
