//! What to do next while the command runs. Pure: told the time, it answers with steps.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::limits::{FIRST_RENEWAL_PAUSE, LONGEST_NAP, LONGEST_RENEWAL_PAUSE, WARNINGS};

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for a new credential; answer with [`Plan::renewed`] or [`Plan::renewal_failed`].
    Renew,
    /// Say that the grant ends soon.
    Warn {
        /// In how long.
        left: SignedDuration,
    },
    /// Say that the credential has run out though the grant lives.
    CredentialRanOut,
    /// The grant's time is over.
    End,
}

/// The times of one running command.
#[derive(Debug)]
pub(super) struct Plan {
    ends_at: Timestamp,
    /// The smallest warning given so far; warnings only get closer.
    warned: SignedDuration,
    credential_ends_at: Timestamp,
    ran_out_said: bool,
    renewal: Renewal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewal {
    /// From then on.
    At(Timestamp),
    /// Asked for, not answered yet.
    Asked { pause: SignedDuration },
    /// It failed; again from then on.
    Again {
        at: Timestamp,
        pause: SignedDuration,
    },
}

impl Plan {
    /// For a grant until `ends_at`, with a credential received `now` that lives until
    /// `credential_ends_at`.
    pub(super) fn new(now: Timestamp, ends_at: Timestamp, credential_ends_at: Timestamp) -> Self {
        Self {
            ends_at,
            warned: not_yet_due(ends_at.duration_since(now)),
            credential_ends_at,
            ran_out_said: false,
            renewal: Renewal::At(two_thirds(now, credential_ends_at)),
        }
    }

    /// What is due now. Each step is given once.
    pub(super) fn steps(&mut self, now: Timestamp) -> Vec<Step> {
        let left = self.ends_at.duration_since(now);
        if !left.is_positive() {
            return vec![Step::End];
        }
        let mut steps = Vec::new();
        // After a long sleep only the closest warning is still true.
        if let Some(due) = WARNINGS.iter().copied().filter(|w| left <= *w).min()
            && due < self.warned
        {
            self.warned = due;
            steps.push(Step::Warn { left });
        }
        if now >= self.credential_ends_at && !self.ran_out_said {
            self.ran_out_said = true;
            steps.push(Step::CredentialRanOut);
        }
        if self.renewal_due_at().is_some_and(|due| due <= now) {
            self.renewal = Renewal::Asked {
                pause: self.next_pause(),
            };
            steps.push(Step::Renew);
        }
        steps
    }

    /// How long nothing is due. Never longer than [`LONGEST_NAP`], see there.
    pub(super) fn nap(&self, now: Timestamp) -> Duration {
        let warnings = WARNINGS
            .iter()
            .filter(|warning| **warning < self.warned)
            .filter_map(|warning| self.ends_at.checked_sub(*warning).ok());
        let ran_out = (!self.ran_out_said).then_some(self.credential_ends_at);
        [Some(self.ends_at), self.renewal_due_at(), ran_out]
            .into_iter()
            .flatten()
            .chain(warnings)
            .min()
            .map_or(LONGEST_NAP, |next| {
                Duration::try_from(next.duration_since(now)).unwrap_or_default()
            })
            .min(LONGEST_NAP)
    }

    /// When the grant ends, as far as is known.
    pub(super) fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// The broker said when the grant ends. True if that is news.
    pub(super) fn ends(&mut self, now: Timestamp, ends_at: Timestamp) -> bool {
        if ends_at == self.ends_at {
            return false;
        }
        if ends_at > self.ends_at {
            self.warned = self.warned.max(not_yet_due(ends_at.duration_since(now)));
        }
        self.ends_at = ends_at;
        true
    }

    /// A new credential has come.
    pub(super) fn renewed(&mut self, now: Timestamp, credential_ends_at: Timestamp) {
        self.credential_ends_at = credential_ends_at;
        self.ran_out_said = false;
        self.renewal = Renewal::At(two_thirds(now, credential_ends_at));
    }

    /// Not all have come, and what there is lives until `credential_ends_at`; try again after a
    /// pause that grows. Returns whether this is the first failure in a row.
    pub(super) fn renewal_failed(&mut self, now: Timestamp, credential_ends_at: Timestamp) -> bool {
        self.credential_ends_at = credential_ends_at;
        let pause = self.next_pause();
        let at = now.saturating_add(pause).unwrap_or(now);
        self.renewal = Renewal::Again { at, pause };
        pause == FIRST_RENEWAL_PAUSE
    }

    /// When to renew; never where the credential lives as long as the grant.
    fn renewal_due_at(&self) -> Option<Timestamp> {
        match self.renewal {
            _ if self.credential_ends_at >= self.ends_at => None,
            Renewal::At(at) | Renewal::Again { at, .. } => Some(at),
            Renewal::Asked { .. } => None,
        }
    }

