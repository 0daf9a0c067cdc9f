//! The use cases: what people, their programs and time itself want done, one after the other in the
//! one natural way: decide, append, apply, issue, answer.
//!
//! Knows the rules and the ports, and neither the wire nor a disk. Acts go through the sequencer;
//! what they lead to is made only against the receipt that comes back, here, in parallel. Questions
//! are answered from the live state first, and from the index once it has caught up with what was
//! committed when they came.

mod access_review;
mod act;
mod alert;
mod asked;
mod caller;
mod databases;
mod drill;
mod enroll;
mod error;
mod export;
pub mod feed;
mod grant;
mod guard;
mod hold;
mod incident;
mod issue;
mod leaving;
mod ledger;
pub mod limits;
mod lists;
mod moment;
mod notices;
mod people;
mod policy;
mod presence;
mod refusals;
mod request;
mod review;
mod roles;
mod status;
mod stop;
mod targets;
pub mod tell;
#[cfg(test)]
pub(crate) mod tests;
mod ticking;
pub mod token;
mod watch;
mod witness;

use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::{Lifetime, Time};

use crate::ports::{
    Authority, Clock, Databases, Entropy, Index, Issuer, LedgerReader, Live, Notary, Sequencer,
    Witnesses,
};

pub use access_review::AccessRead;
pub use act::Acted;
pub use alert::{Alarm, Heard};
pub use asked::Asked;
pub use caller::Caller;
pub use drill::DrillStanding;
pub use enroll::{Certified, Enrolling};
pub use error::Error;
pub use export::Export;
pub use feed::Feed;
pub use guard::{AtTarget, Attend, Guard, LiveGrant, Login, SessionName};
pub use hold::{Hold, HoldNews};
pub use incident::{Doomed, Ended, IncidentWithGrants};
pub use issue::{Issued, NewKey, Wish};
pub use leaving::{Left, Works};
pub use ledger::{EntryPage, Grown};
pub use lists::{GrantPage, GrantQuery, IncidentPage, Place};
pub use moment::Moment;
pub use people::{Invited, Known, Removed};
pub use policy::{HostCas, InForce, Ways};
pub use presence::Presence;
pub use request::Requested;
pub use review::OwedReview;
pub use status::Standing;
pub use stop::Stopping;
pub use targets::KnownTarget;
pub use watch::{Watch, WatchFilter, WatchNews};

/// What the use cases are made of; chosen once, at start.
pub struct Parts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Decides and records.
    pub sequencer: Arc<dyn Sequencer>,
    /// What lives.
    pub live: Live,
    /// What is over.
    pub index: Arc<dyn Index>,
    /// What is written.
    pub reader: Arc<dyn LedgerReader>,
    /// Makes credentials.
    pub issuer: Arc<dyn Issuer>,
    /// Makes roles in databases, and drops them.
    pub databases: Arc<dyn Databases>,
    /// Says things under the broker's own keys.
    pub notary: Arc<dyn Notary>,
    /// Makes client certificates.
    pub authority: Arc<dyn Authority>,
    /// Who co-signs the ledger.
    pub witnesses: Arc<dyn Witnesses>,
    /// What happens, as it happens; the same that the sequencer tells of every batch.
    pub feed: Arc<Feed>,
    /// What the broker says of itself.
    pub about: About,
    /// Choices of the operator.
    pub settings: Settings,
    /// What else needs somebody's eyes (disk, index), asked for each status, in plain sentences.
    pub troubles: Troubles,
}

/// What is wrong right now, in plain sentences; nothing when all is well. Must not block.
pub type Troubles = Box<dyn Fn() -> Vec<String> + Send + Sync>;

/// What the broker says of itself.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Its version.
    pub version: String,
    /// The ledger's origin, which every statement names.
    pub origin: String,
    /// The ledger's verifier key (C2SP signed-note vkey).
    pub ledger_vkey: String,
    /// Where discovery, keys and tiles are served; the issuer of JWTs.
    pub issuer: String,
    /// How people reach it: `https://HOST:PORT`.
    pub url: String,
    /// base64url SHA-256 of the authority's certificate, which an invitation pins.
    pub authority_pin: String,
}

/// Choices of the operator.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long a held grant lives without its holder.
    pub hold_grace: Duration,
    /// How long a client certificate lives.
    pub certificate_life: Lifetime,
    /// How long a credential waits for the witnesses it needs.
    pub witness_patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hold_grace: limits::HOLD_GRACE,
            certificate_life: limits::CERTIFICATE_LIFE,
            witness_patience: limits::WITNESS_PATIENCE,
        }
    }
}

/// The use cases.
pub struct App {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    sequencer: Arc<dyn Sequencer>,
    live: Live,
    index: Arc<dyn Index>,
    reader: Arc<dyn LedgerReader>,
    issuer: Arc<dyn Issuer>,
    databases: Arc<dyn Databases>,
    in_the_making: roles::InTheMaking,
    cuts: roles::Cuts,
    wrong: databases::Wrong,
    notary: Arc<dyn Notary>,
    authority: Arc<dyn Authority>,
    witnesses: Arc<dyn Witnesses>,
    feed: Arc<Feed>,
    about: About,
    settings: Settings,
    troubles: Troubles,
    attendance: guard::Attendance,
    presence: Presence,
    refusals: refusals::Refusals,
    stopping: tokio::sync::watch::Sender<bool>,
    started_at: Time,
}

impl App {
    /// Puts the parts together. From here on held grants without their holder are counted as gone.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let started_at = parts.clock.now();
        Arc::new(Self {
            clock: parts.clock,
            entropy: parts.entropy,
            sequencer: parts.sequencer,
            live: parts.live,
            index: parts.index,
            reader: parts.reader,
            issuer: parts.issuer,
            databases: parts.databases,
            in_the_making: roles::InTheMaking::default(),
            cuts: roles::Cuts::default(),
            wrong: databases::Wrong::default(),
            notary: parts.notary,
            authority: parts.authority,
            witnesses: parts.witnesses,
            feed: parts.feed,
            about: parts.about,
            settings: parts.settings,
            troubles: parts.troubles,
            attendance: guard::Attendance::default(),
            presence: Presence::default(),
            refusals: refusals::Refusals::default(),
            stopping: tokio::sync::watch::Sender::new(false),
            started_at,
        })
    }

    /// What the broker says of itself.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The broker's wall clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The broker's monotonic clock.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// How many follow what happens right now.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.feed.watchers()
    }
}
