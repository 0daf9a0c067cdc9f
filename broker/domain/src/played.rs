//! Statements that could be played a second time once the clock is set back.
//!
//! A nonce is forgotten when its statement has become stale (see `State::apply`). A clock that is set
//! back makes some of them fresh again, and what ends something is then taken. Most endings are for
//! once by themselves: a grant that is over and an incident that is closed never live again, so their
//! statements find nothing to end. A note, a freeze and a removal can happen again, so theirs are kept
//! for longer, the newest [`PLAYED`] of them, with one moment up to which all may have been forgotten.

use std::collections::BTreeSet;

use crate::event::{Change, Event, Signed};
use crate::grant::Ending;
use crate::id::Nonce;
use crate::limits::PLAYED;
use crate::time::Time;

/// Statements of notes, freezes and removals, by when they were signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Played {
    kept: BTreeSet<(Time, Nonce)>,
    forgotten_up_to: Option<Time>,
}

impl Played {
    /// From a snapshot: what [`Played::kept`] and [`Played::forgotten_up_to`] named.
    #[must_use]
    pub fn restored(
        kept: impl IntoIterator<Item = (Time, Nonce)>,
        forgotten_up_to: Option<Time>,
    ) -> Self {
        Self {
            kept: kept.into_iter().collect(),
            forgotten_up_to,
        }
    }

    /// Those that are known, oldest first.
    pub fn kept(&self) -> impl Iterator<Item = (Time, Nonce)> {
        self.kept.iter().copied()
    }

    /// When the newest of those was signed that are not known any more.
    #[must_use]
    pub fn forgotten_up_to(&self) -> Option<Time> {
        self.forgotten_up_to
    }

    /// Whether this one was taken before.
    #[must_use]
    pub fn knows(&self, signed: &Signed) -> bool {
        self.kept.contains(&(signed.at, signed.nonce))
    }

    /// Whether this one is so old that nobody knows.
    #[must_use]
    pub fn may_have_forgotten(&self, signed: &Signed) -> bool {
        self.forgotten_up_to.is_some_and(|up_to| signed.at <= up_to)
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let Some(signed) = event.signed.as_deref().filter(|_| could_be_again(event)) else {
            return;
        };
        self.kept.insert((signed.at, signed.nonce));
        if self.kept.len() > PLAYED {
            let oldest = self.kept.pop_first().map(|(at, _)| at);
            self.forgotten_up_to = self.forgotten_up_to.max(oldest);
        }
    }
}

/// The statement stands on the first event of its act, which for a freeze and a removal can be an
/// ending.
fn could_be_again(event: &Event) -> bool {
    match &event.change {
        Change::IncidentNoted { .. }
        | Change::PersonFrozen { .. }
        | Change::PersonRemoved { .. } => true,
        Change::GrantEnded { ending, .. } => {
            matches!(ending, Ending::PersonFrozen | Ending::PersonLeft)
        }
        _ => false,
    }
}
