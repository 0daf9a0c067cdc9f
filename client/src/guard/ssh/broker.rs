//! What the guard of an SSH host needs of the broker, so that its story can be told without one.

use std::{future::Future, time::Duration};

use jiff::Timestamp;

pub use crate::guard::attend::{Attended, Attending, EndedGrant, Live, News, Standing};
use crate::{error::Error, key};

/// The broker, as seen by one target.
pub trait Broker: Attended {
    /// Records that a session opens; its id (`S-7`) is returned. Said again, as where the answer was
    /// lost, it is the same session.
    fn open(&self, opening: &Opening) -> impl Future<Output = Result<String, Error>> + Send;

    /// Records that a session is over. Told again, the broker takes no notice.
    fn end(&self, ending: &Ending) -> impl Future<Output = Result<(), Error>> + Send;

    /// Records that whom [`Broker::open`] was asked about did not come in, where that is on record.
    fn refused(&self, once: &Once) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A session opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The grant, `G-45`.
    pub grant: String,
    /// The credential that was shown, `G-45.1`.
    pub credential: String,
    /// The login on this host.
    pub login: String,
    /// The address it came from.
    pub origin: String,
    /// When it was let in.
    pub at: Timestamp,
    /// It is open already: it was let in while the broker was out of reach, and is only reported. The
    /// broker takes it also where its grant is over by now, for a day after that.
    pub late: bool,
    /// What it is told again by; `None` for one that an older guard let in.
    pub once: Option<Once>,
}

/// Drawn for one login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Once(pub [u8; 16]);

impl Once {
    /// Another one.
    ///
    /// # Errors
    /// As [`key::random`].
    pub fn draw() -> Result<Self, Error> {
        key::random().map(Self)
    }
}

/// A session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The session, `S-7`.
    pub session: String,
    /// How it came to its end.
    pub how: How,
    /// When its last process was dead.
    pub at: Timestamp,
    /// From hearing that it is to end until its last process was dead; only where it was killed.
    pub took: Option<Duration>,
}

/// How a session came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By itself.
    Closed,
    /// Because its grant was over, or the broker out of reach for too long.
    Killed,
    /// It was gone already when it was to be ended, or when the guard started.
    Gone,
}
