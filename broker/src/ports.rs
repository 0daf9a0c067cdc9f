//! What the inside needs of the outside, in small traits, and the words they share.
//!
//! Chosen once at start (`commands/serve`), held as `Arc<dyn Trait>`; nothing here knows a file, a
//! socket or a wire format.

mod databases;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use breakglass_domain::last::{Last, Mark};
use breakglass_domain::{
    Actor, Command, CredentialId, Event, Grant, GrantId, Incident, IncidentId, Line, PersonId,
    Refusal, RightId, State, Subject, TargetId, Time,
};
use breakglass_tlog::checkpoint::SignedCheckpoint;
use breakglass_tlog::cosigned::Cosigned;
use breakglass_tlog::proof::{ConsistencyProof, InclusionProof};
use breakglass_tlog::receipt::Receipt;
use zeroize::Zeroizing;

pub use databases::{CutRole, DatabaseError, Databases, DoomedCertificate, DoomedRole, RoleThere};

/// A future behind a trait object.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Wall time and monotonic time. Outside of tests only `edge` reads the system's.
pub trait Clock: Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Time;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
}

/// Chance. Outside of tests only `edge` asks the system for it.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The append-only ledger, for its one writer.
///
/// Durable on return: when [`Ledger::append`] answers `Ok`, every entry of the batch and the signed
/// checkpoint over it survive a power cut. When it answers an error, the batch may or may not have
/// landed, the ledger takes no more appends until [`Ledger::recover`] has said which, and nothing
/// of it may be acted on before. There is one writer: a second one is refused when it opens.
pub trait Ledger: Send {
    /// Number of committed entries: the index the next one gets.
    fn size(&self) -> u64;

    /// Appends a batch as one commit, in order; each entry is the bytes of one line without its
    /// newline, at most [`ENTRY_MAX`] bytes.
    ///
    /// # Errors
    /// [`LedgerError`]; see above for what is known then.
    fn append(&mut self, entries: &[Arc<[u8]>]) -> Result<Arc<SignedCheckpoint>, LedgerError>;

    /// After a failed append: finds out what landed, cuts a torn tail back to the last commit, and
    /// makes the ledger writable again. Answers the entries that landed although `append` said
    /// otherwise (all of the batch or none: a commit is whole), oldest first.
    ///
    /// # Errors
    /// [`LedgerError`] where it still cannot be written; may be tried again.
    fn recover(&mut self) -> Result<Recovered, LedgerError>;

    /// Whether there is room for anything, or only for endings.
    fn room(&self) -> Room;

    /// Sets room for endings aside again where what was kept for them has been spent, once there is
    /// some. Called with each tick, and not only after entries: as long as nothing is set aside
    /// nothing but endings is written, so nothing else would come to call it.
    fn make_room(&mut self) {}

    /// Asks that what is committed be laid out soon for those who copy the ledger as files. Called
    /// now and then and before the end; what fails is tried again, and nothing depends on it.
    fn publish(&mut self) {}

    /// For everybody who reads.
    fn reader(&self) -> Arc<dyn LedgerReader>;
}

/// Bytes of one entry: C2SP tlog-tiles caps an entry bundle's entries at 65,535; this leaves room.
pub const ENTRY_MAX: usize = 60 * 1024;

/// What recovery found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Entries committed beyond what the writer knew of, oldest first.
    pub landed: Vec<Arc<[u8]>>,
    /// Bytes of a torn tail that were cut.
    pub cut_bytes: u64,
}

/// How much may still be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Anything.
    Plenty,
    /// Only what ends or closes something: the disk is nearly full.
    EndingsOnly,
}

/// The append-only ledger, for everybody who reads. Sees committed entries only.
pub trait LedgerReader: Send + Sync {
    /// The newest signed checkpoint.
    fn checkpoint(&self) -> Arc<SignedCheckpoint>;

    /// The checkpoints that were signed around `size` entries, as the ledger keeps them.
    ///
    /// # Errors
    /// [`LedgerError`] where `size` is beyond the newest checkpoint, or they cannot be read.
    fn checkpoints_around(&self, size: u64) -> Result<Around, LedgerError>;

    /// Entries from `from` on, at most `max`; fewer, or none, at the end.
    ///
    /// # Errors
    /// [`LedgerError`] where they cannot be read.
    fn entries(&self, from: u64, max: usize) -> Result<Vec<Arc<[u8]>>, LedgerError>;

    /// RFC 9162 section 2.1.3.1.
    ///
    /// # Errors
    /// [`LedgerError`] where `index` is not below `size`, or `size` is beyond the newest checkpoint.
    fn prove_inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, LedgerError>;

    /// RFC 9162 section 2.1.4.1.
    ///
    /// # Errors
    /// [`LedgerError`] where `old` is above `new`, or `new` is beyond the newest checkpoint.
    fn prove_consistency(&self, old: u64, new: u64) -> Result<ConsistencyProof, LedgerError>;
}

