//! What happened. Every event becomes one entry of the ledger, and state is the fold of them all.

mod about;
mod found;
mod signed;

use std::sync::Arc;

use crate::drill::StepTime;
use crate::grant::{Basis, Ending, Escalation, GrantRef, Handed, HandedTo, SelfGrant};
use crate::id::{
    CredentialId, IncidentId, KeyId, Nonce, PersonId, RuleName, SessionId, SourceId, StreamName,
    TargetId, TokenHash,
};
use crate::incident::Severity;
use crate::policy::{Policy, Risk};
use crate::review::Width;
use crate::stream::StreamKind;
use crate::text::{Line, Prose};
use crate::time::{Lifetime, Time};
use crate::witnessing::WitnessWord;
use crate::word::words;

pub use crate::actor::Actor;
pub use crate::credential::{CredentialKind, Subject};
pub use signed::Signed;

/// Who did it, when, what, and what they signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When the broker decided it.
    pub at: Time,
    /// Who.
    pub by: Actor,
    /// What.
    pub change: Change,
    /// The statement of the person whose act led to it; on the first event of their act.
    pub signed: Option<Arc<Signed>>,
    /// Whether it belongs to a drill.
    pub drill: bool,
}

words! {
    /// What a key of the broker is for.
    KeyPurpose {
        /// Signs checkpoints.
        Ledger = "ledger",
        /// Signs credentials.
        Issuing = "issuing",
        /// Signs client and server certificates.
        Authority = "authority",
        /// Signs the X.509 client certificates that targets accept.
        Targets = "targets",
        /// Signs SSH user certificates.
        SshUser = "ssh-user",
        /// Signs SSH host certificates.
        SshHost = "ssh-host",
    }
}

words! {
    /// How a session came to its end.
    SessionEnd {
        /// Its holder logged out.
        Closed = "closed",
        /// The guard ended it, and saw the last of its processes die.
        Killed = "killed",
        /// It was gone when the guard looked: the host was restarted.
        Gone = "gone",
    }
}

