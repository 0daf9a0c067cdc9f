//! `glassd rotate`: the next key of one kind.

use std::sync::Arc;

use breakglass_domain::Lifetime;
use jiff::SignedDuration;

use super::invite::entropy;
use super::rotate_ledger;
use super::rotate_target::{self, Step, Which};
use super::stores::Keys;
use super::{Failure, Printer, reload, running};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use crate::issue::keys::{Keyring, Rotation};
use crate::ports::Clock as _;

/// Make the next key that signs credentials, one that targets trust, or the ledger's
///
/// It is published at once and signs after a while, so that targets know it by then; the old one
/// stays published until the last credential it signed has expired. A broker that runs takes it up
/// at once, one that does not when it starts.
///
/// With --of it is one of the keys that targets are given, in two steps, each while no broker runs:
/// the next key is made, and every target told to believe it beside the present one; then it signs,
/// with --switch.
///
/// --of ledger is one step, while no broker runs: an entry hands the ledger over to a new key, and
/// everybody who has the old one follows by it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  glassd rotate                  once in a while\n  \
                        glassd rotate --compromised    somebody may have the key\n  \
                        glassd rotate --of ssh-user            1. the next key of the SSH authority\n  \
                        glassd rotate --of ssh-user --switch   2. it signs\n  \
                        glassd rotate --of ledger      another key signs the ledger from here on"
)]
pub(super) struct Rotate {
    /// How long targets have to learn the new key before it signs
    #[arg(long, value_name = "TIME", default_value = "1h")]
    after: SignedDuration,
    /// One of the keys that targets trust, or the ledger's, instead of the one that signs tokens
    #[arg(long, value_name = "KEY", conflicts_with = "after")]
    of: Option<Of>,
    /// The next key of --of signs from here on; the one before is retired
    #[arg(long, requires = "of", conflicts_with = "compromised")]
    switch: bool,
    /// The key was lost: the new one signs at once, and what the old ones signed is no longer
    /// believed by targets that read the keys again. Credentials that are out stop working. With
    /// --of, no target believes the new one before it was told to
    #[arg(long, conflicts_with = "after")]
    compromised: bool,
}

/// The keys that are rotated while no broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// Certificates of people who log in by SSH
    SshUser,
    /// Certificates of SSH hosts
    SshHost,
    /// X.509 client certificates, for databases and clusters
    Targets,
    /// Checkpoints of the ledger
    Ledger,
}

impl Of {
    /// Which of those that targets trust.
    fn at_targets(self) -> Option<Which> {
        match self {
            Self::SshUser => Some(Which::SshUser),
            Self::SshHost => Some(Which::SshHost),
            Self::Targets => Some(Which::Targets),
            Self::Ledger => None,
        }
    }
}

impl Rotate {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        match self.of.map(Of::at_targets) {
            Some(Some(of)) => return self.of_targets(of, config, printer),
            Some(None) => return self.of_ledger(config, printer),
            None => {}
        }
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

    fn of_targets(&self, of: Which, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        let step = match (self.switch, self.compromised) {
            (true, _) => Step::Switch,
            (_, true) => Step::AtOnce,
            _ => Step::Next,
        };
        let clock = Arc::new(SystemClock::start());
        rotate_target::rotate(config, (of, step), clock, &entropy()?, printer)
    }

    fn of_ledger(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        if self.switch || self.compromised {
            let what = "the ledger's key is rotated in one step, lost or not, and never without its hand-over";
            return Err(Failure::usage(what).then("glassd rotate --of ledger"));
        }
        rotate_ledger::rotate(config, &SystemClock::start(), printer)
    }
}
