//! A broker that says what the test says, and tells what it was told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use super::broker::{Attended, Attending, Broker, Ending, Live, News, Once, Opening, Standing};
use crate::{
    error::{Error, Refusal},
    time,
};

/// What the broker was told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Opened(Opening),
    Ended(Ending),
    Refused(Once),
}

#[derive(Clone)]
pub(super) struct FakeBroker(Arc<Inner>);

struct Inner {
    reachable: AtomicBool,
    /// Refuses to open sessions.
    refusing: AtomicBool,
    /// Hears, and its answers are lost.
    losing: AtomicBool,
    sessions: AtomicU32,
    /// The newest standing, said first on each new stream.
    standing: Mutex<Standing>,
    grace: Mutex<Option<Duration>>,
    /// The newest list of revoked certificates, the same.
    krl: Mutex<Option<Vec<u8>>>,
    streams: Mutex<Vec<mpsc::UnboundedSender<News>>>,
    acts: mpsc::UnboundedSender<Act>,
}

impl FakeBroker {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Act>) {
        let (acts, told) = mpsc::unbounded_channel();
        let inner = Inner {
            reachable: AtomicBool::new(true),
            refusing: AtomicBool::new(false),
            losing: AtomicBool::new(false),
            sessions: AtomicU32::new(6),
            standing: Mutex::default(),
            grace: Mutex::default(),
            krl: Mutex::default(),
            streams: Mutex::default(),
            acts,
        };
        (Self(Arc::new(inner)), told)
    }

    /// These grants live from now on, and no others.
    pub(super) fn stand(&self, live: &[&str], ended: &[(&str, &str)]) {
        let live = live.iter().map(|grant| {
            let live = Live {
                person: "mia".into(),
                right: "shell-web".into(),
                incident: "INC-12".into(),
                ends_at: time::now() + jiff::SignedDuration::from_mins(15),
            };
            ((*grant).to_owned(), live)
        });
        let ended = ended.iter().map(|(grant, text)| super::broker::EndedGrant {
            grant: (*grant).to_owned(),
            text: (*text).to_owned(),
        });
        let standing = Standing {
            live: live.collect(),
            ended: ended.collect(),
            doomed: Vec::new(),
        };
        *self.0.standing.lock().unwrap() = standing.clone();
        self.say(News {
            standing: Some(standing),
            tick: Some(time::now()),
            ..News::default()
        });
    }

    /// Says this on every stream; a list on each new one, too.
    pub(super) fn say(&self, news: News) {
        if news.krl.is_some() {
            self.0.krl.lock().unwrap().clone_from(&news.krl);
        }
        let mut streams = self.0.streams.lock().unwrap();
        streams.retain(|stream| stream.send(news.clone()).is_ok());
    }

    /// Goes away, or comes back.
    pub(super) fn reachable(&self, reachable: bool) {
        self.0.reachable.store(reachable, Ordering::SeqCst);
        if !reachable {
            self.0.streams.lock().unwrap().clear();
        }
    }

    /// This session is held for over.
    pub(super) fn dooms(&self, session: &str) {
        let mut standing = self.0.standing.lock().unwrap();
        standing.doomed.push(session.to_owned());
        let standing = Some(standing.clone());
        self.say(News {
            standing,
            ..News::default()
        });
    }

    /// The grace said first on each new stream.
    pub(super) fn grace(&self, grace: Duration) {
        *self.0.grace.lock().unwrap() = Some(grace);
    }

    /// Its answers are lost on the way, or no more.
    pub(super) fn loses_answers(&self, losing: bool) {
        self.0.losing.store(losing, Ordering::SeqCst);
    }

    pub(super) fn refusing(&self) {
        self.0.refusing.store(true, Ordering::SeqCst);
    }

    fn answers(&self) -> Result<(), Error> {
        if self.0.reachable.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(gone())
    }
}

fn gone() -> Error {
    Error::Unreachable {
        what: "the broker is gone".to_owned(),
        next: String::new(),
    }
}

impl Attended for FakeBroker {
    type Attending = mpsc::UnboundedReceiver<News>;

    async fn attend(&self) -> Result<Self::Attending, Error> {
        self.answers()?;
        let (stream, attending) = mpsc::unbounded_channel();
        // What is said from here on is said on this stream, and what was said before is among the first.
        let mut streams = self.0.streams.lock().unwrap();
        let first = News {
            standing: Some(self.0.standing.lock().unwrap().clone()),
            tick: Some(time::now()),
            grace: *self.0.grace.lock().unwrap(),
            krl: self.0.krl.lock().unwrap().clone(),
            ..News::default()
        };
        stream.send(first).unwrap();
        streams.push(stream);
        Ok(attending)
    }
}

impl Broker for FakeBroker {
    async fn open(&self, opening: &Opening) -> Result<String, Error> {
        self.answers()?;
        self.0.acts.send(Act::Opened(opening.clone())).unwrap();
        if self.0.refusing.load(Ordering::SeqCst) {
            return Err(Error::Refused(Box::new(Refusal {
                reason: "GRANT_ENDED".into(),
                message: "grant G-45 has ended".into(),
                next: None,
            })));
        }
        if self.0.losing.load(Ordering::SeqCst) {
            return Err(gone());
        }
        let number = self.0.sessions.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(format!("S-{number}"))
    }

    async fn end(&self, ending: &Ending) -> Result<(), Error> {
        self.answers()?;
        self.0.acts.send(Act::Ended(ending.clone())).unwrap();
        Ok(())
    }

    async fn refused(&self, once: &Once) -> Result<(), Error> {
        self.answers()?;
        self.0.acts.send(Act::Refused(*once)).unwrap();
        Ok(())
    }
}

impl Attending for mpsc::UnboundedReceiver<News> {
    async fn next(&mut self) -> Result<News, Error> {
        self.recv().await.ok_or_else(gone)
    }
}