/// The signed notes on both sides of a size; the same one twice where one was signed over just it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The last over at most so many entries.
    pub before: String,
    /// The first over at least so many.
    pub after: String,
}

/// Why the ledger did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be written or read now; the text is for the operator.
    #[error("the ledger cannot be used: {0}")]
    Unavailable(String),
    /// The disk is full.
    #[error("the ledger's disk is full: {0}")]
    Full(String),
    /// What is on disk is not what was written; the broker stops.
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
    /// The caller asked for something beyond the tree.
    #[error("outside of the ledger: {0}")]
    OutOfRange(String),
}

/// An event in the ledger: the fact and the proof that it is written.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its place.
    pub index: u64,
    /// What happened.
    pub event: Arc<Event>,
    /// Its exact bytes.
    pub line: Arc<[u8]>,
}

/// Reads an entry's exact bytes back into its place and its event. The format is the ledger's; who
/// needs it is handed this.
pub type Decode = fn(&[u8]) -> Result<(u64, Event), LedgerError>;

/// The one sequencer: decides, appends, applies, in order.
pub trait Sequencer: Send + Sync {
    /// Decides one command against the live state, records what it leads to, and answers when that
    /// is durable and applied.
    ///
    /// # Errors
    /// [`Declined`].
    fn submit(&self, command: Command) -> Later<'_, Result<Decided, Declined>>;
}

/// What a command led to: durable, proven and applied.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// Its events, in order; empty only for commands that change nothing.
    pub recorded: Vec<Recorded>,
    /// One receipt for each of them.
    pub receipts: Vec<Receipt>,
}

/// Why a command led to nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Declined {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger could not be written, so nothing happened (or it is not known yet whether it did,
    /// and no credential was made).
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The broker is stopping.
    #[error("the broker is shutting down")]
    ShuttingDown,
}

/// Hears of every committed batch, in order, after it was applied to [`Live`]. Must not block: what
/// takes long queues for its own task.
pub trait Projection: Send + Sync {
    /// One batch.
    fn committed(&self, batch: &[Recorded], checkpoint: &Arc<SignedCheckpoint>);
}

/// Whoever co-signs the ledger, as far as this broker has seen it.
pub trait Witnesses: Send + Sync {
    /// The newest checkpoint that enough of them have signed, by the policy in force; nothing where
    /// none is known.
    fn newest(&self) -> Option<Arc<Cosigned>>;

    /// Answers when that has so many entries or more, however long it takes. Safe to cancel.
    fn reached(&self, size: u64) -> Later<'_, Arc<Cosigned>>;
}

/// The live state, for reading. The sequencer alone writes it.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<RwLock<State>>);

impl Live {
    /// Starts from a state that was restored.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self(Arc::new(RwLock::new(state)))
    }

    /// Looks at it. Keep it short: the sequencer waits.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// For the sequencer: folds committed events in.
    pub fn apply<'a>(&self, events: impl IntoIterator<Item = &'a Event>) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        events.into_iter().for_each(|event| state.apply(event));
    }
}

/// Everything that is over, for queries. May lag behind the ledger by what it has not applied yet;
/// [`Index::caught_up`] waits for it.
pub trait Index: Send + Sync {
    /// Number of entries applied.
    fn applied_up_to(&self) -> u64;

    /// Answers when at least `size` entries are applied, or when the index has failed.
    fn caught_up(&self, size: u64) -> Later<'_, Result<(), IndexError>>;

    /// A grant, live or over.
    ///
    /// # Errors
    /// [`IndexError`].
    fn grant(&self, id: GrantId) -> Result<Option<Grant>, IndexError>;

    /// An incident, open or closed.
    ///
    /// # Errors
    /// [`IndexError`].
    fn incident(&self, id: IncidentId) -> Result<Option<Incident>, IndexError>;

    /// Grants, newest first, below `before`.
    ///
    /// # Errors
    /// [`IndexError`].
    fn grants(
        &self,
        filter: &GrantFilter,
        before: Option<GrantId>,
        max: usize,
    ) -> Result<Vec<Grant>, IndexError>;

    /// Incidents, newest first, below `before`.
    ///
    /// # Errors
    /// [`IndexError`].
    fn incidents(
        &self,
        before: Option<IncidentId>,
        max: usize,
    ) -> Result<Vec<Incident>, IndexError>;

    /// Places of entries that match, in the order asked for, after `cursor` (exclusive). Looks at so
    /// many places at most, however few match: see [`Places::stopped_at`].
    ///
    /// # Errors
    /// [`IndexError`].
    fn entries(
        &self,
        filter: &EntryFilter,
        cursor: Option<u64>,
        max: usize,
    ) -> Result<Places, IndexError>;

    /// The newest entry that something is the last of. One look-up, however many entries there are.
    ///
    /// # Errors
    /// [`IndexError`].
    fn last(&self, of: &Last) -> Result<Option<Mark>, IndexError>;
}

