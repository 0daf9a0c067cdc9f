//! What a reader of every entry filters by: how serious it is, and whom it is about.

use breakglass_domain::{Basis, Change, Event, PersonId};

/// How serious an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// What happens all day.
    Routine,
    /// Worth a look by daylight: who may do what has changed, or production was touched.
    Notable,
    /// Worth a look soon.
    Serious,
    /// Somebody should look now.
    Grave,
}

impl Weight {
    /// Of syslog (RFC 5424 section 6.2.1, table 2).
    pub(super) fn syslog(self) -> u8 {
        match self {
            Self::Routine => 6,
            Self::Notable => 5,
            Self::Serious => 4,
            Self::Grave => 3,
        }
    }

    /// Of OCSF: the number of `severity_id` and its caption.
    pub(super) fn ocsf(self) -> (u8, &'static str) {
        match self {
            Self::Routine => (1, "Informational"),
            Self::Notable => (2, "Low"),
            Self::Serious => (3, "Medium"),
            Self::Grave => (4, "High"),
        }
    }
}

/// Reasons of refusals that do not come about by mistake, or whose mistake is as grave (docs/operating/metrics.md).
const ATTACKS: [&str; 5] = [
    "LEDGER_BEHIND",
    "LEDGER_FORKED",
    "SIGNATURE_INVALID",
    "STATEMENT_REPLAYED",
    "CERTIFICATE_INVALID",
];

/// How serious each event is: what was done by somebody who had seen another history of the ledger is grave,
/// whatever it is.
pub(super) fn weight(event: &Event) -> Weight {
    match event.signed.as_ref().is_some_and(|it| it.other_history) {
        true => Weight::Grave,
        false => weight_of(&event.change),
    }
}

fn weight_of(change: &Change) -> Weight {
    match change {
        Change::GrantStarted { basis, .. } => match basis {
            Basis::SelfGranted => Weight::Grave,
            Basis::Called => Weight::Serious,
            _ => Weight::Notable,
        },
        Change::SessionUnconfirmed { .. } | Change::LedgerRestored { .. } => Weight::Grave,
        Change::Refused { reason, .. } if ATTACKS.contains(&reason.as_str()) => Weight::Grave,
        Change::PersonFrozen { .. }
        | Change::RoleFailed { .. }
        | Change::LedgerRepaired { .. }
        | Change::LedgerExported { .. }
        | Change::LedgerUnwitnessed { .. }
        | Change::StreamBegan { .. }
        | Change::StreamEnded { .. } => Weight::Serious,
        Change::BrokerStarted { .. }
        | Change::KeyAdded { .. }
        | Change::KeyRetired { .. }
        | Change::PolicyLoaded { .. }
        | Change::PersonInvited { .. }
        | Change::PersonEnrolled { .. }
        | Change::PersonRemoved { .. }
        | Change::PersonUnfrozen { .. }
        | Change::TargetInvited { .. }
        | Change::TargetEnrolled { .. }
        | Change::TargetRemoved { .. }
        | Change::HostCertified { .. }
        | Change::IncidentOpened { .. }
        | Change::IncidentClosed { .. }
        | Change::GrantExtended { .. }
        | Change::GrantEnded { .. }
        | Change::CredentialIssued { .. }
        | Change::SessionOpened { .. }
        | Change::DrillRecorded { .. }
        | Change::Refused { .. } => Weight::Notable,
        Change::CertificateRenewed { .. }
        | Change::TargetRenewed { .. }
        | Change::IncidentNoted { .. }
        | Change::IncidentWarned { .. }
        | Change::IncidentResolved { .. }
        | Change::IncidentRefired { .. }
        | Change::IncidentHeld { .. }
        | Change::LedgerWitnessed { .. }
        | Change::LedgerLost {}
        | Change::GrantRequested { .. }
        | Change::GrantEscalated { .. }
        | Change::GrantUsed { .. }
        | Change::GrantApproved { .. }
        | Change::CallRecorded { .. }
        | Change::ReviewAnswered { .. }
        | Change::SessionEnded { .. }
        | Change::RoleCreated { .. }
        | Change::RoleDropped { .. } => Weight::Routine,
    }
}

/// The person it is about: a grant's holder, or whose key or freeze it is.
pub(super) fn person(change: &Change) -> Option<&PersonId> {
    match change {
        Change::PersonInvited { person, .. }
        | Change::PersonEnrolled { person, .. }
        | Change::CertificateRenewed { person, .. }
        | Change::PersonRemoved { person, .. }
        | Change::PersonFrozen { person, .. }
        | Change::PersonUnfrozen { person, .. } => Some(person),
        _ => change.grant().map(|of| &of.person),
    }
}
