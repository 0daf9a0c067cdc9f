//! Streams of the broker that go on where they broke.

use std::{future::Future, time::Duration};

use tonic::Streaming;

use crate::{
    error::Error,
    limits::{FIRST_RETRY, LONGEST_RETRY},
    session::Session,
};

/// A stream of things with a place in the ledger, which can be opened again from any place.
pub trait Source: Send {
    /// What comes.
    type Item: Send;

    /// Opens it; `from` is the first place wanted, `None` what comes from now on.
    fn open(
        &self,
        session: &Session,
        from: Option<u64>,
    ) -> impl Future<Output = Result<Streaming<Self::Item>, Error>> + Send;

    /// The place of a thing.
    fn index(item: &Self::Item) -> Option<u64>;
}

/// A stream that opens again by itself from the last place, until something is wrong that waiting
/// does not mend.
pub struct Resumed<'a, S: Source> {
    session: &'a Session,
    source: S,
    from: Option<u64>,
    open: Option<Streaming<S::Item>>,
    pause: Duration,
}

/// What came.
#[derive(Debug)]
pub enum News<T> {
    /// The next thing.
    Came(T),
    /// The broker is out of reach; it is tried again after a pause.
    Lost(Error),
}

impl<'a, S: Source> Resumed<'a, S> {
    /// A stream from a place on; `None` from now on.
    #[must_use]
    pub fn new(session: &'a Session, source: S, from: Option<u64>) -> Self {
        Self {
            session,
            source,
            from,
            open: None,
            pause: Duration::ZERO,
        }
    }

    /// The next thing, or that the broker is out of reach. Nothing is lost where the call is
    /// cancelled.
    ///
    /// # Errors
    /// What waiting does not mend.
    pub async fn next(&mut self) -> Result<News<S::Item>, Error> {
        loop {
            if self.open.is_none() {
                tokio::time::sleep(self.pause).await;
                match self.source.open(self.session, self.from).await {
                    Ok(stream) => self.open = Some(stream),
                    Err(error) => return self.lost(error),
                }
            }
            let Some(stream) = &mut self.open else {
                continue;
            };
            match stream.message().await {
                Ok(Some(item)) => {
                    self.pause = Duration::ZERO;
                    self.from = S::index(&item).map(|index| index + 1).or(self.from);
                    return Ok(News::Came(item));
                }
                Ok(None) => return self.lost(ended()),
                Err(status) => return self.lost(self.session.explain(&status)),
            }
        }
    }

    fn lost(&mut self, error: Error) -> Result<News<S::Item>, Error> {
        self.open = None;
        self.pause = (self.pause * 2).clamp(FIRST_RETRY, LONGEST_RETRY);
        if error.is_passing() {
            Ok(News::Lost(error))
        } else {
            Err(error)
        }
    }
}

fn ended() -> Error {
    Error::Unreachable {
        what: "the broker ended the stream".to_owned(),
        next: "it may be restarting; try again".to_owned(),
    }
}
