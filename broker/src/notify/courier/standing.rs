//! How a destination fares, for metrics and `glass status`.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use breakglass_domain::Time;

use super::super::limits::{FAILURE_TOLD, LAG_TOLD};
use super::Failed;

/// How one destination fares.
#[derive(Debug)]
pub struct Standing {
    name: String,
    label: String,
    gets: Gets,
    delivered: AtomicU64,
    failed: AtomicU64,
    place: AtomicU64,
    /// The time of the oldest entry under way, in milliseconds.
    oldest: AtomicI64,
    failing: Mutex<Option<Failing>>,
    /// Why nothing is sent at all, until the next start.
    still: OnceLock<String>,
}

/// What a destination gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gets {
    Urgent,
    Notices,
    Entries,
}

/// Where nothing is under way.
const NONE: i64 = i64::MAX;

/// Since when nothing gets through, on the monotonic clock, and why.
#[derive(Debug, Clone)]
struct Failing {
    since: Duration,
    why: String,
}

impl Standing {
    /// Of one that gets notices. Nothing was delivered yet, and nothing failed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::of(name, Gets::Notices)
    }

    /// Of the same, for what is urgent.
    #[must_use]
    pub fn of_urgent(name: &str) -> Self {
        Self::of(name, Gets::Urgent)
    }

    /// Of one that gets every entry.
    #[must_use]
    pub fn of_stream(name: &str) -> Self {
        Self::of(name, Gets::Entries)
    }

    fn of(name: &str, gets: Gets) -> Self {
        Self {
            name: name.to_owned(),
            label: match gets {
                Gets::Urgent => format!("{name}/urgent"),
                Gets::Notices | Gets::Entries => name.to_owned(),
            },
            gets,
            oldest: AtomicI64::new(NONE),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            place: AtomicU64::new(0),
            failing: Mutex::new(None),
            still: OnceLock::new(),
        }
    }

    /// The destination's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it is counted: `chat`, and `chat/urgent`, which no destination can be called.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
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
        if let Some(why) = self.still.get() {
            let name = &self.name;
            return Some(format!(
                "The stream `{name}` stands still, because how far it was sent is not known: {why}. \
                 Mend the file, or remove it, and the stream begins as the config says; then restart \
                 the broker"
            ));
        }
        let failing = self.lock().clone()?;
        let length = now.saturating_sub(failing.since);
        (length >= FAILURE_TOLD).then(|| {
            let (name, minutes, why) = (&self.name, length.as_secs() / 60, failing.why);
            let (what, command) = match self.gets {
                Gets::Urgent => ("Urgent notices to", "notify-test"),
                Gets::Notices => ("Notices to", "notify-test"),
                Gets::Entries => ("Entries to the stream", "stream-test"),
            };
            format!(
                "{what} `{name}` have not got through for {minutes} minutes, and are tried again \
                 until they do: {why}. On the broker's host: glassd {command} {name}"
            )
        })
    }

    /// How old the oldest entry is that is under way; nothing where none is.
    #[must_use]
    pub fn lag(&self, now: Time) -> Duration {
        let oldest = self.oldest.load(Ordering::Relaxed);
        let behind = now.as_millis().saturating_sub(oldest).max(0);
        Duration::from_millis(if oldest == NONE {
            0
        } else {
            behind.unsigned_abs()
        })
    }

    /// What people are told of one that gets everything and is far behind at `now`, of a ledger of that
    /// size, although nothing fails.
    #[must_use]
    pub fn behind(&self, now: Time, size: u64) -> Option<String> {
        let lag = self.lag(now);
        let is_failing = self.lock().is_some();
        let is_long = lag.as_millis() > u128::from(LAG_TOLD.as_millis().unsigned_abs());
        (!is_failing && is_long && self.gets == Gets::Entries).then(|| {
            let (name, minutes) = (&self.name, lag.as_secs() / 60);
            let entries = size.saturating_sub(self.place());
            format!(
                "The stream `{name}` is {entries} entries and {minutes} minutes behind; it catches up \
                 as fast as its destination takes them"
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
            tracing::info!(%name, "it gets through again");
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
            tracing::warn!(%name, %why, "it does not get through; trying again");
        }
        let why = why.to_string();
        *failing = Some(Failing { since, why });
    }

    /// Nothing is sent at all, from `now` on.
    pub fn stands_still(&self, why: &str, now: Time) {
        self.waits_since(now);
        // Said once, before anything else is.
        let _ = self.still.set(why.to_owned());
    }

    /// What is under way next is of then.
    pub(super) fn waits_since(&self, at: Time) {
        self.oldest.store(at.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn is_at(&self, place: u64) {
        self.oldest.store(NONE, Ordering::Relaxed);
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
    fn a_stream_that_is_far_behind_is_told_although_nothing_fails() {
        let (standing, at) = (Standing::of_stream("siem"), Time::from_millis);
        assert_eq!(standing.lag(at(0)), Duration::ZERO);
        standing.is_at(5);
        standing.waits_since(at(1_000));
        assert_eq!(standing.lag(at(2_500)), Duration::from_millis(1_500));
        assert_eq!(
            standing.lag(at(0)),
            Duration::ZERO,
            "a clock that was set back"
        );
        assert_eq!(standing.behind(at(601_000), 12), None);
        let told = standing.behind(at(661_000), 12).unwrap();
        assert!(
            told.contains("`siem` is 7 entries and 11 minutes behind"),
            "{told}"
        );
        // Where it fails as well, that is said, and not both.
        standing.failed(Duration::ZERO, &Failed("refused".into()));
        assert_eq!(standing.behind(at(661_000), 12), None);
        let told = standing.problem(Duration::from_secs(300)).unwrap();
        assert!(told.contains("glassd stream-test siem"), "{told}");
        standing.delivered();
        standing.is_at(12);
        assert_eq!(standing.lag(at(661_000)), Duration::ZERO);
        // Notices that wait are folded; nobody is told how old they are.
        let notices = Standing::new("chat");
        notices.waits_since(at(0));
        assert_eq!(notices.behind(at(9_999_000), 1), None);
    }

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
