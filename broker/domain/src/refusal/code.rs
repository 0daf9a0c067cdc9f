//! The stable words of refusals: programs go by them, and `docs/reference/errors.md` lists them.

use super::Refusal;

impl Refusal {
    /// The stable word that travels as `google.rpc.ErrorInfo.reason`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoOpenIncident => "NO_OPEN_INCIDENT",
            Self::UnknownIncident(_) => "UNKNOWN_INCIDENT",
            Self::IncidentClosed(_) => "INCIDENT_CLOSED",
            Self::UnknownRight(_) => "UNKNOWN_RIGHT",
            Self::UnknownPerson(_) => "UNKNOWN_PERSON",
            Self::UnknownGrant(_) => "UNKNOWN_GRANT",
            Self::NotAllowed { .. } => "NOT_ALLOWED",
            Self::NotPermitted { .. } | Self::OwnFreeze => "NOT_PERMITTED",
            Self::NotYours { .. } | Self::HolderExtends { .. } => "NOT_YOURS",
            Self::NotApprover { .. } | Self::CallInstead { .. } => "NOT_APPROVER",
            Self::ApprovalTooEarly { .. } => "APPROVAL_TOO_EARLY",
            Self::SelfApproval(_) => "SELF_APPROVAL",
            Self::NotCaller { .. } => "NOT_CALLER",
            Self::NoCallWanted(_) => "NO_CALL_WANTED",
            Self::CallRecorded(_) => "CALL_RECORDED",
            Self::CallTime { .. } => "CALL_TIME",
            Self::NobodyToCall { .. } | Self::NotAllowedToReceive { .. } => "NOT_ALLOWED",
            Self::ApprovedAlready(_) => "APPROVED_ALREADY",
            Self::GrantWaiting(_) => "GRANT_WAITING",
            Self::GrantActive(_) => "GRANT_ACTIVE",
            Self::GrantEnded { .. } | Self::EndedAlready { .. } => "GRANT_ENDED",
            Self::TooLong { .. } | Self::TooLongHandedOver { .. } | Self::Closing { .. } => {
                "TOO_LONG_A_TIME"
            }
            Self::TooShort { .. } => "INVALID_ARGUMENT",
            Self::NeedsApprover { .. } => "NOT_APPROVER",
            Self::SentenceChanged(_) | Self::PolicyChanged { .. } => "SENTENCE_CHANGED",
            Self::SelfGrantDenied(_) | Self::Vetoed(_) | Self::AloneAlready { .. } => {
                "SELF_GRANT_DENIED"
            }
            Self::NothingToVeto { .. } => "NOTHING_TO_VETO",
            Self::OwnVeto(_) => "NOT_PERMITTED",
            Self::OwnHandover(_) | Self::HoldsAlready { .. } => "NOTHING_TO_HAND_OVER",
            Self::HasNoKey(_) => "NOT_ENROLLED",
            Self::VetoedReceiver { .. } | Self::HandedOver(_) => "SELF_GRANT_DENIED",
            Self::SelfGrantTooEarly { .. } => "SELF_GRANT_TOO_EARLY",
            Self::PersonFrozen(_) | Self::FrozenAlready(_) => "PERSON_FROZEN",
            Self::NotFrozen(_) => "NOT_FROZEN",
            Self::NotEnrolled(_) => "NOT_ENROLLED",
            Self::TokenUnknown => "TOKEN_UNKNOWN",
            Self::TokenExpired(_) => "TOKEN_EXPIRED",
            Self::TokenWithdrawn(_) => "TOKEN_WITHDRAWN",
            Self::KeyEnrolled => "TOKEN_USED",
            Self::StatementMissing => "STATEMENT_INVALID",
            Self::StatementStale { .. } => "STATEMENT_STALE",
            Self::StatementReplayed => "STATEMENT_REPLAYED",
            Self::UnknownTarget(_) => "UNKNOWN_TARGET",
            Self::UnknownSession(_) | Self::NoSuchLogin(_) => "UNKNOWN_SESSION",
            Self::NotThere { .. } => "NOT_ALLOWED",
            Self::NoSuchCredential { .. } => "NO_SUCH_CREDENTIAL",
            Self::TooMany { .. } | Self::TooOften { .. } | Self::OpenedTooMany { .. } => "TOO_MANY",
            Self::TitleOfDrill => "INVALID_ARGUMENT",
            Self::ReviewDebt { .. } => "REVIEW_DEBT",
            Self::IncidentOpen(_) => "INCIDENT_OPEN",
            Self::NothingToReview { .. } => "NOTHING_TO_REVIEW",
            Self::ClockBehind { .. } => "CLOCK_BEHIND",
            Self::UnknownSource(_) => "UNKNOWN_SOURCE",
            Self::UnknownSeverity { .. } => "UNKNOWN_SEVERITY",
            Self::Unconfirmed { .. } => "INCIDENT_UNCONFIRMED",
            Self::NotWitnessed { .. } => "NOT_WITNESSED",
            Self::NothingToHold(_) => "NOTHING_TO_HOLD",
            Self::NoDrills => "NO_DRILLS",
            Self::DrillRight { .. } => "DRILL_RIGHT",
            Self::DrillRecord(_) => "DRILL_RECORD",
            Self::LedgerBehind { .. } => "LEDGER_BEHIND",
            Self::LedgerForked { .. } => "LEDGER_FORKED",
            Self::SeenUnsigned(_) => "STATEMENT_INVALID",
        }
    }
}
