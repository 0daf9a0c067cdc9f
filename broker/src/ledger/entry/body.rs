//! The fields of each kind, in the order they are written. Changing anything here breaks the rule
//! that stands above the format, unless it adds at the end of a kind.

use std::sync::Arc;

use breakglass_domain::drill::StepTime;
use breakglass_domain::event::{CredentialKind, KeyPurpose, RoleStep, SessionEnd};
use breakglass_domain::grant::{Escalation, Handed, HandedTo, SelfGrant};
use breakglass_domain::policy::Risk;
use breakglass_domain::stream::StreamKind;
use breakglass_domain::{
    Basis, Change, CredentialId, Ending, GrantRef, IncidentId, KeyId, Lifetime, Line, Nonce,
    PersonId, Policy, Prose, RuleName, SessionId, Severity, SourceId, StreamName, Subject,
    TargetId, Time, TokenHash, Width, WitnessWord,
};
use serde::{Deserialize, Serialize};

use super::{Entry, EntryError, Head, fields, json};

mod policy;

/// Declares every kind once: its name, its variant of `Change`, and its fields with their spelling.
/// A field of the rules that is missing here does not compile.
macro_rules! kinds {
    ($($kind:literal $variant:ident { $($(#[$spelling:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            #[derive(Serialize, Deserialize)]
            struct $variant { $($(#[$spelling])* $field: $type),* }
        )*

        /// The kind of entry a change makes, for example `grant.ended`.
        #[must_use]
        pub fn kind(change: &Change) -> &'static str {
            match change { $(Change::$variant { .. } => $kind),* }
        }

        fn write_fields(head: &Head<'_>, change: &Change) -> Result<Vec<u8>, EntryError> {
            match change {
                $(Change::$variant { $($field),* } => {
                    let body = $variant { $($field: $field.clone()),* };
                    json::write(&Entry::new(head, body))
                })*
            }
        }

        /// Reads the fields of a kind out of a whole entry.
        pub(super) fn read(kind: &str, line: &[u8]) -> Result<Change, EntryError> {
            match kind {
                $($kind => {
                    let $variant { $($field),* } = json::read(line)?;
                    Ok(Change::$variant { $($field),* })
                })*
                unknown => Err(EntryError::UnknownKind(unknown.to_owned())),
            }
        }
    };
}

kinds! {
    "broker.started" BrokerStarted {
        version: String,
        #[serde(default, skip_serializing_if = "fields::is_zero")] rules: u32,
    }
    "key.added" KeyAdded {
        #[serde(with = "fields::shown")] purpose: KeyPurpose,
        id: String,
        public: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] succession: Option<String>,
    }
    "key.retired" KeyRetired {
        #[serde(with = "fields::shown")] purpose: KeyPurpose,
        id: String,
    }
    "policy.loaded" PolicyLoaded {
        sha256: String,
        #[serde(flatten, with = "policy")] policy: Arc<Policy>,
    }
    "person.invited" PersonInvited {
        #[serde(with = "fields::shown")] person: PersonId,
        #[serde(with = "fields::token")] token: TokenHash,
        #[serde(with = "fields::shown")] expires_at: Time,
    }
    "person.enrolled" PersonEnrolled {
        #[serde(with = "fields::shown")] person: PersonId,
        #[serde(with = "fields::token")] token: TokenHash,
        #[serde(with = "fields::shown")] key: KeyId,
        #[serde(with = "fields::base64")] public: Vec<u8>,
        #[serde(with = "fields::line")] device: Line,
        serial: String,
        #[serde(with = "fields::shown")] certificate_expires_at: Time,
    }
    "certificate.renewed" CertificateRenewed {
        #[serde(with = "fields::shown")] person: PersonId,
        #[serde(with = "fields::shown")] key: KeyId,
        serial: String,
        #[serde(with = "fields::shown")] certificate_expires_at: Time,
    }
    "person.removed" PersonRemoved {
        #[serde(with = "fields::shown")] person: PersonId,
        #[serde(with = "fields::line")] reason: Line,
    }
    "person.frozen" PersonFrozen {
        #[serde(with = "fields::shown")] person: PersonId,
        #[serde(with = "fields::line")] reason: Line,
    }
    "person.unfrozen" PersonUnfrozen {
        #[serde(with = "fields::shown")] person: PersonId,
        #[serde(with = "fields::line")] reason: Line,
    }
    "target.invited" TargetInvited {
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::token")] token: TokenHash,
        #[serde(with = "fields::shown")] expires_at: Time,
    }
    "target.enrolled" TargetEnrolled {
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::token")] token: TokenHash,
        #[serde(with = "fields::shown")] key: KeyId,
        #[serde(with = "fields::base64")] public: Vec<u8>,
        #[serde(with = "fields::line")] device: Line,
        serial: String,
        #[serde(with = "fields::shown")] certificate_expires_at: Time,
    }
    "target.renewed" TargetRenewed {
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::shown")] key: KeyId,
        serial: String,
        #[serde(with = "fields::shown")] certificate_expires_at: Time,
    }
    "target.removed" TargetRemoved {
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::line")] reason: Line,
    }
    "host.certified" HostCertified {
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::line")] host: Line,
        key: String,
        serial: String,
        #[serde(with = "fields::shown")] expires_at: Time,
    }
    "incident.opened" IncidentOpened {
        #[serde(with = "fields::shown")] incident: IncidentId,
        #[serde(with = "fields::shown")] severity: Severity,
        #[serde(with = "fields::line")] title: Line,
        #[serde(with = "fields::shown")] closes_at: Time,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        source: Option<SourceId>,
        #[serde(with = "fields::maybe_line", default, skip_serializing_if = "Option::is_none")]
        alert: Option<Line>,
        #[serde(with = "fields::maybe_line", default, skip_serializing_if = "Option::is_none")]
        delivery: Option<Line>,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        said_at: Option<Time>,
    }
    "incident.noted" IncidentNoted {
        #[serde(with = "fields::shown")] incident: IncidentId,
        #[serde(with = "fields::prose")] text: Prose,
    }
    "incident.warned" IncidentWarned {
        #[serde(with = "fields::shown")] incident: IncidentId,
        #[serde(with = "fields::shown")] closes_at: Time,
    }
    "incident.closed" IncidentClosed {
        #[serde(with = "fields::shown")] incident: IncidentId,
        #[serde(with = "fields::line")] reason: Line,
    }
    "grant.requested" GrantRequested {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::line")] sentence: Line,
        #[serde(with = "fields::shown")] risk: Risk,
        #[serde(with = "fields::line")] reason: Line,
        #[serde(rename = "length_ms", with = "fields::millis")] length: Lifetime,
        #[serde(with = "fields::shown")] rule: RuleName,
        #[serde(with = "fields::all_shown")] approvers: Vec<PersonId>,
        #[serde(with = "fields::shown")] lapses_at: Time,
        #[serde(with = "fields::self_grant", default, skip_serializing_if = "Option::is_none")]
        self_grant: Option<SelfGrant>,
        held: bool,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyId>,
        #[serde(with = "fields::line")] audience: Line,
        #[serde(with = "fields::all_shown", default, skip_serializing_if = "Vec::is_empty")]
        call: Vec<PersonId>,
        #[serde(with = "fields::escalation", default, skip_serializing_if = "Option::is_none")]
        escalation: Option<Escalation>,
        #[serde(flatten, with = "fields::handing::handed")] handed: Option<Handed>,
    }
    "grant.started" GrantStarted {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] basis: Basis,
        #[serde(with = "fields::shown")] ends_at: Time,
        #[serde(default, skip_serializing_if = "fields::is_zero")] alone_before: u32,
    }
    "grant.extended" GrantExtended {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] ends_at: Time,
        #[serde(with = "fields::line")] reason: Line,
    }
    "credential.issued" CredentialIssued {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] credential: CredentialId,
        // `kind` is the entry's own.
        #[serde(rename = "credential_kind", with = "fields::shown")] kind: CredentialKind,
        #[serde(with = "fields::line")] audience: Line,
        #[serde(with = "fields::shown")] expires_at: Time,
        #[serde(with = "fields::shown")] key: KeyId,
        #[serde(
            with = "fields::subject",
            default = "fields::subject::nothing",
            skip_serializing_if = "fields::subject::is_nothing"
        )]
        subject: Subject,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        witnesses: Option<WitnessWord>,
    }
    "grant.used" GrantUsed {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::line")] program: Line,
    }
    "grant.ended" GrantEnded {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] ending: Ending,
        #[serde(with = "fields::maybe_line", default, skip_serializing_if = "Option::is_none")]
        reason: Option<Line>,
        #[serde(flatten, with = "fields::handing::to")] to: Option<HandedTo>,
    }
    "session.opened" SessionOpened {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] session: SessionId,
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::shown")] credential: CredentialId,
        #[serde(with = "fields::line")] login: Line,
        #[serde(default, skip_serializing_if = "String::is_empty")] origin: String,
        #[serde(with = "fields::maybe_nonce", default, skip_serializing_if = "Option::is_none")]
        once: Option<Nonce>,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        let_in_at: Option<Time>,
    }
    "session.ended" SessionEnded {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] session: SessionId,
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::shown")] how: SessionEnd,
        #[serde(
            rename = "took_ms",
            with = "fields::maybe_millis",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        took: Option<Lifetime>,
    }
    "session.unconfirmed" SessionUnconfirmed {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] session: SessionId,
        #[serde(with = "fields::shown")] target: TargetId,
    }
    "role.created" RoleCreated {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::line")] role: Line,
    }
    "role.failed" RoleFailed {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::line")] role: Line,
        #[serde(with = "fields::shown")] step: RoleStep,
        text: String,
    }
    "role.dropped" RoleDropped {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] target: TargetId,
        #[serde(with = "fields::line")] role: Line,
        sessions: u32,
        #[serde(rename = "took_ms", with = "fields::millis")] took: Lifetime,
    }
    "refused" Refused {
        act: String,
        reason: String,
        text: String,
        count: u32,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checkpoint: Option<String>,
    }
    "ledger.exported" LedgerExported {
        from: u64,
        to: u64,
    }
    "ledger.repaired" LedgerRepaired {
        cut_bytes: u64,
    }
    "ledger.lost" LedgerLost {
    }
    "ledger.witnessed" LedgerWitnessed {
        size: u64,
        checkpoint: String,
    }
    "ledger.unwitnessed" LedgerUnwitnessed {
        witnessed: u64,
    }
    "ledger.restored" LedgerRestored {
        kept: u64,
        size: u64,
        checkpoint: String,
        #[serde(with = "fields::line")] operator: Line,
        #[serde(with = "fields::line")] reason: Line,
    }
    "incident.resolved" IncidentResolved {
        #[serde(with = "fields::shown")] incident: IncidentId,
        #[serde(with = "fields::shown")] closes_at: Time,
        #[serde(with = "fields::maybe_line", default, skip_serializing_if = "Option::is_none")]
        delivery: Option<Line>,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        said_at: Option<Time>,
    }
    "incident.refired" IncidentRefired {
        #[serde(with = "fields::shown")] incident: IncidentId,
        #[serde(with = "fields::shown")] closes_at: Time,
        #[serde(with = "fields::maybe_line", default, skip_serializing_if = "Option::is_none")]
        delivery: Option<Line>,
        #[serde(with = "fields::maybe_shown", default, skip_serializing_if = "Option::is_none")]
        said_at: Option<Time>,
    }
    "incident.held" IncidentHeld {
        #[serde(with = "fields::shown")] incident: IncidentId,
        #[serde(with = "fields::line")] reason: Line,
    }
    "call.recorded" CallRecorded {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] spoke_at: Time,
    }
    "grant.approved" GrantApproved {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(with = "fields::shown")] until: Time,
    }
    "grant.escalated" GrantEscalated {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        #[serde(rename = "approvers", with = "fields::all_shown")] to: Vec<PersonId>,
    }
    "review.answered" ReviewAnswered {
        #[serde(flatten, with = "fields::of")] of: GrantRef,
        needed: bool,
        #[serde(with = "fields::shown")] width: Width,
        #[serde(with = "fields::maybe_line", default, skip_serializing_if = "Option::is_none")]
        missing: Option<Line>,
    }
    "stream.began" StreamBegan {
        #[serde(with = "fields::shown")] stream: StreamName,
        #[serde(rename = "stream_kind", with = "fields::shown")] kind: StreamKind,
        #[serde(with = "fields::line")] destination: Line,
        from: u64,
    }
    "stream.ended" StreamEnded {
        #[serde(with = "fields::shown")] stream: StreamName,
        #[serde(rename = "stream_kind", with = "fields::shown")] kind: StreamKind,
    }
    "drill.recorded" DrillRecorded {
        #[serde(with = "fields::shown")] incident: IncidentId,
        good: bool,
        #[serde(with = "fields::steps")] steps: Vec<StepTime>,
        #[serde(with = "fields::maybe_line", default, skip_serializing_if = "Option::is_none")]
        failed: Option<Line>,
    }
}

/// Writes a whole entry; `derived` says whether what follows from other fields is written too.
pub(super) fn write(
    head: &Head<'_>,
    change: &Change,
    derived: bool,
) -> Result<Vec<u8>, EntryError> {
    match change {
        Change::PolicyLoaded { policy, sha256 } if !derived => {
            json::write(&Entry::new(head, policy::Bare::new(policy, sha256)))
        }
        _ => write_fields(head, change),
    }
}
