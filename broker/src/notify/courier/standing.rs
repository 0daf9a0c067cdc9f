//! How a destination fares, for metrics and `glass status`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::limits::FAILURE_TOLD;
use super::Failed;

/// How one destination fares.
#[derive(Debug)]
pub struct Standing {
    name: String,
    delivered: AtomicU64,
    failed: AtomicU64,
    place: AtomicU64,
    failing: Mutex<Option<Failing>>,
}

/// Since when nothing gets through, on the monotonic clock, and why.
#[derive(Debug, Clone)]
struct Failing {
    since: Duration,
    why: String,
}

impl Standing {
    /// Nothing was delivered yet, and nothing failed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            place: AtomicU64::new(0),
            failing: Mutex::new(None),
        }
    }

    /// The destination's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many parcels it took since the start.
    #[must_use]
    pub fn count_delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// How many times it did not take one since the start.
    #[must_use]
    pub fn count_failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// The next entry that it is to be told of, or that is passed over.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.place.load(Ordering::Relaxed)
    }

    /// What people are told of it, where it has failed for too long at `now`.
    #[must_use]
    pub fn problem(&self, now: Duration) -> Option<String> {
        let failing = self.lock().clone()?;
        let length = now.saturating_sub(failing.since);
        (length >= FAILURE_TOLD).then(|| {
            let (name, minutes, why) = (&self.name, length.as_secs() / 60, failing.why);
            format!(
                "Notices to `{name}` have not got through for {minutes} minutes, and are tried again \
                 until they do: {why}. On the broker's host: glassd notify-test {name}"
            )
        })
    }

    /// It took one.
    pub(in super::super) fn delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.is_well();
    }

    /// It would take one.
    pub(in super::super) fn is_well(&self) {
        if self.lock().take().is_some() {
            let name = &self.name;
            tracing::info!(%name, "notices get through again");
        }
    }

    /// It did not, or could not.
    pub(in super::super) fn failed(&self, now: Duration, why: &Failed) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.cannot(now, why);
    }

    /// It would not.
    pub(in super::super) fn cannot(&self, now: Duration, why: &Failed) {
        let mut failing = self.lock();
        let since = failing.as_ref().map_or(now, |failing| failing.since);
        if failing.is_none() {
            let name = &self.name;
            tracing::warn!(%name, %why, "a notice did not get through; trying again");
        }
        let why = why.to_string();
        *failing = Some(Failing { since, why });
    }

    pub(super) fn is_at(&self, place: u64) {
        self.place.store(place, Ordering::Relaxed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_told_after_five_minutes_until_it_works() {
        let (standing, at) = (Standing::new("chat"), Duration::from_secs);
        let why = |text: &str| Failed(text.into());
        standing.failed(at(100), &why("refused"));
        standing.failed(at(399), &why("it does not answer"));
        assert_eq!(standing.problem(at(399)), None);
        let told = standing.problem(at(400)).unwrap();
        assert!(
            told.contains("`chat` have not got through for 5 minutes"),
            "{told}"
        );
        assert!(told.contains("it does not answer"), "{told}");
        standing.delivered();
        assert_eq!(standing.problem(at(9_999)), None);
        assert_eq!(
            (standing.count_delivered(), standing.count_failed()),
            (1, 2)
        );
    }
}
