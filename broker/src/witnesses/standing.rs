//! How each witness fares, for metrics and `glass status`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::WitnessId;

use super::ask::Failed;
use super::limits::FAILURE_TOLD;

/// All of them.
#[derive(Debug, Default)]
pub struct Standings(Mutex<BTreeMap<WitnessId, Standing>>);

/// One of them, since the start.
#[derive(Debug, Clone, Default)]
struct Standing {
    signed: u64,
    failed: u64,
    size: u64,
    /// Whoever runs it has not told it of the key that signs the ledger now.
    untold: bool,
    failing: Option<Failing>,
}

/// Since when, on the monotonic clock, and why.
#[derive(Debug, Clone)]
struct Failing {
    since: Duration,
    why: String,
    /// It is of the ledger: told at once.
    is_loud: bool,
}

impl Standings {
    /// Only these from now on; those that stay keep what they have.
    pub(super) fn are(&self, ids: impl IntoIterator<Item = WitnessId>) {
        let mut all = self.lock();
        let mut before = std::mem::take(&mut *all);
        let now = ids.into_iter().map(|id| {
            let standing = before.remove(&id).unwrap_or_default();
            (id, standing)
        });
        *all = now.collect();
    }

    pub(super) fn signed(&self, id: &WitnessId, size: u64) {
        if let Some(standing) = self.lock().get_mut(id) {
            standing.signed += 1;
            standing.size = size;
            standing.untold = false;
            if standing.failing.take().is_some() {
                tracing::info!(witness = %id, "a witness signs again");
            }
        }
    }

    pub(super) fn failed(&self, id: &WitnessId, now: Duration, why: &Failed) {
        self.cannot(id, now, why.to_string(), why.is_of_the_ledger());
        if let Some(standing) = self.lock().get_mut(id) {
            standing.failed += 1;
            standing.untold = matches!(why, Failed::Untold { .. });
        }
    }

    pub(super) fn cannot(&self, id: &WitnessId, now: Duration, why: String, is_loud: bool) {
        let mut all = self.lock();
        let Some(standing) = all.get_mut(id) else {
            return;
        };
        let before = standing.failing.as_ref();
        let since = before.map_or(now, |failing| failing.since);
        match (before.map(|it| it.why == why), is_loud) {
            (Some(true), _) => {}
            (_, true) => tracing::error!(witness = %id, %why, "a witness does not sign"),
            (_, false) => {
                tracing::warn!(witness = %id, %why, "a witness does not sign; trying again")
            }
        }
        standing.failing = Some(Failing {
            since,
            why,
            is_loud,
        });
    }

    /// What people are told at `now`: of those that have failed for too long, and at once where it is of the ledger,
    /// or somebody has to tell the witness of a key.
    #[must_use]
    pub fn problems(&self, now: Duration) -> Vec<String> {
        let all = self.lock();
        let failing = all
            .iter()
            .filter_map(|(id, it)| Some((id, it.untold, it.failing.as_ref()?)));
        let told = failing
            .filter(|(_, untold, it)| {
                it.is_loud || *untold || now.saturating_sub(it.since) >= FAILURE_TOLD
            })
            .map(|(id, _, it)| format!("The witness `{id}` does not sign the ledger: {}.", it.why));
        told.collect()
    }

    /// A number of each.
    #[must_use]
    pub fn each(&self, which: Which) -> Vec<(String, u64)> {
        let all = self.lock();
        let each = all.iter().map(|(id, it)| {
            let number = match which {
                Which::Signed => it.signed,
                Which::Failed => it.failed,
                Which::Size => it.size,
                Which::Untold => u64::from(it.untold),
            };
            (id.to_string(), number)
        });
        each.collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<WitnessId, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Checkpoints it has signed.
    Signed,
    /// Times it has not.
    Failed,
    /// Entries of the newest it has signed.
    Size,
    /// Whether it has to be told which key signs the ledger now: 1 or 0.
    Untold,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_ledger_is_told_at_once_and_the_rest_after_a_minute() {
        let (standings, at) = (Standings::default(), Duration::from_secs);
        let otto: WitnessId = "otto".parse().unwrap();
        standings.are([otto.clone()]);
        standings.failed(&otto, at(100), &Failed::Away("it does not answer".into()));
        assert_eq!(standings.problems(at(159)), [""; 0]);
        let told = standings.problems(at(160));
        assert_eq!(
            told,
            ["The witness `otto` does not sign the ledger: it does not answer."]
        );
        standings.signed(&otto, 7);
        assert_eq!(standings.problems(at(999)), [""; 0]);
        standings.failed(&otto, at(1_000), &Failed::Fork);
        assert!(standings.problems(at(1_000))[0].contains("another history"));
        assert_eq!(standings.each(Which::Failed), [("otto".to_owned(), 2)]);
        assert_eq!(standings.each(Which::Size), [("otto".to_owned(), 7)]);
        standings.are([]);
        assert_eq!(
            standings.problems(at(9_999)),
            [""; 0],
            "nobody asks it any more"
        );
    }

    /// No waiting mends it, so nobody is left to wait.
    #[test]
    fn one_that_has_to_be_told_of_a_key_is_named_at_once() {
        let (standings, at) = (Standings::default(), Duration::from_secs);
        let otto: WitnessId = "otto".parse().unwrap();
        standings.are([otto.clone()]);
        let untold = Failed::Untold {
            status: 403,
            knows: "knows this ledger by a key that another has followed",
            command: "glass witness add-log".to_owned(),
        };
        standings.failed(&otto, at(100), &untold);
        let told = standings.problems(at(100));
        assert!(told[0].contains("glass witness add-log"), "{told:?}");
        // Stopped, so that it can be told.
        standings.failed(&otto, at(110), &Failed::Away("it does not answer".into()));
        assert_eq!(standings.problems(at(110)), [""; 0]);
    }
}
