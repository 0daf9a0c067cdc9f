//! What somebody wants done, in the words of the rules: parsed, signature checked, not yet decided.

mod about;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::credential::CredentialKind;
use crate::deliveries::Delivery;
use crate::drill::Outcome;
use crate::event::{Actor, KeyPurpose, RoleStep, SessionEnd, Signed};
use crate::id::{
    CredentialId, GrantId, IncidentId, KeyId, Nonce, PersonId, RightId, SessionId, StreamName,
    TargetId, TokenHash,
};
use crate::incident::Severity;
use crate::policy::Policy;
use crate::review::Answer;
use crate::stream::WantedStream;
use crate::text::{Line, Prose};
use crate::time::{Lifetime, Time};

/// Who wants what, under which signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who.
    pub by: Actor,
    /// Their statement. Acts of people but credential, use, renewal and export have one.
    pub signed: Option<Arc<Signed>>,
    /// What.
    pub act: Act,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Note that the broker began to serve. Broker only.
    Start {
        /// Its version.
        version: String,
    },
    /// Note a new key. Broker only.
    AddKey {
        /// For what.
        purpose: KeyPurpose,
        /// Its name.
        id: String,
        /// The public half.
        public: String,
        /// For the ledger's key that follows another: both say so.
        succession: Option<String>,
    },
    /// Note that a key no longer signs. Broker only.
    RetireKey {
        /// For what.
        purpose: KeyPurpose,
        /// Its name.
        id: String,
    },
    /// Put rules into force; ends what they no longer allow. Broker only.
    LoadPolicy {
        /// Parsed.
        policy: Arc<Policy>,
        /// SHA-256 of its text, lower-case hex.
        sha256: String,
    },
    /// Note that recovery cut a torn tail. Broker only.
    NoteRepair {
        /// Bytes cut.
        cut_bytes: u64,
    },
    /// Pass over a place whose entry is lost, up to where the ledger was handed over to the key that is at hand.
    /// Whoever asks for it marks in the same batch what is lost. Broker only.
    PassOver,
    /// Note which streams there are from now on. Broker only.
    NoteStreams {
        /// All of them.
        streams: BTreeMap<StreamName, WantedStream>,
    },
    /// Make an enrolment token.
    Invite {
        /// For whom.
        person: PersonId,
        /// Its hash, made at the edge.
        token: TokenHash,
    },
    /// Make an enrolment token for the guard of a target.
    InviteTarget {
        /// Which.
        target: TargetId,
        /// Its hash, made at the edge.
        token: TokenHash,
    },
    /// Trade a token for a certificate. `by` is [`Actor::Broker`]: the caller is not known yet.
    Enroll {
        /// The hash of the token presented.
        token: TokenHash,
        /// The new key.
        key: KeyId,
        /// Uncompressed SEC 1 point.
        public: Vec<u8>,
        /// What the person calls the laptop.
        device: Line,
        /// Serial number chosen for the certificate.
        serial: String,
        /// When the certificate will expire.
        certificate_expires_at: Time,
    },
    /// A fresh certificate for the caller's key.
    Renew {
        /// The key of the connection.
        key: KeyId,
        /// Serial number chosen for the certificate.
        serial: String,
        /// When the certificate will expire.
        certificate_expires_at: Time,
    },
    /// End every key, token and grant of somebody.
    Remove {
        /// Who.
        person: PersonId,
        /// Why.
        reason: Line,
    },
    /// Stop somebody from everything.
    Freeze {
        /// Who; oneself is allowed (a stolen laptop).
        person: PersonId,
        /// Why.
        reason: Line,
    },
    /// Lift a freeze; never one's own.
    Unfreeze {
        /// Who.
        person: PersonId,
        /// Why.
        reason: Line,
    },
    /// Open an incident.
    Open {
        /// How bad.
        severity: Severity,
        /// One line.
        title: Line,
    },
    /// Open a drill: an incident in which nothing is broken.
    OpenDrill {
        /// One line.
        title: Line,
    },
    /// Say how a drill went that one opened.
    RecordDrill {
        /// Which.
        incident: IncidentId,
        /// How.
        outcome: Outcome,
    },
    /// Add a note.
    Note {
        /// To which.
        incident: IncidentId,
        /// What.
        text: Prose,
    },
    /// Close an incident and end every grant under it.
    Close {
        /// Which.
        incident: IncidentId,
        /// Why.
        reason: Line,
    },
    /// Ask for a grant, and for a credential at once if it begins at once.
    Request {
        /// What for.
        right: RightId,
        /// The sentence the requester saw; must be the policy's.
        sentence: Line,
        /// Under which incident.
        incident: IncidentId,
        /// Why.
        reason: Line,
        /// How long.
        length: Lifetime,
        /// Lives only while held.
        held: bool,
        /// The key the statement was signed with.
        key: KeyId,
        /// Whether its JWT is wanted at once.
        credential: bool,
    },
    /// Say yes. All that the approver was shown must still be so.
    Approve {
        /// To which.
        grant: GrantId,
        /// As shown.
        incident: IncidentId,
        /// As shown.
        requester: PersonId,
        /// As shown.
        right: RightId,
        /// As shown.
        sentence: Line,
        /// The latest end agreed to.
        until: Time,
    },
    /// Say no.
    Deny {
        /// To which.
        grant: GrantId,
        /// Why.
        reason: Line,
    },
    /// Say that one spoke with who asked. All that was shown must still be so.
    RecordCall {
        /// For which request.
        grant: GrantId,
        /// As shown.
        incident: IncidentId,
        /// As shown: whom they spoke with.
        requester: PersonId,
        /// As shown.
        right: RightId,
        /// As shown.
        sentence: Line,
        /// When they spoke.
        spoke_at: Time,
    },
    /// Begin one's own grant when nobody answered.
    SelfGrant {
        /// Which.
        grant: GrantId,
        /// As shown.
        incident: IncidentId,
        /// As shown.
        right: RightId,
        /// As shown.
        sentence: Line,
    },
    /// A later end.
    Extend {
        /// Which.
        grant: GrantId,
        /// How much more.
        by: Lifetime,
        /// Why.
        reason: Line,
    },
    /// Let somebody else go on with it, to the same end.
    HandOver {
        /// Which.
        grant: GrantId,
        /// To whom.
        to: PersonId,
        /// As shown.
        incident: IncidentId,
        /// As shown.
        right: RightId,
        /// As shown.
        sentence: Line,
        /// What the receiver and their approvers read.
        reason: Line,
        /// The end of the grant, as shown.
        until: Time,
    },
    /// Give back, or take a request back.
    Drop {
        /// Which.
        grant: GrantId,
    },
    /// End somebody's grant.
    Revoke {
        /// Which.
        grant: GrantId,
        /// Why.
        reason: Line,
    },
    /// End what somebody began alone, or may begin alone.
    Veto {
        /// Which.
        grant: GrantId,
        /// Why.
        reason: Line,
    },
    /// A credential under one's own active grant.
    Issue {
        /// Which.
        grant: GrantId,
        /// What.
        wanted: Wanted,
        /// The key of the connection.
        key: KeyId,
    },
    /// Note that a credential was put to use.
    Use {
        /// Under which grant.
        grant: GrantId,
        /// The program, without its arguments.
        program: Line,
    },
    /// Somebody came in at the caller's target. Guards only.
    OpenSession {
        /// Under which grant.
        grant: GrantId,
        /// By which credential.
        credential: CredentialId,
        /// As whom.
        login: Line,
        /// From where; may be empty.
        origin: String,
        /// Drawn by the guard for this login; the same again is the same session.
        once: Option<Nonce>,
        /// When the guard let them in by itself, while the broker was out of its reach.
        let_in_at: Option<Time>,
    },
    /// A session at the caller's target is over. Guards only.
    EndSession {
        /// Which.
        session: SessionId,
        /// How.
        how: SessionEnd,
        /// Where it was ended, how long that took.
        took: Option<Lifetime>,
    },
    /// Certify a host's own key. Broker only: its operator on its host.
    CertifyHost {
        /// Which target it is.
        target: TargetId,
        /// The name or address it is for.
        host: Line,
        /// The key's fingerprint.
        key: String,
        /// Serial number chosen for the certificate: 16 digits of lower-case hex.
        serial: String,
        /// When it will expire.
        expires_at: Time,
    },
    /// What became of a role in PostgreSQL. Broker only.
    NoteRole {
        /// Its name.
        role: Line,
        /// What.
        outcome: RoleOutcome,
    },
    /// The holder's client has been gone for longer than the grace. Broker only.
    Abandon {
        /// Which.
        grant: GrantId,
    },
    /// Note that the caller takes a copy of the ledger away.
    Export {
        /// The first entry.
        from: u64,
        /// One past the last.
        to: u64,
    },
    /// Note a refusal that was not decided by the rules. Broker only, on behalf of a person or an
    /// alert source.
    NoteRefusal {
        /// Who.
        by: Actor,
        /// What they tried.
        act: String,
        /// The stable reason.
        reason: String,
        /// What they were told.
        text: String,
        /// How often.
        count: u32,
        /// Under which open incident, where what they tried says so.
        incident: Option<IncidentId>,
        /// The signed checkpoint that they have seen, where it is of another history than this ledger.
        checkpoint: Option<String>,
    },
    /// Note that enough witnesses have signed the ledger. Broker only.
    NoteWitnessed {
        /// Entries of the checkpoint they signed.
        size: u64,
        /// The checkpoint with their cosignatures.
        checkpoint: String,
    },
    /// Note that too few of them sign. Broker only.
    NoteUnwitnessed {
        /// Entries of the newest checkpoint that enough of them had signed.
        witnessed: u64,
    },
    /// Note that the broker went on from an older copy of its ledger. Whoever asks for it has verified the
    /// checkpoint, and that it is no head of this ledger. Broker only.
    NoteRestored {
        /// Entries of the copy.
        kept: u64,
        /// Entries of the checkpoint.
        size: u64,
        /// The newest head of the lost history that somebody had seen.
        checkpoint: String,
        /// Who restored it.
        operator: Line,
        /// Why.
        reason: Line,
    },
    /// Nothing but what time has brought about. Broker only.
    Tick,
    /// An alert fires, or still does. Sources only.
    Fire {
        /// What the source calls it.
        key: Line,
        /// One line.
        title: Line,
        /// What the source says of how bad it is, best known first; may be nothing.
        words: Vec<Line>,
        /// By which delivery, where its kind tells one from another.
        delivery: Option<Delivery>,
    },
    /// An alert is over. Sources only.
    Resolve {
        /// What the source calls it.
        key: Line,
        /// By which delivery, where its kind tells one from another.
        delivery: Option<Delivery>,
    },
    /// Keep an incident open until its usual end.
    Hold {
        /// Which.
        incident: IncidentId,
        /// Why.
        reason: Line,
    },
    /// Answer for a grant of an incident that is over.
    AnswerReview {
        /// As shown.
        incident: IncidentId,
        /// Which.
        grant: GrantId,
        /// What is said of it.
        answer: Answer,
    },
}

/// What kind of credential, and what it is to be bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Bound to the key that signed the request.
    Jwt,
    /// Bound to a key of its own.
    Ssh {
        /// That key.
        key: KeyId,
    },
    /// Bound to a key of its own.
    X509 {
        /// That key.
        key: KeyId,
        /// Serial number chosen for the certificate, lower-case hex.
        serial: String,
    },
    /// A role with a password.
    Postgres,
}

impl Wanted {
    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Jwt => CredentialKind::Jwt,
            Self::Ssh { .. } => CredentialKind::Ssh,
            Self::X509 { .. } => CredentialKind::X509,
            Self::Postgres => CredentialKind::Postgres,
        }
    }
}

/// What became of a role in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleOutcome {
    /// It is there.
    Created,
    /// The server did not do it.
    Failed {
        /// What it was to do.
        step: RoleStep,
        /// What it said; cut to what an entry keeps.
        text: String,
    },
    /// It is gone.
    Dropped {
        /// How many of its sessions were ended.
        sessions: u32,
        /// How long it took.
        took: Lifetime,
    },
}
