//! `glassd unfreeze`: when nobody else is left to lift a freeze.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::{Line, PersonId};

use super::invite::demand_stopped;
use super::stores::{Keys, Stores, act_offline};
use super::{Failure, Printer};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};

/// Lift a freeze, while the broker does not run
///
/// For the case that everybody who may do it is frozen. It is an entry of the ledger like every
/// other.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd unfreeze founder -m \"the stolen laptop is wiped\"")]
pub(super) struct Unfreeze {
    /// Their id in the policy
    person: PersonId,
    /// Why, for the ledger
    #[arg(short = 'm', long)]
    reason: String,
}

impl Unfreeze {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let reason = Line::parse(&self.reason)
            .map_err(|e| Failure::usage(format!("the reason cannot be taken: {e}")))?;
        demand_stopped(
            config,
            &format!("glass freeze {} --lift -m \"why\"", self.person),
        )?;
        let keys = Keys::to_write(config)?;
        let stores = Stores::open(config, keys.signing())?;
        let act = Act::Unfreeze {
            person: self.person.clone(),
            reason,
        };
        act_offline(stores, Arc::new(SystemClock::start()), vec![act])?;
        printer.line(format!("{} is no longer frozen", self.person));
        Ok(())
    }
}
