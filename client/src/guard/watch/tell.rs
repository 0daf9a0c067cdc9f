//! What the broker is told, again and again until it has heard it.

use tokio::time::{Instant, timeout};

use super::Watch;
use crate::{
    error::Error,
    guard::{
        broker::Broker,
        limits::{OPEN_TIMEOUT, REPORTS_AT_ONCE},
        reports::{Report, due, is_final},
    },
};

/// What became of a report.
pub(super) struct Told {
    key: u64,
    /// The session's name where that was what we wanted to know.
    said: Result<Option<String>, Error>,
}

impl<B: Broker> Watch<B> {
    /// Sends what is to be told, unless the broker did not hear it a moment ago.
    pub(super) fn tell_the_broker(&mut self, now: Instant) {
        let room = REPORTS_AT_ONCE.saturating_sub(self.telling.len());
        if room == 0 || self.backoff.until(now).is_some() {
            return;
        }
        for (key, report) in due(&self.sessions, |key| !self.busy.contains(&key), room) {
            self.begin_telling(key);
            let broker = self.broker.clone();
            self.telling.spawn(async move {
                let telling = async {
                    match report {
                        Report::Opened(opening) => broker.open(&opening).await.map(Some),
                        Report::Ended(ending) => broker.end(&ending).await.map(|()| None),
                    }
                };
                let said = timeout(OPEN_TIMEOUT, telling).await;
                let said = said.unwrap_or_else(|_| Err(unanswered()));
                Told { key, said }
            });
        }
    }

    /// Takes note of what became of a report.
    pub(super) fn told(&mut self, told: Told) {
        let Told { key, said } = told;
        self.end_telling(key);
        match said {
            Ok(name) => {
                self.backoff.reset();
                match (name, self.sessions.session_mut(key)) {
                    (Some(name), Some(session)) => session.id = Some(name),
                    _ => drop(self.sessions.remove(key)),
                }
                self.unsaved = true;
            }
            Err(why) if is_final(&why) => self.give_up_on(key, &why),
            Err(why) => {
                if self.backoff.until(Instant::now()).is_none() && !why.is_passing() {
                    self.printer
                        .warn(format!("the broker does not take a report: {why}"));
                }
                self.backoff.failed(Instant::now());
            }
        }
    }

    /// The broker will never take this report.
    fn give_up_on(&mut self, key: u64, why: &Error) {
        let Some(session) = self.sessions.session_mut(key) else {
            return;
        };
        self.printer.loud(format!(
            "the broker refuses the report of {}: {why}",
            session.name()
        ));
        if session.over.is_some() {
            self.sessions.remove(key);
            self.unsaved = true;
        } else {
            // Still open, and its grant is over: the standing ends it. Until then it is told again.
            self.backoff.failed(Instant::now());
        }
    }

    /// Whether the broker is being told about this session right now.
    pub(super) fn telling_about(&self, key: u64) -> bool {
        self.busy.contains(&key)
    }

    pub(super) fn begin_telling(&mut self, key: u64) {
        self.busy.insert(key);
    }

    pub(super) fn end_telling(&mut self, key: u64) {
        self.busy.remove(&key);
    }
}

fn unanswered() -> Error {
    Error::Unreachable {
        what: "the broker does not answer in time".to_owned(),
        next: "it is told again".to_owned(),
    }
}
