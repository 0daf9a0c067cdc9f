//! A broker that says what the test says, and tells what it was told.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use breakglass_client::error::{Error, Refusal};
use breakglass_client::guard::ssh::broker::{
    Attended, Attending, Broker, EndedGrant, Ending, Live, News, Once, Opening, Standing,
};
use breakglass_client::time::now;
use jiff::SignedDuration;
use tokio::sync::mpsc;

/// What the broker was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Opened(Opening),
    Ended(Ending),
    Refused(Once),
}

#[derive(Clone)]
pub(crate) struct StandIn(Arc<Inner>);

struct Inner {
    standing: Mutex<Standing>,
    refusal: Mutex<Option<String>>,
    streams: Mutex<Vec<mpsc::UnboundedSender<News>>>,
    sessions: AtomicU32,
    acts: mpsc::UnboundedSender<Act>,
}

impl StandIn {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Act>) {
        let (acts, told) = mpsc::unbounded_channel();
        let inner = Inner {
            standing: Mutex::default(),
            refusal: Mutex::default(),
            streams: Mutex::default(),
            sessions: AtomicU32::new(6),
            acts,
        };
        (Self(Arc::new(inner)), told)
    }

    /// These grants live from now on, and no others.
    pub(crate) fn stand(&self, live: &[&str], ended: &[(&str, &str)]) {
        let live = live.iter().map(|grant| {
            let live = Live {
                person: "mia".into(),
                right: "shell-web".into(),
                incident: "INC-12".into(),
                ends_at: now() + SignedDuration::from_mins(15),
            };
            ((*grant).to_owned(), live)
        });
        let ended = ended.iter().map(|(grant, text)| EndedGrant {
            grant: (*grant).to_owned(),
            text: (*text).to_owned(),
        });
        let standing = Standing {
            live: live.collect(),
            ended: ended.collect(),
            ..Standing::default()
        };
        *self.0.standing.lock().unwrap() = standing.clone();
        self.say(&News {
            standing: Some(standing),
            tick: Some(now()),
            ..News::default()
        });
    }

    /// Lets nobody in, with this sentence.
    pub(crate) fn refuses(&self, why: &str) {
        *self.0.refusal.lock().unwrap() = Some(why.to_owned());
    }

    /// Sends a list of revoked certificates.
    pub(crate) fn revokes(&self, krl: Vec<u8>) {
        self.say(&News {
            krl: Some(krl),
            ..News::default()
        });
    }

    fn say(&self, news: &News) {
        let mut streams = self.0.streams.lock().unwrap();
        streams.retain(|stream| stream.send(news.clone()).is_ok());
    }
}

impl Attended for StandIn {
    type Attending = Stream;

    async fn attend(&self) -> Result<Stream, Error> {
        let (stream, news) = mpsc::unbounded_channel();
        let first = News {
            standing: Some(self.0.standing.lock().unwrap().clone()),
            tick: Some(now()),
            ..News::default()
        };
        stream.send(first).unwrap();
        self.0.streams.lock().unwrap().push(stream);
        Ok(Stream(news))
    }
}

impl Broker for StandIn {
    async fn open(&self, opening: &Opening) -> Result<String, Error> {
        self.0.acts.send(Act::Opened(opening.clone())).unwrap();
        if let Some(message) = self.0.refusal.lock().unwrap().clone() {
            let reason = "GRANT_ENDED".to_owned();
            let next = None;
            return Err(Error::Refused(Box::new(Refusal {
                reason,
                message,
                next,
            })));
        }
        let number = self.0.sessions.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(format!("S-{number}"))
    }

    async fn end(&self, ending: &Ending) -> Result<(), Error> {
        self.0.acts.send(Act::Ended(ending.clone())).unwrap();
        Ok(())
    }

    async fn refused(&self, once: &Once) -> Result<(), Error> {
        self.0.acts.send(Act::Refused(*once)).unwrap();
        Ok(())
    }
}

pub(crate) struct Stream(mpsc::UnboundedReceiver<News>);

impl Attending for Stream {
    async fn next(&mut self) -> Result<News, Error> {
        // Ticks, as a broker does; a stream of this one never ends.
        let tick = tokio::time::sleep(std::time::Duration::from_secs(2));
        tokio::select! {
            Some(news) = self.0.recv() => Ok(news),
            () = tick => Ok(News { tick: Some(now()), ..News::default() }),
        }
    }
}
