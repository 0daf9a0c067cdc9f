//! What a guard needs of the broker, so that its story can be told without one.

use std::{collections::BTreeMap, future::Future, time::Duration};

use jiff::Timestamp;

use crate::error::Error;

/// The broker, as seen by one target.
pub trait Broker: Send + Sync + 'static {
    /// What comes over an open stream.
    type Attending: Attending;

    /// Opens the stream. Its first item has the standing, and the KRL where there is one.
    fn attend(&self) -> impl Future<Output = Result<Self::Attending, Error>> + Send;

    /// Records that a session opens; its id (`S-7`) is returned. Asked for again with the same
    /// [`Opening::once`], the broker answers with the same session.
    fn open(&self, opening: &Opening) -> impl Future<Output = Result<String, Error>> + Send;

    /// Records that a session is over. Told again, the broker takes no notice.
    fn end(&self, ending: &Ending) -> impl Future<Output = Result<(), Error>> + Send;
}

/// An open stream of the broker.
pub trait Attending: Send + 'static {
    /// The next thing. Its end is [`Error::Unreachable`]. Nothing is lost where the call is
    /// cancelled.
    fn next(&mut self) -> impl Future<Output = Result<News, Error>> + Send;
}

/// One message of the stream: what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Whose access lives. The newest counts alone.
    pub standing: Option<Standing>,
    /// The time in the broker's signed tick, already verified.
    pub tick: Option<Timestamp>,
    /// The list of revoked certificates, as OpenSSH reads it.
    pub krl: Option<Vec<u8>>,
    /// How long access outlives the contact, from the policy's target.
    pub grace: Option<Duration>,
}

/// Whose access lives at this target, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// By the grant's id, `G-45`.
    pub live: BTreeMap<String, Live>,
    /// Why others are over, since the last standing on this stream.
    pub ended: Vec<EndedGrant>,
    /// Sessions here that the broker knows of and that are to be over. Whichever of them this host
    /// does not know is gone: the answer of the broker was lost when it was to open.
    pub doomed: Vec<String>,
}

/// A live grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The holder, `mia`.
    pub person: String,
    /// The right, `shell-web`.
    pub right: String,
    /// The incident, `INC-12`.
    pub incident: String,
    /// When it ends by itself.
    pub ends_at: Timestamp,
}

/// A grant that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedGrant {
    /// Its id.
    pub grant: String,
    /// Who ended it, what was closed and why: one line for the session's screen.
    pub text: String,
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
    /// The same for each try to report this one session, and for no other session of this target.
    pub once: String,
    /// It is open already: it was let in while the broker was out of reach, and is only reported.
    /// Such a one must be recorded even where its grant is over by now.
    pub late: bool,
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
