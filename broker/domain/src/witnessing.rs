//! How far witnesses have signed the ledger, as far as that is on record.

use crate::event::{Change, Event};
use crate::policy::{Policy, Right, WithoutWitnesses};
use crate::time::Time;
use crate::word::words;

words! {
    /// What an entry about a credential says of witnesses.
    WitnessWord {
        /// It is made only when enough of them have signed the ledger with this very entry in it.
        Needed = "needed",
        /// Too few of them were signing when it was issued.
        Missing = "missing",
    }
}

/// What is on record of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witnessing {
    /// Entries that enough of them have signed, by the newest entry that shows it. They may be further.
    pub size: u64,
    /// Since when too few of them sign; nothing while enough do, or nobody is asked.
    pub lost_since: Option<Time>,
}

impl Witnessing {
    pub(crate) fn apply(&mut self, event: &Event) {
        match &event.change {
            Change::LedgerWitnessed { size, .. } => {
                self.size = self.size.max(*size);
                self.lost_since = None;
            }
            Change::LedgerUnwitnessed { .. } => self.lost_since = Some(event.at),
            Change::PolicyLoaded { policy, .. } if policy.witnesses.is_none() => {
                self.lost_since = None;
            }
            _ => {}
        }
    }

    /// What an entry about a credential of this right says of witnesses.
    #[must_use]
    pub fn word(&self, policy: &Policy, right: &Right) -> Option<WitnessWord> {
        policy.witnesses.as_ref()?;
        match right.without_witnesses {
            WithoutWitnesses::Refuse => Some(WitnessWord::Needed),
            WithoutWitnesses::Mark => self.lost_since.map(|_| WitnessWord::Missing),
        }
    }
}
