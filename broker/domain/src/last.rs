//! What happened last: who did something on record, which right was used, who was removed.
//!
//! A right is used when something was made of a grant of it: a credential was issued, a guard let
//! somebody in, or `glass exec` said what ran. A grant that began and had no credential was not used.

use crate::event::{Actor, Change, Event};
use crate::id::{PersonId, RightId};
use crate::time::Time;

/// Of what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Last {
    /// Somebody, or a guard, did something that is an entry.
    Acted(Actor),
    /// A person used a right.
    Used(PersonId, RightId),
    /// Anybody did, also somebody who is gone.
    UsedByAnybody(RightId),
    /// A person was removed.
    Removed(PersonId),
}

/// When, and in which entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The entry's time.
    pub at: Time,
    /// Its place in the ledger.
    pub entry: u64,
}

impl Last {
    /// Everything that an event is the last of, until the next one.
    #[must_use]
    pub fn of(event: &Event) -> Vec<Self> {
        let mut last = Vec::new();
        if event.by != Actor::Broker {
            last.push(Self::Acted(event.by.clone()));
        }
        match &event.change {
            Change::CredentialIssued { of, .. }
            | Change::GrantUsed { of, .. }
            | Change::SessionOpened { of, .. } => {
                last.push(Self::Used(of.person.clone(), of.right.clone()));
                last.push(Self::UsedByAnybody(of.right.clone()));
            }
            Change::PersonRemoved { person, .. } => last.push(Self::Removed(person.clone())),
            _ => {}
        }
        last
    }
}
