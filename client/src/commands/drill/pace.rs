//! How long each step took, against how long it may take.

use std::time::Duration;

use breakglass_proto::v1;
use serde::Serialize;

use crate::{error::Error, time};

/// The steps, as the policy and the ledger call them, in order.
pub(super) const OPEN: &str = "open";
pub(super) const ASK: &str = "ask";
pub(super) const APPROVE: &str = "approve";
pub(super) const CREDENTIAL: &str = "credential";
pub(super) const USE: &str = "use";
pub(super) const CLOSE: &str = "close";
pub(super) const KILL: &str = "kill";
pub(super) const ENDED: &str = "ended";
pub(super) const VERIFY: &str = "verify";

/// The longest time that is told: the broker takes no more, and a drill closes itself long before.
const MILLIS_MAX: u64 = 24 * 3_600 * 1_000;

/// One step that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Taken {
    pub(super) step: &'static str,
    pub(super) took_ms: u64,
    pub(super) budget_ms: u64,
}

impl Taken {
    pub(super) fn is_slow(&self) -> bool {
        self.took_ms > self.budget_ms
    }

    /// `approve took 41 s of 5 s`.
    pub(super) fn sentence(&self) -> String {
        let (took, budget) = (shown(self.took_ms), shown(self.budget_ms));
        format!("{} took {took} of {budget}", self.step)
    }
}

/// What the policy allows each step.
#[derive(Debug)]
pub(super) struct Budgets(Vec<(String, Duration)>);

impl Budgets {
    pub(super) fn of(drills: &v1::Drills) -> Self {
        let budgets = drills.budgets.iter().map(|it| {
            let budget = time::length_from_proto(it.budget.as_ref()).unwrap_or_default();
            (
                it.step.clone(),
                Duration::try_from(budget).unwrap_or_default(),
            )
        });
        Self(budgets.collect())
    }

    /// # Errors
    /// [`Error::Setup`] where an older or newer broker knows no such step.
    pub(super) fn of_step(&self, step: &str) -> Result<Duration, Error> {
        let found = self.0.iter().find(|(name, _)| name == step);
        found.map(|(_, budget)| *budget).ok_or_else(|| {
            Error::broken_answer(&format!("it gives no time to the step `{step}` of a drill"))
        })
    }
}

/// Whole milliseconds, as they are signed.
pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis())
        .unwrap_or(u64::MAX)
        .min(MILLIS_MAX)
}

/// As people read it: `14 ms`, `1.9 s`, `2 min 5 s`.
pub(super) fn shown(millis: u64) -> String {
    let (seconds, rest) = (millis / 1_000, millis % 1_000);
    match (seconds, rest) {
        (0, _) => format!("{millis} ms"),
        (1..60, 0) => format!("{seconds} s"),
        (1..60, _) => format!("{seconds}.{} s", rest / 100),
        (_, _) if seconds % 60 == 0 => format!("{} min", seconds / 60),
        (_, _) => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_at_a_glance() {
        for (millis, text) in [
            (0, "0 ms"),
            (14, "14 ms"),
            (999, "999 ms"),
            (5_000, "5 s"),
            (1_890, "1.8 s"),
            (60_000, "1 min"),
            (300_000, "5 min"),
            (125_999, "2 min 5 s"),
        ] {
            assert_eq!(shown(millis), text);
        }
    }

    #[test]
    fn a_step_is_slow_beyond_its_budget_and_not_at_it() {
        let taken = |took_ms| Taken {
            step: APPROVE,
            took_ms,
            budget_ms: 5_000,
        };
        assert!(!taken(5_000).is_slow());
        assert!(taken(5_001).is_slow());
        assert_eq!(taken(41_000).sentence(), "approve took 41 s of 5 s");
    }

    #[test]
    fn what_a_laptop_slept_through_can_still_be_told() {
        assert_eq!(millis(Duration::from_secs(7 * 24 * 3_600)), 86_400_000);
    }
}
