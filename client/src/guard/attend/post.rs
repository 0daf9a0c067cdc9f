//! The real broker, as the guard of one target sees it.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use breakglass_proto::v1;
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};
use tonic::Streaming;

use super::{
    hold::{Attended, Attending},
    limits::{LOOK_AT_CERTIFICATE, LOUD_AGAIN, REMEMBER_AGAIN, RENEW_AGAIN},
    news::{self, News, Standing},
    ticks::Ticks,
};
use crate::{
    certificate, config::Settings, error::Error, identity::Identity, output::Printer,
    session::Session, trust::Trust, verify::Ledger, verify::Newest,
};

/// The post of a guard: its identity, and the line to the broker. Cheap to clone.
#[derive(Clone)]
pub struct Post(Arc<Inner>);

struct Inner {
    settings: Settings,
    printer: Printer,
    /// `target:web-1`.
    person: String,
    vkey: String,
    issuer: String,
    ticks: Ticks,
    /// The newest connection: what is told goes over it.
    session: Mutex<Option<Session>>,
    /// When it was last said that the broker cannot be believed.
    loud: Mutex<Option<Instant>>,
}

impl Post {
    /// The post of the context that was chosen. Nobody is called yet.
    ///
    /// # Errors
    /// [`Error::Setup`] where this host is not enrolled, or its context is a person's.
    pub fn of(settings: &Settings, printer: &Printer) -> Result<Self, Error> {
        let context = settings.context()?;
        let identity = Identity::load(&context)?;
        let person = identity.certificate.person;
        if certificate::target(&person).is_none() {
            return Err(Error::setup(
                format!(
                    "context {} is {person}'s, and a guard has one of its own",
                    context.name
                ),
                "invite the guard from a laptop: glass targets invite TARGET; then run the line it \
                 prints here, and name the context: --context TARGET",
            ));
        }
        Ok(Self(Arc::new(Inner {
            settings: settings.clone(),
            printer: printer.clone(),
            person,
            ticks: Ticks::new(Trust::of(&context)?),
            vkey: context.ledger_vkey,
            issuer: context.issuer,
            session: Mutex::default(),
            loud: Mutex::default(),
        })))
    }

    /// The target this is the guard of.
    #[must_use]
    pub fn target(&self) -> &str {
        certificate::target(&self.0.person).unwrap_or_default()
    }

    /// The issuer of the broker's tokens, as enrolment told it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The ledger, by the key that enrolment pinned and whatever followed it.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.0.ticks.ledger()
    }

    /// What holds, as far as it was heard: for whoever decides about requests.
    #[must_use]
    pub fn newest(&self) -> &Arc<Newest> {
        self.0.ticks.newest()
    }

    /// The open connection.
    ///
    /// # Errors
    /// [`Error::Unreachable`] where there was none yet.
    pub fn session(&self) -> Result<Session, Error> {
        let session = self.0.session.lock();
        let session = session.unwrap_or_else(PoisonError::into_inner).clone();
        session.ok_or_else(|| Error::Unreachable {
            what: "the broker was not reached yet".to_owned(),
            next: "it is called again and again".to_owned(),
        })
    }

    /// Says aloud what cannot be believed, now and then, and passes it on.
    pub fn loud<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error @ Error::Unverified { .. }) = &result {
            let now = Instant::now();
            let mut last = self.0.loud.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_none_or(|last| now >= last + LOUD_AGAIN) {
                *last = Some(now);
                self.0.printer.error(error);
            }
        }
        result
    }

    /// Connects, and opens the stream. The context is read anew: somebody may have enrolled the guard
    /// again meanwhile.
    async fn call(&self) -> Result<(Session, Streaming<v1::AttendResponse>), Error> {
        self.0.ticks.demand_one_history()?;
        let context = self.0.settings.context()?;
        if context.ledger_vkey != self.0.vkey || context.person != self.0.person {
            return Err(Error::setup(
                format!("context {} has become another's meanwhile", context.name),
                "restart the guard",
            ));
        }
        let session = Session::open_context(context).await?;
        // It may have followed the ledger to another key; ticks are by that from here on.
        self.0.ticks.follows();
        let stream = session.attend().await?;
        let mut newest = self
            .0
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *newest = Some(session.clone());
        drop(newest);
        Ok((session, stream))
    }

    /// Waits until the certificate is due, renews it, and opens the stream anew with it.
    async fn renewed(self, session: Session) -> (Session, Streaming<v1::AttendResponse>) {
        loop {
            let due = session.identity().certificate.renew_at();
            let left = due.duration_since(session.now());
            if left > SignedDuration::ZERO {
                let left = Duration::try_from(left).unwrap_or_default();
                sleep(left.min(LOOK_AT_CERTIFICATE)).await;
                continue;
            }
            let renewed = async {
                session.renew().await?;
                self.call().await
            };
            match self.loud(renewed.await) {
                Ok(again) => return again,
                Err(error) => {
                    let printer = &self.0.printer;
                    printer.warn(format!("the certificate could not be renewed: {error}"));
                    sleep(RENEW_AGAIN).await;
                }
            }
        }
    }
}

