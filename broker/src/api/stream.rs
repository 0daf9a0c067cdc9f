//! Answers that go on: they end when their client goes, when the broker stops, and when their
//! caller is no longer let in.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_stream::Stream;
use tonic::Status;

use super::error::Error;
use super::front::Caught;
use super::limits::{LAST_WORDS, STREAM_CHECK};
use super::rate::Place;
use crate::app::{App, Caller, Guard, Stopping};

/// The messages of one answer. Nothing is made before it is asked for, so a client that does not
/// read holds one message and no more.
pub(super) struct Messages<T>(Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>);

impl<T> Stream for Messages<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// Who hears it.
#[derive(Debug, Clone)]
pub(super) enum Listener {
    Person(Arc<Caller>),
    Guard(Arc<Guard>),
}

impl From<Arc<Caller>> for Listener {
    fn from(caller: Arc<Caller>) -> Self {
        Self::Person(caller)
    }
}

impl From<Arc<Guard>> for Listener {
    fn from(guard: Arc<Guard>) -> Self {
        Self::Guard(guard)
    }
}

/// The places that one stream has taken.
pub(super) struct Open {
    _stream: Place,
    /// Until it has caught up.
    reading_old: Option<Place>,
}

impl Open {
    pub(super) fn new(stream: Place) -> Self {
        Self {
            _stream: stream,
            reading_old: None,
        }
    }

    pub(super) fn reading_old(self, place: Place) -> Self {
        Self {
            reading_old: Some(place),
            ..self
        }
    }
}

/// A source of messages.
pub(super) trait Source: Send + 'static {
    type Message: Send + 'static;

    /// Whether a caller who is no longer let in still hears what was committed before that: who
    /// ended their own grant, and why.
    const LAST_WORDS: bool = false;

    /// The next one; `None` is the end. Must be safe to cancel.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Message>, Error>> + Send;

    /// Whether anything is committed that was not given out.
    fn is_behind(&self) -> bool {
        false
    }

    /// Whether it still reads what is in the ledger alone.
    fn reads_old_entries(&self) -> bool {
        false
    }
}

/// Messages for one caller, for as long as they are let in.
pub(super) fn messages<S: Source>(
    source: S,
    app: &Arc<App>,
    caller: Listener,
    open: Open,
) -> Messages<S::Message> {
    let mut checks = interval(STREAM_CHECK);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let attended = Attended {
        source,
        stopping: app.stopping(),
        app: Arc::clone(app),
        caller,
        checks,
        last_words_until: None,
        open,
    };
    Messages(Box::pin(Unfolded::Ready(attended)))
}

struct Attended<S> {
    source: S,
    app: Arc<App>,
    caller: Listener,
    stopping: Stopping,
    checks: Interval,
    /// Set once the caller is no longer let in.
    last_words_until: Option<Instant>,
    open: Open,
}

impl<S: Source> Attended<S> {
    async fn next(&mut self) -> Result<Option<S::Message>, Error> {
        loop {
            if !self.source.reads_old_entries() {
                self.open.reading_old = None;
            }
            tokio::select! {
                biased;
                () = self.stopping.told() => return Err(Error::ShuttingDown),
                _ = self.checks.tick() => self.check()?,
                message = self.source.next() => {
                    if !S::LAST_WORDS {
                        self.check()?;
                    }
                    return message;
                }
            }
        }
    }

    /// Ends the stream of a caller who is no longer let in, at once or after their last words.
    fn check(&mut self) -> Result<(), Error> {
        let Err(refused) = still_let_in(&self.app, &self.caller) else {
            self.last_words_until = None;
            return Ok(());
        };
        let now = Instant::now();
        let until = *self.last_words_until.get_or_insert(now + LAST_WORDS);
        if S::LAST_WORDS && self.source.is_behind() && now < until {
            self.checks.reset_after(LAST_WORDS / 10);
            return Ok(());
        }
        Err(refused)
    }
}

/// As at the beginning of each call.
fn still_let_in(app: &App, listener: &Listener) -> Result<(), Error> {
    let expires_at = match listener {
        Listener::Person(caller) => caller.certificate_expires_at,
        Listener::Guard(guard) => guard.certificate_expires_at,
    };
    if app.now() > expires_at {
        return Err(Error::Certificate("it has expired"));
    }
    match listener {
        Listener::Person(caller) => app.admit(&caller.person, &caller.key)?,
        Listener::Guard(guard) => app.admit_guard(guard)?,
    }
    Ok(())
}

/// A message that is being made, and what comes after it.
type Making<S, M> = Pin<Box<dyn Future<Output = (Attended<S>, Result<Option<M>, Error>)> + Send>>;

/// A stream made of a source, one message at a time.
enum Unfolded<S: Source> {
    Ready(Attended<S>),
    Making(Caught<Making<S, S::Message>>),
    Over,
}

// Nothing in it is pinned but what is in a box of its own.
impl<S: Source> Unpin for Unfolded<S> {}

impl<S: Source> Stream for Unfolded<S> {
    type Item = Result<S::Message, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut making = match std::mem::replace(&mut *self, Self::Over) {
            Self::Over => return Poll::Ready(None),
            Self::Making(making) => making,
            Self::Ready(mut attended) => {
                let making: Making<S, S::Message> = Box::pin(async move {
                    let message = attended.next().await;
                    (attended, message)
                });
                Caught::new(making)
            }
        };
        let Poll::Ready(made) = Pin::new(&mut making).poll(cx) else {
            *self = Self::Making(making);
            return Poll::Pending;
        };
        Poll::Ready(match made {
            Ok((attended, Ok(Some(message)))) => {
                *self = Self::Ready(attended);
                Some(Ok(message))
            }
            Ok((_, Ok(None))) => None,
            Ok((_, Err(error))) => Some(Err(error.into())),
            Err(panicked) => Some(Err(panicked.into())),
        })
    }
}