words! {
    /// What the broker does to a role in PostgreSQL.
    RoleStep {
        /// Make it.
        Create = "create",
        /// End its sessions, hand its objects on, and drop it.
        Drop = "drop",
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The broker began to serve.
    BrokerStarted {
        /// Its version.
        version: String,
        /// How many of the rules it holds that brokers before it did not, see
        /// [`RULES`](crate::limits::RULES).
        rules: u32,
    },
    /// The broker has a new key.
    KeyAdded {
        /// For what.
        purpose: KeyPurpose,
        /// Its name: a vkey for the ledger, a `kid`, or a certificate's SHA-256.
        id: String,
        /// The public half: base64 (ledger: in the vkey; issuing: SEC 1 point; authority: DER).
        public: String,
        /// Where it follows another key of the ledger: the signed note in which both say so.
        succession: Option<String>,
    },
    /// A key no longer signs.
    KeyRetired {
        /// For what.
        purpose: KeyPurpose,
        /// Its name.
        id: String,
    },
    /// These rules are in force from here on.
    PolicyLoaded {
        /// Parsed from its text, which it carries.
        policy: Arc<Policy>,
        /// SHA-256 of the text, lower-case hex.
        sha256: String,
    },
    /// An enrolment token was made.
    PersonInvited {
        /// For whom.
        person: PersonId,
        /// Its hash.
        token: TokenHash,
        /// When it stops working.
        expires_at: Time,
    },
    /// A token was traded for a certificate.
    PersonEnrolled {
        /// Whose.
        person: PersonId,
        /// The token, now used.
        token: TokenHash,
        /// The new key.
        key: KeyId,
        /// Uncompressed SEC 1 point, 65 bytes.
        public: Vec<u8>,
        /// What the person called the laptop.
        device: Line,
        /// The certificate's serial number, lower-case hex.
        serial: String,
        /// When the certificate expires.
        certificate_expires_at: Time,
    },
    /// The same key got a fresh certificate.
    CertificateRenewed {
        /// Whose.
        person: PersonId,
        /// The key.
        key: KeyId,
        /// The certificate's serial number, lower-case hex.
        serial: String,
        /// When the certificate expires.
        certificate_expires_at: Time,
    },
    /// Keys and tokens of somebody ended; they can come back by a new invitation only.
    PersonRemoved {
        /// Who.
        person: PersonId,
        /// Why.
        reason: Line,
    },
    /// Somebody is stopped from everything.
    PersonFrozen {
        /// Who.
        person: PersonId,
        /// Why.
        reason: Line,
    },
    /// No longer.
    PersonUnfrozen {
        /// Who.
        person: PersonId,
        /// Why.
        reason: Line,
    },
    /// An enrolment token for the guard of a target was made.
    TargetInvited {
        /// Which.
        target: TargetId,
        /// Its hash.
        token: TokenHash,
        /// When it stops working.
        expires_at: Time,
    },
    /// A token was traded for a certificate.
    TargetEnrolled {
        /// Whose guard.
        target: TargetId,
        /// The token, now used.
        token: TokenHash,
        /// The new key.
        key: KeyId,
        /// Uncompressed SEC 1 point, 65 bytes.
        public: Vec<u8>,
        /// What the host is called.
        device: Line,
        /// The certificate's serial number, lower-case hex.
        serial: String,
        /// When the certificate expires.
        certificate_expires_at: Time,
    },
    /// The same key got a fresh certificate.
    TargetRenewed {
        /// Whose guard.
        target: TargetId,
        /// The key.
        key: KeyId,
        /// The certificate's serial number, lower-case hex.
        serial: String,
        /// When the certificate expires.
        certificate_expires_at: Time,
    },
    /// Keys and tokens of a target's guard ended.
    TargetRemoved {
        /// Which.
        target: TargetId,
        /// Why.
        reason: Line,
    },
    /// A certificate for a host's own key is about to be made, so that nobody is asked whether it is
    /// the right host.
    HostCertified {
        /// Which target it is.
        target: TargetId,
        /// The name or address it is for.
        host: Line,
        /// The key's fingerprint, as `ssh-keygen -l` names it.
        key: String,
        /// The certificate's serial number: 16 digits of lower-case hex.
        serial: String,
        /// When it expires.
        expires_at: Time,
    },
    /// Something is broken.
    IncidentOpened {
        /// Its id.
        incident: IncidentId,
        /// How bad.
        severity: Severity,
        /// One line.
        title: Line,
        /// When it closes by itself.
        closes_at: Time,
        /// Which alert source opened it, where one did.
        source: Option<SourceId>,
        /// What the source calls the alert, so that it is known again.
        alert: Option<Line>,
        /// By which delivery of the source, where its kind tells one from another.
        delivery: Option<Line>,
        /// When that was signed, or its source says that it happened.
        said_at: Option<Time>,
    },
    /// Somebody added a note.
    IncidentNoted {
        /// To which.
        incident: IncidentId,
        /// What.
        text: Prose,
    },
    /// It will soon close by itself.
    IncidentWarned {
        /// Which.
        incident: IncidentId,
        /// When.
        closes_at: Time,
    },
    /// It is over; the endings of its grants stand before this in the same batch.
    IncidentClosed {
        /// Which.
        incident: IncidentId,
        /// What was said.
        reason: Line,
    },
    /// Somebody asked; its holder, or who hands a grant over to them.
    GrantRequested {
        /// Who, what, for which incident.
        of: GrantRef,
        /// As signed.
        sentence: Line,
        /// How risky the right is.
        risk: Risk,
        /// What the requester said.
        reason: Line,
        /// How long.
        length: Lifetime,
        /// The rule that applies from here on.
        rule: RuleName,
        /// Who may approve; empty where nobody needs to.
        approvers: Vec<PersonId>,
        /// When the request lapses.
        lapses_at: Time,
        /// What the rule allows if nobody answers.
        self_grant: Option<SelfGrant>,
        /// Lives only while held.
        held: bool,
        /// The key credentials are bound to; nothing where it was handed over.
        key: Option<KeyId>,
        /// Who credentials are for.
        audience: Line,
        /// Whose call it needs; empty where it needs none.
        call: Vec<PersonId>,
        /// When it goes to whom else if nobody answers.
        escalation: Option<Escalation>,
        /// Where it comes from, where somebody asks for it who hands it over.
        handed: Option<Handed>,
    },
    /// The grant begins.
    GrantStarted {
        /// Which.
        of: GrantRef,
        /// How.
        basis: Basis,
        /// When it ends at the latest.
        ends_at: Time,
        /// How many of this right its holder had begun alone under the incident before, where it is
        /// begun alone; zero for all others.
        alone_before: u32,
    },
    /// It ends later than it would have.
    GrantExtended {
        /// Which.
        of: GrantRef,
        /// The new end.
        ends_at: Time,
        /// Why.
        reason: Line,
    },
    /// A credential is about to be made.
    CredentialIssued {
        /// Under which grant.
        of: GrantRef,
        /// Its id.
        credential: CredentialId,
        /// What kind.
        kind: CredentialKind,
        /// For whom.
        audience: Line,
        /// Until when it is valid.
        expires_at: Time,
        /// The key it is bound to.
        key: KeyId,
        /// What it says beside.
        subject: Subject,
        /// What of witnesses has to be said; nothing where there are none, or all is well.
        witnesses: Option<WitnessWord>,
    },
    /// It was put to use.
    GrantUsed {
        /// Which.
        of: GrantRef,
        /// The program, without its arguments.
        program: Line,
    },
    /// Over, exactly once.
    GrantEnded {
        /// Which.
        of: GrantRef,
        /// Why.
        ending: Ending,
        /// What was said.
        reason: Option<Line>,
        /// Who has it instead, where it was handed over.
        to: Option<HandedTo>,
    },
    /// Somebody came in at a target.
    SessionOpened {
        /// Under which grant.
        of: GrantRef,
        /// Its id.
        session: SessionId,
        /// Where.
        target: TargetId,
        /// By which credential.
        credential: CredentialId,
        /// As whom.
        login: Line,
        /// From where, as the target sees it; empty where it does not say.
        origin: String,
        /// What the guard drew for this login, where it did.
        once: Option<Nonce>,
        /// When the guard let them in by itself, where it did, by the target's clock. Only such a
        /// session may open under a grant that is over.
        let_in_at: Option<Time>,
    },
    /// Over, exactly once.
    SessionEnded {
        /// Under which grant.
        of: GrantRef,
        /// Which.
        session: SessionId,
        /// Where.
        target: TargetId,
        /// How.
        how: SessionEnd,
        /// Where it was ended: from the guard's hearing of it to the death of the last process.
        took: Option<Lifetime>,
    },
    /// Its grant is over and its guard has not said that it is; the guard is told until it does.
    SessionUnconfirmed {
        /// Under which grant.
        of: GrantRef,
        /// Which.
        session: SessionId,
        /// Where.
        target: TargetId,
    },
    /// A role was made in PostgreSQL; `credential.issued` said before that it would be.
    RoleCreated {
        /// Under which grant.
        of: GrantRef,
        /// Where.
        target: TargetId,
        /// Its name.
        role: Line,
    },
    /// It could not be; what has to be dropped is tried again until it is gone.
    RoleFailed {
        /// Under which grant.
        of: GrantRef,
        /// Where.
        target: TargetId,
        /// Its name.
        role: Line,
        /// What failed.
        step: RoleStep,
        /// What the server said.
        text: String,
    },
    /// It is gone, and nobody is connected as it.
    RoleDropped {
        /// Under which grant.
        of: GrantRef,
        /// Where.
        target: TargetId,
        /// Its name.
        role: Line,
        /// How many of its sessions were ended.
        sessions: u32,
        /// How long it took.
        took: Lifetime,
    },
    /// Somebody known asked for something and did not get it.
    Refused {
        /// What they tried, as a statement's act or an RPC's name.
        act: String,
        /// The stable reason, for example `NO_OPEN_INCIDENT`.
        reason: String,
        /// What they were told.
        text: String,
        /// How often since the last such entry.
        count: u32,
        /// The open incident it was tried under, where what they tried says so.
        incident: Option<IncidentId>,
        /// The signed checkpoint that their laptop has seen, where it is of another history than this
        /// ledger: the ledger's key has signed both.
        checkpoint: Option<String>,
    },
    /// Somebody took a copy away.
    LedgerExported {
        /// The first entry.
        from: u64,
        /// One past the last.
        to: u64,
    },
    /// A torn tail was cut back to the last commit after a crash.
    LedgerRepaired {
        /// Bytes that were never acknowledged and are gone.
        cut_bytes: u64,
    },
    /// Enough witnesses have signed the ledger as far as this.
    LedgerWitnessed {
        /// Entries of the checkpoint they signed.
        size: u64,
        /// The checkpoint with their cosignatures, a signed note.
        checkpoint: String,
    },
    /// Too few witnesses sign. What is given from here on until enough of them have is marked.
    LedgerUnwitnessed {
        /// Entries of the newest checkpoint that enough of them had signed; 0 for none.
        witnessed: u64,
    },
    /// A place whose entry is lost with the history it stood in, and that is passed over, because the key whose turn
    /// it was there is gone. The mark of what is lost stands behind the last of them.
    LedgerLost {},
    /// The broker went on from an older copy of its ledger, and what came after the copy is lost: the mark
    /// of that, which stays. From here on ids are behind every one that may have been given in between.
    LedgerRestored {
        /// Entries of the copy, which both histories begin with.
        kept: u64,
        /// Entries of the newest head of the lost history that somebody had seen.
        size: u64,
        /// That head: a signed note.
        checkpoint: String,
        /// Who restored it, as they say themselves.
        operator: Line,
        /// Why.
        reason: Line,
    },
    /// Its alert is over, says the source that opened it.
    IncidentResolved {
        /// Which.
        incident: IncidentId,
        /// When it closes now, unless somebody holds it or the alert fires again.
        closes_at: Time,
        /// As of [`Change::IncidentOpened`].
        delivery: Option<Line>,
        /// When that was signed, or its source says that it happened.
        said_at: Option<Time>,
    },
    /// Its alert fires again; it stays open as if it had never been resolved.
    IncidentRefired {
        /// Which.
        incident: IncidentId,
        /// When it closes by itself.
        closes_at: Time,
        /// As of [`Change::IncidentOpened`].
        delivery: Option<Line>,
        /// When that was signed, or its source says that it happened.
        said_at: Option<Time>,
    },
    /// Somebody keeps it open until its usual end, whatever becomes of its alert.
    IncidentHeld {
        /// Which.
        incident: IncidentId,
        /// Why.
        reason: Line,
    },
    /// Somebody spoke with who asked, before the grant may begin.
    CallRecorded {
        /// Which request; its holder is whom they spoke with.
        of: GrantRef,
        /// When they spoke, by the clock they signed by.
        spoke_at: Time,
    },
    /// An approver said yes to a request that needs more than that.
    GrantApproved {
        /// Which.
        of: GrantRef,
        /// The latest end they agreed to.
        until: Time,
    },
    /// Nobody answered a request, so others may as well from here on.
    GrantEscalated {
        /// Which.
        of: GrantRef,
        /// Who.
        to: Vec<PersonId>,
    },
    /// Somebody answered for a grant of an incident that is over.
    ReviewAnswered {
        /// Which.
        of: GrantRef,
        /// Whether it was needed.
        needed: bool,
        /// Whether the right was too wide.
        width: Width,
        /// What was missing.
        missing: Option<Line>,
    },
    /// Every entry from here on, or from an earlier one on, is sent somewhere.
    StreamBegan {
        /// Which stream.
        stream: StreamName,
        /// What its destination takes.
        kind: StreamKind,
        /// Where it is.
        destination: Line,
        /// The first entry that is sent.
        from: u64,
    },
    /// No longer.
    StreamEnded {
        /// Which stream.
        stream: StreamName,
        /// What its destination took.
        kind: StreamKind,
    },
    /// How a drill went, by whoever walked it; it is closed.
    DrillRecorded {
        /// Which.
        incident: IncidentId,
        /// Every step was taken, within its budget.
        good: bool,
        /// The steps that were taken, in order.
        steps: Vec<StepTime>,
        /// What failed, or was slow; nothing where it is good.
        failed: Option<Line>,
    },
}