    fn next_pause(&self) -> SignedDuration {
        match self.renewal {
            Renewal::At(_) => FIRST_RENEWAL_PAUSE,
            Renewal::Asked { pause } => pause,
            Renewal::Again { pause, .. } => (pause * 2).min(LONGEST_RENEWAL_PAUSE),
        }
    }
}

/// The state of the warnings where none closer than `left` has been due yet: one that would come
/// at once at the start tells nobody anything new.
fn not_yet_due(left: SignedDuration) -> SignedDuration {
    WARNINGS
        .iter()
        .copied()
        .filter(|w| left <= *w)
        .min()
        .unwrap_or(SignedDuration::MAX)
}

/// The moment two thirds of the way: early enough to try often, late enough to be rare.
fn two_thirds(from: Timestamp, until: Timestamp) -> Timestamp {
    let life = until.duration_since(from).max(SignedDuration::ZERO);
    from.saturating_add(life * 2 / 3).unwrap_or(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn start() -> Timestamp {
        "2026-11-23T03:00:00Z".parse().unwrap()
    }

    fn after(minutes: i64) -> Timestamp {
        start() + MINUTE * i32::try_from(minutes).unwrap()
    }

    /// Lets the clock run to the end, renewing for another `life` each time, and tells the story.
    fn story(mut plan: Plan, life: i64) -> Vec<(SignedDuration, Step)> {
        let (mut now, mut story) = (start(), Vec::new());
        loop {
            for step in plan.steps(now) {
                story.push((now.duration_since(start()), step));
                match step {
                    Step::End => return story,
                    Step::Renew => {
                        plan.renewed(now, (now + MINUTE * life as i32).min(plan.ends_at))
                    }
                    Step::Warn { .. } | Step::CredentialRanOut => {}
                }
            }
            now += SignedDuration::try_from(plan.nap(now)).unwrap();
        }
    }

    #[test]
    fn a_half_hour_grant_from_begin_to_end() {
        let plan = Plan::new(start(), after(30), after(15));
        let warn = |minutes| Step::Warn {
            left: MINUTE * minutes,
        };
        assert_eq!(
            story(plan, 15),
            [
                (MINUTE * 10, Step::Renew),
                (MINUTE * 20, Step::Renew),
                (MINUTE * 25, warn(5)),
                (MINUTE * 29, warn(1)),
                (MINUTE * 30, Step::End),
            ]
        );
    }

    #[test]
    fn a_credential_as_long_as_the_grant_is_not_renewed() {
        let steps = story(Plan::new(start(), after(4), after(4)), 15);
        let warn = Step::Warn { left: MINUTE };
        assert_eq!(steps, [(MINUTE * 3, warn), (MINUTE * 4, Step::End)]);
    }

    #[test]
    fn a_failed_renewal_is_tried_again_ever_more_slowly() {
        let mut plan = Plan::new(start(), after(60), after(15));
        let mut now = after(10);
        let mut pauses = Vec::new();
        for turn in 0..7 {
            assert_eq!(plan.steps(now), [Step::Renew]);
            assert_eq!(plan.steps(now), [], "asked only once");
            assert_eq!(plan.renewal_failed(now, after(15)), turn == 0);
            let again = now + SignedDuration::try_from(plan.nap(now)).unwrap();
            let mut next = again;
            while plan.renewal_due_at().is_some_and(|due| due > next) {
                next += SignedDuration::try_from(plan.nap(next)).unwrap();
            }
            pauses.push(next.duration_since(now).as_secs());
            now = next;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 30]);
        plan.steps(now);
        plan.renewed(now, now + MINUTE * 15);
        assert_eq!(plan.renewal, Renewal::At(now + MINUTE * 10));
    }

    #[test]
    fn a_credential_that_runs_out_is_said_once() {
        let mut plan = Plan::new(start(), after(60), after(15));
        assert_eq!(plan.steps(after(10)), [Step::Renew]);
        assert_eq!(plan.steps(after(15)), [Step::CredentialRanOut]);
        assert_eq!(plan.steps(after(16)), []);
        plan.renewed(after(17), after(32));
        assert_eq!(plan.steps(after(32)), [Step::CredentialRanOut, Step::Renew]);
    }

    #[test]
    fn after_a_night_in_the_bag_only_what_is_true_is_said() {
        let mut plan = Plan::new(start(), after(30), after(30));
        let left = SignedDuration::from_secs(30);
        assert_eq!(plan.steps(after(30) - left), [Step::Warn { left }]);
        assert_eq!(plan.steps(after(500)), [Step::End]);
    }

    #[test]
    fn more_time_means_new_warnings_and_a_renewal() {
        let mut plan = Plan::new(start(), after(10), after(10));
        assert_eq!(plan.steps(after(5)), [Step::Warn { left: MINUTE * 5 }]);
        assert!(plan.ends(after(6), after(30)));
        assert!(!plan.ends(after(6), after(30)), "no news");
        assert_eq!(plan.steps(after(7)), [Step::Renew], "two thirds are over");
        plan.renewed(after(7), after(22));
        assert_eq!(
            plan.steps(after(25)),
            [
                Step::Warn { left: MINUTE * 5 },
                Step::CredentialRanOut,
                Step::Renew
            ]
        );
    }

    #[test]
    fn less_time_is_believed_too() {
        let mut plan = Plan::new(start(), after(30), after(30));
        assert!(plan.ends(after(1), after(2)));
        assert_eq!(plan.steps(after(1)), [Step::Warn { left: MINUTE }]);
        assert_eq!(plan.steps(after(2)), [Step::End]);
    }

    #[test]
    fn it_looks_at_the_clock_often_and_never_spins() {
        let mut plan = Plan::new(start(), after(60), after(15));
        assert_eq!(plan.nap(start()), LONGEST_NAP);
        assert!(!plan.steps(after(10)).is_empty());
        assert!(plan.nap(after(10)) > Duration::ZERO);
        assert_eq!(plan.nap(after(60)), Duration::ZERO, "the end is due");
    }

    #[test]
    fn a_short_grant_is_not_born_with_a_warning() {
        let mut plan = Plan::new(start(), after(5), after(5));
        assert_eq!(plan.steps(start()), []);
        assert_eq!(plan.steps(after(4)), [Step::Warn { left: MINUTE }]);
    }
}
