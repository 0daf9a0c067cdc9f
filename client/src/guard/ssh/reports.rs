//! What the broker is still to be told. Nothing is queued beside the sessions: a session without a
//! name is to be reported as opened, one that is over as ended. So what is to be reported survives
//! whatever the sessions survive, and cannot grow beyond them.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use super::{
    broker::{Ending, Once, Opening},
    limits::{FIRST_PAUSE, LONGEST_PAUSE},
    sessions::Sessions,
};
use crate::error::Error;

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    /// That it opened, a while ago.
    Opened(Box<Opening>),
    /// That it is over.
    Ended(Ending),
    /// That it never was, if the broker has it.
    Refused(Once),
}

/// What is to be told, oldest first, of those that `is_free`: not being told already.
pub(super) fn due(
    sessions: &Sessions,
    mut is_free: impl FnMut(u64) -> bool,
    most: usize,
) -> Vec<(u64, Report)> {
    let report = |key, session: &super::sessions::Session| {
        let report = if session.refused {
            session.once.map(Report::Refused)
        } else if session.id.is_none() {
            Some(Report::Opened(Box::new(session.opening())))
        } else {
            session.ending().map(Report::Ended)
        };
        report.filter(|_| is_free(key)).map(|report| (key, report))
    };
    let mut report = report;
    sessions
        .iter()
        .filter_map(|(key, session)| report(key, session))
        .take(most)
        .collect()
}

/// Those of the sessions the broker wants to be over that nobody here knows. None while somebody is
/// in whose name is not here yet, because the broker's answer came too late: it may be any of them.
pub(super) fn unknown<'a>(
    sessions: &Sessions,
    doomed: impl Iterator<Item = &'a str>,
    most: usize,
) -> Vec<String> {
    let mut all = sessions.iter();
    if all.any(|(_, session)| session.id.is_none() && !session.refused) {
        return Vec::new();
    }
    let known: HashSet<&str> = sessions
        .iter()
        .filter_map(|(_, session)| session.id.as_deref())
        .collect();
    let unknown = doomed.filter(|id| !known.contains(id)).take(most);
    unknown.map(str::to_owned).collect()
}

/// Whether the broker has answered for good: it will say the same the next time.
pub(super) fn is_final(error: &Error) -> bool {
    const REASONS: [&str; 8] = [
        "UNKNOWN_SESSION",
        "SESSION_ENDED",
        "UNKNOWN_GRANT",
        "GRANT_ENDED",
        "NOT_FOUND",
        "INVALID_ARGUMENT",
        "INVALID_TEXT",
        "NOT_ALLOWED",
    ];
    matches!(error, Error::Refused(refusal) if REASONS.contains(&refusal.reason.as_str()))
}

/// When to try again.
#[derive(Debug)]
pub(super) struct Backoff {
    pause: Duration,
    not_before: Option<Instant>,
}

impl Backoff {
    /// At once.
    pub(super) fn new() -> Self {
        Self {
            pause: Duration::ZERO,
            not_before: None,
        }
    }

    /// It went through, or the broker is back.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }

    /// It did not.
    pub(super) fn failed(&mut self, now: Instant) {
        // Several reports fail together; that is one failure.
        if self.not_before.is_none_or(|until| now >= until) {
            self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            self.not_before = Some(now + self.pause);
        }
    }

    /// When the next try may be made; `None` for at once.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Refusal,
        guard::ssh::{
            broker::How,
            sessions::{Over, tests::at, tests::session},
        },
        processes::ProcessId,
    };

    #[test]
    fn what_is_to_be_told_follows_from_the_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let now = at("2026-11-23T03:05:00Z");
        let mut sessions = Sessions::load(folder.path(), "boot-1", now).unwrap();
        let mut add = |id: Option<&str>, over: bool| {
            let mut one = session("G-45", ProcessId::new(1_000_000, 1).unwrap());
            one.id = id.map(str::to_owned);
            one.over = over.then_some(Over {
                how: How::Closed,
                at: now,
                took_ms: None,
            });
            sessions.add(one).unwrap()
        };
        let _open = add(Some("S-1"), false);
        let unnamed = add(None, false);
        let over = add(Some("S-2"), true);
        let unnamed_over = add(None, true);
        let told = |sessions: &Sessions, busy: u64| -> Vec<(u64, bool)> {
            due(sessions, |key| key != busy, 10)
                .into_iter()
                .map(|(key, report)| (key, matches!(report, Report::Ended(_))))
                .collect()
        };
        let all = [(unnamed, false), (over, true), (unnamed_over, false)];
        assert_eq!(told(&sessions, 99), all, "the name comes first");
        assert_eq!(told(&sessions, unnamed), all[1..]);
        assert_eq!(due(&sessions, |_| true, 1).len(), 1);
        sessions.save().unwrap();
        let again = Sessions::load(folder.path(), "boot-1", now).unwrap();
        let still = told(&again, 99);
        assert!(
            all.iter().all(|report| still.contains(report)),
            "never lost"
        );
    }

    #[test]
    fn whoever_has_no_name_yet_may_be_any_of_those_that_are_to_be_over() {
        let folder = tempfile::tempdir().unwrap();
        let now = at("2026-11-23T03:05:00Z");
        let mut sessions = Sessions::load(folder.path(), "boot-1", now).unwrap();
        let mut add = |id: Option<&str>| {
            let mut one = session("G-45", ProcessId::new(1_000_000, 1).unwrap());
            one.id = id.map(str::to_owned);
            sessions.add(one).unwrap()
        };
        add(Some("S-1"));
        let late = add(None);
        let strangers = |sessions: &Sessions| {
            let doomed = ["S-1", "S-2", "S-3"];
            unknown(sessions, doomed.into_iter(), 10)
        };
        assert!(strangers(&sessions).is_empty(), "it may be S-2, and lives");
        sessions.session_mut(late).unwrap().id = Some("S-2".into());
        assert_eq!(strangers(&sessions), ["S-3"]);
        let kept_out = add_kept_out(&mut sessions);
        assert_eq!(strangers(&sessions), ["S-3"], "{kept_out} never came in");
    }

    fn add_kept_out(sessions: &mut Sessions) -> u64 {
        let mut one = session("G-45", ProcessId::new(1_000_000, 1).unwrap());
        (one.id, one.refused) = (None, true);
        sessions.add(one).unwrap()
    }

    #[test]
    fn the_pauses_grow_and_end_nowhere() {
        let mut backoff = Backoff::new();
        let mut now = Instant::now();
        assert_eq!(backoff.until(now), None);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            backoff.failed(now);
            backoff.failed(now);
            let until = backoff.until(now).unwrap();
            pauses.push((until - now).as_millis());
            now = until;
        }
        assert_eq!(pauses[..3], [250, 500, 1_000]);
        assert_eq!(pauses.last(), Some(&30_000));
        backoff.reset();
        assert_eq!(backoff.until(now), None);
    }

    #[test]
    fn only_an_answer_about_the_session_is_final() {
        let refused = |reason: &str| {
            Error::Refused(Box::new(Refusal {
                reason: reason.into(),
                message: String::new(),
                next: None,
            }))
        };
        assert!(is_final(&refused("UNKNOWN_SESSION")));
        for passing in [
            "LEDGER_FULL",
            "INTERNAL",
            "TOO_MANY",
            "NOT_ENROLLED",
            "SHUTTING_DOWN",
        ] {
            assert!(!is_final(&refused(passing)), "{passing}");
        }
        assert!(!is_final(&Error::setup("", "")));
    }
}
