//! What is said of an act without deciding it: its name, the incident it is about, and of which sort it is.

use super::Act;
use crate::id::IncidentId;
use crate::state::State;

impl Act {
    /// What a refusal's entry calls it: a statement's act, or an RPC's name in the same spelling.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::AddKey { .. } => "add-key",
            Self::RetireKey { .. } => "retire-key",
            Self::LoadPolicy { .. } => "load-policy",
            Self::NoteRepair { .. } => "note-repair",
            Self::PassOver => "pass-over",
            Self::NoteStreams { .. } => "note-streams",
            Self::Invite { .. } => "invite",
            Self::InviteTarget { .. } => "invite-target",
            Self::Enroll { .. } => "enroll",
            Self::Renew { .. } => "renew-certificate",
            Self::Remove { .. } => "remove-person",
            Self::Freeze { .. } => "freeze",
            Self::Unfreeze { .. } => "unfreeze",
            Self::Open { .. } => "open-incident",
            Self::OpenDrill { .. } => "open-drill",
            Self::RecordDrill { .. } => "record-drill",
            Self::Note { .. } => "note",
            Self::Close { .. } => "close-incident",
            Self::Request { .. } => "request",
            Self::Approve { .. } => "approve",
            Self::Deny { .. } => "deny",
            Self::SelfGrant { .. } => "self-grant",
            Self::RecordCall { .. } => "record-call",
            Self::Extend { .. } => "extend",
            Self::HandOver { .. } => "handover",
            Self::Drop { .. } => "drop",
            Self::Revoke { .. } => "revoke",
            Self::Veto { .. } => "veto",
            Self::Issue { .. } => "issue-credential",
            Self::Use { .. } => "report-use",
            Self::OpenSession { .. } => "open-session",
            Self::EndSession { .. } => "end-session",
            Self::CertifyHost { .. } => "certify-host",
            Self::NoteRole { .. } => "note-role",
            Self::Abandon { .. } => "abandon",
            Self::Export { .. } => "export-ledger",
            Self::NoteRefusal { .. } => "note-refusal",
            Self::NoteWitnessed { .. } => "note-witnessed",
            Self::NoteUnwitnessed { .. } => "note-unwitnessed",
            Self::NoteRestored { .. } => "note-restored",
            Self::Tick => "tick",
            Self::Fire { .. } => "alert-firing",
            Self::Resolve { .. } => "alert-resolved",
            Self::Hold { .. } => "hold-incident",
            Self::AnswerReview { .. } => "answer-review",
        }
    }

    /// The open incident it is about, by itself or by way of a live grant.
    #[must_use]
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        let about = match self {
            Self::Note { incident, .. }
            | Self::Close { incident, .. }
            | Self::Hold { incident, .. }
            | Self::Request { incident, .. }
            | Self::Approve { incident, .. }
            | Self::SelfGrant { incident, .. }
            | Self::RecordCall { incident, .. }
            | Self::HandOver { incident, .. } => Some(*incident),
            Self::Deny { grant, .. }
            | Self::Extend { grant, .. }
            | Self::Drop { grant }
            | Self::Revoke { grant, .. }
            | Self::Veto { grant, .. }
            | Self::Issue { grant, .. }
            | Self::Use { grant, .. } => state.grants.get(grant).map(|grant| grant.of.incident),
            _ => None,
        };
        about.filter(|incident| state.incidents.contains_key(incident))
    }

    /// Whether it starts, widens or issues something: refused while the clock is behind the ledger.
    #[must_use]
    pub fn starts(&self) -> bool {
        matches!(
            self,
            Self::Request { .. }
                | Self::Approve { .. }
                | Self::SelfGrant { .. }
                | Self::RecordCall { .. }
                | Self::Extend { .. }
                | Self::HandOver { .. }
                | Self::Issue { .. }
                | Self::Open { .. }
                | Self::OpenDrill { .. }
                // When the last good one was is known by that clock.
                | Self::RecordDrill { .. }
                | Self::Invite { .. }
                | Self::InviteTarget { .. }
                | Self::OpenSession { .. }
                | Self::CertifyHost { .. }
                | Self::Enroll { .. }
                | Self::Renew { .. }
                | Self::Unfreeze { .. }
                | Self::Fire { .. }
                | Self::Hold { .. }
        )
    }

    /// Whether it only ends things: still taken when the ledger's disk is nearly full.
    #[must_use]
    pub fn ends(&self) -> bool {
        matches!(
            self,
            Self::Deny { .. }
                | Self::Drop { .. }
                | Self::Revoke { .. }
                | Self::Veto { .. }
                | Self::Close { .. }
                | Self::Freeze { .. }
                | Self::Remove { .. }
                | Self::Abandon { .. }
                | Self::EndSession { .. }
                | Self::NoteRole { .. }
                | Self::Tick
        )
    }

    /// Whether it ends something for now and not for good, or ends nothing: the same statement would
    /// have an effect a second time.
    #[must_use]
    pub fn can_be_again(&self) -> bool {
        matches!(
            self,
            Self::Note { .. } | Self::Freeze { .. } | Self::Remove { .. }
        )
    }

    /// Whether a person needs no statement for it: it gives nothing that a statement has not given
    /// before, and the connection's certificate says who calls.
    #[must_use]
    pub fn needs_no_statement(&self) -> bool {
        matches!(
            self,
            Self::Renew { .. } | Self::Issue { .. } | Self::Use { .. } | Self::Export { .. }
        )
    }
}
