//! What the broker is told, again and again until it has heard it.

use tokio::time::{Instant, timeout};

use super::Watch;
use crate::{
    error::Error,
    guard::ssh::{
        broker::{Broker, Ending, How},
        limits::{OPEN_TIMEOUT, REPORTS_AT_ONCE},
        reports::{Report, due, is_final, unknown},
    },
    time,
};

/// What became of a report.
pub(super) struct Told {
    about: About,
    /// The session's name where that was what we wanted to know.
    said: Result<Option<String>, Error>,
}

/// What a report is about.
enum About {
    /// A session of ours.
    Ours(u64),
    /// One that nobody here knows.
    Unknown(String),
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
                        Report::Refused(once) => broker.refused(&once).await.map(|()| None),
                    }
                };
                let said = timeout(OPEN_TIMEOUT, telling).await;
                let said = said.unwrap_or_else(|_| Err(unanswered()));
                let about = About::Ours(key);
                Told { about, said }
            });
        }
        self.tell_of_the_unknown();
    }

    /// Tells of sessions the broker knows and nobody here does: their beginning was recorded after
    /// the guard had given it up, so they never came in. Not while one may be just about to get its
    /// name.
    fn tell_of_the_unknown(&mut self) {
        if !self.asked.is_empty() || !self.telling.is_empty() {
            return;
        }
        for id in unknown(&self.sessions, self.view.doomed(), REPORTS_AT_ONCE) {
            let broker = self.broker.clone();
            self.telling.spawn(async move {
                let ending = Ending {
                    session: id.clone(),
                    how: How::Gone,
                    at: time::now(),
                    took: None,
                };
                let said = timeout(OPEN_TIMEOUT, broker.end(&ending)).await;
                let said = said.unwrap_or_else(|_| Err(unanswered()));
                Told {
                    about: About::Unknown(id),
                    said: said.map(|()| None),
                }
            });
        }
    }

    /// Takes note of what became of a report.
    pub(super) fn told(&mut self, told: Told) {
        match told.about {
            About::Ours(key) => self.told_of_ours(key, told.said),
            About::Unknown(id) => match told.said {
                Err(why) if !is_final(&why) => self.backoff.failed(Instant::now()),
                _ => self.view.mourned(&id),
            },
        }
    }

    fn told_of_ours(&mut self, key: u64, said: Result<Option<String>, Error>) {
        self.end_telling(key);
        match said {
            Ok(name) => {
                self.backoff.reset();
                match (name, self.sessions.session_mut(key)) {
                    (Some(name), Some(session)) => {
                        session.id = Some(name);
                        self.unsaved = true;
                    }
                    _ => self.heard_of_the_end(key),
                }
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

    fn heard_of_the_end(&mut self, key: u64) {
        let session = self.sessions.remove(key);
        if let Some(id) = session.and_then(|session| session.id) {
            self.view.mourned(&id);
        }
        self.forgotten = true;
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
