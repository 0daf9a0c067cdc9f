//! When each key of a ledger was followed by the next, and what the one before proves since.
//!
//! A key that was followed signs nothing that is longer than the ledger was then. Whoever stole it can still make
//! up a history that is shorter, with an entry of this minute in it. Real entries of that history are from
//! before the hand-over, and what they announced is over soon after: where the time of the hand-over is known,
//! nothing else is proven by that key.

use std::collections::BTreeMap;

use breakglass_tlog::Succession;
use jiff::{SignedDuration, Timestamp};

use super::{Ledger, Recorded};
use crate::verify::Denied;

/// How long a credential lives at most: the broker's `CREDENTIAL_LIFE`.
const LONGEST_CREDENTIAL: SignedDuration = SignedDuration::from_mins(15);

/// The time of each entry that handed a ledger over, by the size of the ledger up to which the key before signs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandOvers(BTreeMap<u64, Timestamp>);

impl HandOvers {
    /// Reads what [`HandOvers::to_text`] writes: a size and a time (RFC 3339) a line. Nothing where it is
    /// otherwise.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let read = |line: &str| {
            let (size, at) = line.split_once(' ')?;
            Some((size.parse().ok()?, at.parse().ok()?))
        };
        text.lines().map(read).collect::<Option<_>>().map(Self)
    }

    /// As a file beside `successions`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines = self.0.iter();
        lines
            .map(|(size, at)| format!("{size} {at:.3}\n"))
            .collect()
    }

    /// Each, by the size of the ledger.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Timestamp)> {
        self.0.iter().map(|(size, at)| (*size, *at))
    }

    /// When the ledger had so many entries and was handed over.
    #[must_use]
    pub fn at(&self, size: u64) -> Option<Timestamp> {
        self.0.get(&size).copied()
    }
}

/// Of a hand-over that is told twice, because the ledger went on from a copy of before, the first time counts.
impl Extend<(u64, Timestamp)> for HandOvers {
    fn extend<T: IntoIterator<Item = (u64, Timestamp)>>(&mut self, more: T) {
        for (size, at) in more {
            let known = self.0.entry(size).or_insert(at);
            *known = at.min(*known);
        }
    }
}

impl FromIterator<(u64, Timestamp)> for HandOvers {
    fn from_iter<T: IntoIterator<Item = (u64, Timestamp)>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Ledger {
    /// What is proven under a checkpoint over so many entries was decided in the time of the key that signed it,
    /// and is good for no longer than what was decided then.
    pub(super) fn need_of_its_time(&self, size: u64, recorded: &Recorded) -> Result<(), Denied> {
        let keys = self.keys();
        let mut ends = keys.successions().iter().map(Succession::size);
        let followed = ends.find(|end| size <= *end);
        let Some(at) = followed.and_then(|end| self.handed_over(end)) else {
            return Ok(());
        };
        let last = at.saturating_add(LONGEST_CREDENTIAL);
        let is_of_its_time =
            recorded.issued_at <= at && last.is_ok_and(|last| recorded.expires_at <= last);
        match is_of_its_time {
            true => Ok(()),
            false => Err(Denied::Entry(
                "it is proven by a key of the ledger that another had followed by then",
            )),
        }
    }
}