/// What was found of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Where they stand, in the order asked for.
    pub found: Vec<u64>,
    /// The cursor to go on from, where the index stopped looking before it had `max` of them, or had
    /// come to the end.
    pub stopped_at: Option<u64>,
}

/// Which grants.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// Only this person's.
    pub person: Option<PersonId>,
    /// Only for this right.
    pub right: Option<RightId>,
    /// Only under this incident.
    pub incident: Option<IncidentId>,
}

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Who acted, or whom it concerns.
    pub person: Option<PersonId>,
    /// Naming this right.
    pub right: Option<RightId>,
    /// Naming this incident.
    pub incident: Option<IncidentId>,
    /// Naming this grant.
    pub grant: Option<GrantId>,
    /// A kind, or the part before its dot.
    pub kind: Option<String>,
    /// Naming this target, or by its guard.
    pub target: Option<TargetId>,
    /// How it came out, in the word of the entry.
    pub outcome: Option<String>,
    /// Somebody typed this, in whatever case. The index gives the entries that hold anything typed;
    /// whoever reads them looks for it.
    pub text: Option<Line>,
    /// Not before.
    pub since: Option<Time>,
    /// Before.
    pub until: Option<Time>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
}

/// Why the index did not answer. It can be thrown away and rebuilt from the ledger.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the index cannot be read: {0}")]
pub struct IndexError(pub String);

/// Makes credentials, only against a receipt.
pub trait Issuer: Send + Sync {
    /// Makes the credential that the receipt's `credential.issued` entry announces.
    ///
    /// # Errors
    /// [`IssueError`].
    fn issue(&self, receipt: &Receipt, order: &CredentialOrder) -> Result<Credential, IssueError>;
}

/// What the entry announced.
#[derive(Debug, Clone)]
pub struct CredentialOrder {
    /// Its id; a JWT's `jti`.
    pub id: CredentialId,
    /// The grant it is made under, as it stands now.
    pub grant: Grant,
    /// When the broker decided it.
    pub at: Time,
    /// Until when it is valid.
    pub expires_at: Time,
    /// The public key it is bound to: uncompressed SEC 1 point, 65 bytes. For a JWT the holder's own,
    /// for a certificate one made for it.
    pub public: Vec<u8>,
    /// What it says beside.
    pub subject: Subject,
    /// What witnesses have signed, where the entry says that it needs them.
    pub witnessed: Option<Witnessed>,
}

/// What witnesses have signed, and how an entry is in it.
#[derive(Debug, Clone)]
pub struct Witnessed {
    /// The checkpoint.
    pub cosigned: Arc<Cosigned>,
    /// The place of the entry under it; believed when it is verified.
    pub inclusion: InclusionProof,
}

/// A credential a target accepts. Says nothing in `Debug`.
pub struct Credential {
    /// The secret itself.
    pub value: Zeroizing<String>,
    /// From when.
    pub not_before: Time,
    /// Until when.
    pub expires_at: Time,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// Why no credential was made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IssueError {
    /// The receipt is for something else.
    #[error("the receipt is not for this credential")]
    WrongReceipt,
    /// The signing key did not sign.
    #[error("the issuing key did not sign: {0}")]
    Signing(String),
}

/// What the broker says under its own keys beside credentials.
pub trait Notary: Send + Sync {
    /// A text (its lines each end in a newline) as a C2SP signed note by the ledger key.
    ///
    /// # Errors
    /// [`IssueError::Signing`].
    fn sign(&self, text: &str) -> Result<String, IssueError>;

    /// An OpenSSH revocation list (PROTOCOL.krl) that names every certificate of these grants. Of two
    /// lists the one with the higher version is the newer.
    fn revocation_list(&self, revoked: &BTreeSet<GrantId>, version: u64, at: Time) -> Vec<u8>;

    /// The keys that JWTs are signed with, as published (RFC 7517 section 5).
    fn published_keys(&self, now: Time) -> String;

    /// The authority that SSH host certificates come from, as OpenSSH's files hold a public key.
    fn host_ca(&self) -> String;

    /// The authority that SSH certificates of people come from, likewise.
    fn user_ca(&self) -> String;

    /// The one that is to follow it, where there is one: people believe both.
    fn next_host_ca(&self) -> Option<String>;
}

/// The internal authority for client certificates.
pub trait Authority: Send + Sync {
    /// Certifies a person's public key (uncompressed SEC 1 point). The caller has recorded serial
    /// and end before.
    ///
    /// # Errors
    /// [`IssueError`].
    fn certify(&self, receipt: &Receipt, order: &CertificateOrder) -> Result<String, IssueError>;
}

/// A client certificate to make.
#[derive(Debug, Clone)]
pub struct CertificateOrder {
    /// Whose: a person, or a target's guard.
    pub holder: Actor,
    /// Uncompressed SEC 1 point, 65 bytes.
    pub public: Vec<u8>,
    /// Lower-case hex, 16 bytes.
    pub serial: String,
    /// From when.
    pub not_before: Time,
    /// Until when.
    pub not_after: Time,
}
