//! The proofs that were used (RFC 9449 section 11.1).

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::denied::Denied;

/// Names a proof: a hash of its key and its `jti`.
pub(super) type ProofId = [u8; 32];

/// Remembers each proof until it is too old to be taken anyway. Never more than `most`: then new ones
/// are refused, and none is forgotten early.
pub(super) struct Replays {
    most: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    ids: HashSet<ProofId>,
    by_end: BTreeSet<(Timestamp, ProofId)>,
    /// What ended before this is forgotten. It never goes back, though the clock may.
    forgotten: Option<Timestamp>,
}

impl Replays {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            seen: Mutex::default(),
        }
    }

    /// Takes a proof that is good before `ends`, once.
    pub(super) fn take(&self, id: ProofId, ends: Timestamp, now: Timestamp) -> Result<(), Denied> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_before(now);
        if seen.forgotten.is_some_and(|forgotten| ends < forgotten) {
            return Err(Denied::Proof("it is too old"));
        }
        if seen.ids.contains(&id) {
            return Err(Denied::Replayed);
        }
        if seen.ids.len() >= self.most {
            return Err(Denied::TooManyProofs);
        }
        seen.ids.insert(id);
        seen.by_end.insert((ends, id));
        Ok(())
    }
}

impl Seen {
    fn forget_before(&mut self, now: Timestamp) {
        let from = self.forgotten.map_or(now, |forgotten| forgotten.max(now));
        self.forgotten = Some(from);
        while let Some((ends, id)) = self
            .by_end
            .first()
            .copied()
            .filter(|(ends, _)| *ends < from)
        {
            self.by_end.remove(&(ends, id));
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn a_proof_is_taken_once_however_often_it_comes() {
        let replays = Replays::new(9);
        assert_eq!(replays.take([1; 32], at(60), at(0)), Ok(()));
        for now in [0, 30, 60] {
            assert_eq!(
                replays.take([1; 32], at(60), at(now)),
                Err(Denied::Replayed)
            );
        }
        let late = replays.take([1; 32], at(60), at(61));
        assert_eq!(late, Err(Denied::Proof("it is too old")));
    }

    #[test]
    fn a_clock_that_is_set_back_opens_nothing() {
        let replays = Replays::new(9);
        assert_eq!(replays.take([1; 32], at(60), at(0)), Ok(()));
        assert_eq!(
            replays.take([2; 32], at(900), at(900)),
            Ok(()),
            "the first is forgotten"
        );
        let again = replays.take([1; 32], at(60), at(0));
        assert_eq!(again, Err(Denied::Proof("it is too old")));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_none_is_forgotten_early() {
        let replays = Replays::new(2);
        assert_eq!(replays.take([1; 32], at(60), at(0)), Ok(()));
        assert_eq!(replays.take([2; 32], at(70), at(0)), Ok(()));
        assert_eq!(
            replays.take([3; 32], at(60), at(0)),
            Err(Denied::TooManyProofs)
        );
        assert_eq!(replays.take([1; 32], at(60), at(0)), Err(Denied::Replayed));
        assert_eq!(
            replays.take([3; 32], at(80), at(61)),
            Ok(()),
            "one has ended"
        );
        assert_eq!(replays.seen.lock().unwrap().by_end.len(), 2);
    }
}
