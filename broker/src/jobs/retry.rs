//! When something that failed is tried again: soon at first, then more seldom, for ever.

use std::time::Duration;

/// The pause after the first failure. What fails once is often a restart, over in a second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: an operator who has mended it sees it work within a minute.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The plan for one thing to do. Times are monotonic, so that a wall clock that is set changes
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retry {
    failures: u32,
    since: Duration,
    due: Duration,
}

impl Retry {
    /// Due at once.
    pub(super) fn at_once(now: Duration) -> Self {
        Self {
            failures: 0,
            since: now,
            due: now,
        }
    }

    /// Whether it is to be tried now.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.due
    }

    /// When it is to be tried, for whoever sleeps until the first of many.
    pub(super) fn due(&self) -> Duration {
        self.due
    }

    /// It failed; the pause doubles, from a second to a minute. It never gives up.
    pub(super) fn failed(&mut self, now: Duration) {
        self.due = now.saturating_add(pause_after(self.failures));
        self.failures = self.failures.saturating_add(1);
    }

    /// It went well, and is to be done again after a while.
    pub(super) fn again_after(&mut self, now: Duration, pause: Duration) {
        *self = Self::at_once(now.saturating_add(pause));
    }

    /// Something has changed, perhaps for the better: it is due now. The next pause is no shorter.
    pub(super) fn hurry(&mut self, now: Duration) {
        self.due = self.due.min(now);
    }

    /// How often it has failed.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// How long it has been waited for.
    pub(super) fn waited(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }
}

fn pause_after(failures: u32) -> Duration {
    let doubled = 2_u32.checked_pow(failures).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_never_end() {
        let mut now = at(100);
        let mut retry = Retry::at_once(now);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            assert!(retry.is_due(now));
            retry.failed(now);
            assert!(!retry.is_due(retry.due() - Duration::from_nanos(1)));
            pauses.push((retry.due() - now).as_secs());
            now = retry.due();
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(retry.failures(), 9);
        assert_eq!(retry.waited(now), at(243));
    }

    #[test]
    fn a_thousand_years_of_failures_change_nothing() {
        let retry = &mut Retry::at_once(at(0));
        retry.failures = u32::MAX;
        retry.failed(at(7));
        assert_eq!(retry.due(), at(67));
        assert_eq!(retry.failures(), u32::MAX);
        retry.failed(Duration::MAX);
        assert_eq!(retry.due(), Duration::MAX);
    }

    #[test]
    fn what_hurries_is_due_but_does_not_forget() {
        let mut retry = Retry::at_once(at(0));
        for _ in 0..5 {
            retry.failed(at(0));
        }
        retry.hurry(at(3));
        assert!(retry.is_due(at(3)));
        retry.failed(at(3));
        assert_eq!(retry.due(), at(35));
        retry.hurry(at(90));
        assert_eq!(retry.due(), at(35), "it was due before");
    }
}
