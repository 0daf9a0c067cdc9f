//! A moment that two processes of one machine agree on.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// By the clock that nobody can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(Duration);

impl Moment {
    pub(super) fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        // It counts from the start of the machine, so it is never negative.
        Self(Duration::try_from(now).unwrap_or_default())
    }

    /// How much later the other one was.
    pub(super) fn until(self, later: Self) -> Duration {
        later.0.saturating_sub(self.0)
    }

    /// In microseconds, as it goes from one process to the other.
    pub(super) fn to_micros(self) -> u128 {
        self.0.as_micros()
    }

    pub(super) fn of_micros(micros: u64) -> Self {
        Self(Duration::from_micros(micros))
    }
}
