//! `glassd rotate --of KEY`: one of the keys that targets trust, and what follows it.
//!
//! Two steps, so that every target believes the next one before it signs. The entry stands before the
//! file is in place; a switch that was broken off between the two is finished by the next start. Each
//! step is done while no broker runs: a broker has its keys for as long as it lives.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::event::KeyPurpose;

use super::stores::{Keys, Stores, act_offline};
use super::target_keys::{make_next, next_of, on_record, promote_next, remove_next};
use super::{Failure, Printer, running};
use crate::config::Config;
use crate::issue::TargetCa;
use crate::ports::{Clock, Entropy, Index as _};

/// The keys that targets trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Certificates of people who log in by SSH.
    SshUser,
    /// Certificates of SSH hosts.
    SshHost,
    /// X.509 client certificates, for databases and clusters.
    Targets,
}

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The next one is made, to be given to targets.
    Next,
    /// It signs.
    Switch,
    /// Another one signs at once, and no target knows it yet: the one before is lost or stolen.
    AtOnce,
}

impl Which {
    fn purpose(self) -> KeyPurpose {
        match self {
            Self::SshUser => KeyPurpose::SshUser,
            Self::SshHost => KeyPurpose::SshHost,
            Self::Targets => KeyPurpose::Targets,
        }
    }

    /// What has to be done at targets so that they believe a key.
    fn at_targets(self, step: Step) -> &'static str {
        match (self, step) {
            (Self::SshUser, _) => {
                "on every SSH host, into the file of TrustedUserCAKeys: glassd ssh-ca --users"
            }
            (Self::SshHost, Step::Next) => {
                "start the broker, so that people believe both, and certify every SSH host anew: glassd \
                 host-certificate TARGET KEY.pub"
            }
            (Self::SshHost, _) => {
                "certify every SSH host that has no certificate of it: glassd host-certificate TARGET \
                 KEY.pub"
            }
            (Self::Targets, _) => {
                "on every database and cluster, into the file of authorities: glassd targets-ca"
            }
        }
    }
}

/// Does one step.
///
/// # Errors
/// [`Failure`]: a broker runs, there is no next key, or one already; what the disk says.
pub(super) fn rotate(
    config: &Config,
    (which, step): (Which, Step),
    clock: Arc<dyn Clock>,
    entropy: &dyn Entropy,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let purpose = which.purpose();
    if running::process(config).is_some() {
        let what = "a broker runs, and has its keys for targets for as long as it lives";
        let next = "systemctl stop glassd, this command again, systemctl start glassd";
        return Err(Failure::new(what).then(next));
    }
    let keys = Keys::to_write(config)?;
    let folder = &keys.folder;
    let stores = Stores::open(config, keys.signing())?;
    let size = stores.reader.checkpoint().size();
    super::runtime()?.block_on(stores.index.caught_up(size))?;
    let recorded = on_record(&*stores.reader, &*stores.index, purpose)?;

    TargetCa::mend(folder)?;
    let there = next_of(folder, purpose)?;
    let flag = format!("glassd rotate --of {purpose}");
    match (step, there) {
        (Step::Switch, Some(_)) => {}
        (Step::Switch, None) => {
            let what = format!("there is no next key for `{purpose}`");
            return Err(Failure::new(what).then(flag));
        }
        (Step::Next, Some(next)) => {
            let what = format!("the next key for `{purpose}` is made: {}", next.id);
            return Err(Failure::new(what).then(format!("{flag} --switch")));
        }
        (Step::Next | Step::AtOnce, _) => {
            // One that waits may be lost with the other: it lay beside it.
            remove_next(folder, purpose)?;
            let name = config.first_name().to_string();
            make_next(folder, purpose, &name, (&*clock, entropy))?;
        }
    }
    let next = next_of(folder, purpose)?;
    let next = next.ok_or_else(|| Failure::new("the next key is not in the folder of keys"))?;
    let mut acts = Vec::new();
    if !recorded.contains(&next.id) {
        acts.push(next.act());
    }
    if step != Step::Next {
        let before = recorded.into_iter().filter(|id| *id != next.id);
        acts.extend(before.map(|id| Act::RetireKey { purpose, id }));
    }
    act_offline(stores, clock, acts)?;
    if step != Step::Next {
        promote_next(folder, purpose)?;
    }
    tell(printer, (which, step), &next.id);
    Ok(())
}

fn tell(printer: &mut Printer, (which, step): (Which, Step), id: &str) {
    let purpose = which.purpose();
    match step {
        Step::Next => {
            printer.line(format!("made {id}, which is to follow"));
            printer.line(which.at_targets(step));
            printer.line(format!(
                "when all of them have it: glassd rotate --of {purpose} --switch"
            ));
        }
        Step::Switch => {
            printer.line(format!(
                "{id} signs from the next start on: systemctl start glassd"
            ));
            printer.line(
                "what the key before has signed is good until it expires; take that key out at targets \
                 after that",
            );
        }
        Step::AtOnce => {
            printer.line(format!(
                "{id} signs from the next start on: systemctl start glassd"
            ));
            printer.line("no target believes it yet, and nobody gets in there until it does:");
            printer.line(which.at_targets(step));
            printer.line("take the key before out at every target now, where it may be stolen");
        }
    }
}