impl Attended for Post {
    type Attending = Stream;

    async fn attend(&self) -> Result<Stream, Error> {
        let (session, messages) = self.loud(self.call().await)?;
        Ok(Stream {
            renewal: Box::pin(self.clone().renewed(session.clone())),
            post: self.clone(),
            session,
            messages,
            is_first: true,
            remembered: (0, Instant::now()),
        })
    }
}

/// A certificate that will be renewed, and what is opened with it.
type Renewal = Pin<Box<dyn Future<Output = (Session, Streaming<v1::AttendResponse>)> + Send>>;

/// The stream, and the certificate it is open with.
pub struct Stream {
    post: Post,
    session: Session,
    messages: Streaming<v1::AttendResponse>,
    renewal: Renewal,
    /// The next tick is the first of this connection.
    is_first: bool,
    /// The size that was written down last, and when.
    remembered: (u64, Instant),
}

impl Attending for Stream {
    async fn next(&mut self) -> Result<News, Error> {
        loop {
            tokio::select! {
                (session, messages) = &mut self.renewal => {
                    self.renewal = Box::pin(self.post.clone().renewed(session.clone()));
                    (self.session, self.messages, self.is_first) = (session, messages, true);
                }
                message = self.messages.message() => {
                    let message = match message {
                        Ok(Some(message)) => message,
                        Ok(None) => return Err(ended()),
                        Err(status) => return Err(self.session.explain(&status)),
                    };
                    let news = self.news(message).await;
                    return self.post.loud(news);
                }
            }
        }
    }
}

impl Stream {
    /// Whether the ledger has grown since it was written down, and that was a while ago.
    fn is_behind(&self) -> bool {
        let (size, at) = self.remembered;
        self.post.0.ticks.size() > size && at.elapsed() >= REMEMBER_AGAIN
    }

    async fn remember(&mut self) -> Result<(), Error> {
        let newest = self.session.newest_head().await?;
        self.post.0.ticks.remember(&newest, &self.session).await?;
        self.remembered = (newest.size(), Instant::now());
        Ok(())
    }

    async fn news(&mut self, message: v1::AttendResponse) -> Result<News, Error> {
        let grace = message.standing.as_ref().and_then(news::grace);
        let standing = message.standing.map(Standing::of).transpose()?;
        let live = standing.as_ref().map(Standing::names).transpose()?;
        // Before anything is taken of it: a broker that was away may be back with another history.
        if self.is_first {
            let ticks = &self.post.0.ticks;
            ticks.demand_agreement(&message.tick, &self.session).await?;
            self.remember().await?;
            self.is_first = false;
        } else if self.is_behind() {
            match self.remember().await {
                Err(error @ Error::Unverified { .. }) => return Err(error),
                // It ticks, so it is there: the next time, then.
                Ok(()) | Err(_) => self.remembered.1 = Instant::now(),
            }
        }
        let tick = self.post.0.ticks.hear(live, &message.tick)?;
        Ok(News {
            standing,
            tick: tick.map(|tick| tick.tick().at),
            krl: Some(message.krl).filter(|krl| !krl.is_empty()),
            jwks: Some(message.jwks).filter(|jwks| !jwks.is_empty()),
            user_ca: Some(message.user_ca).filter(|line| !line.is_empty()),
            grace,
        })
    }
}

fn ended() -> Error {
    Error::Unreachable {
        what: "the broker ended the stream".to_owned(),
        next: "it may be restarting; it is called again".to_owned(),
    }
}
