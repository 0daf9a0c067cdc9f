//! The only place that knows gRPC codes: from our reasons to statuses.
//!
//! A refusal travels as `google.rpc.ErrorInfo` (a stable reason, the domain `breakglass`, the next
//! command, the ids it is about) beside a message for people. What the inside says of itself is
//! traced here, and cannot be sent.

use std::collections::HashMap;

use breakglass_domain::Refusal;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::error::Error;
use crate::app;

/// The domain of our reasons in `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "breakglass";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        trace(&error);
        let reason = error.reason();
        let mut metadata = ids(&error);
        metadata.insert("next".to_owned(), error.next());
        let details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        Self::with_error_details(code(&error), error.to_string(), details)
    }
}

impl From<app::Error> for Status {
    fn from(error: app::Error) -> Self {
        Error::App(error).into()
    }
}

fn trace(error: &Error) {
    match error.internal() {
        Some(internal) => tracing::error!(reason = error.reason(), %internal, "a call failed"),
        None => tracing::debug!(reason = error.reason(), "a call was refused"),
    }
}

fn code(error: &Error) -> Code {
    match error {
        Error::Slow { .. } | Error::Late { .. } => Code::DeadlineExceeded,
        Error::Busy => Code::Unavailable,
        error => code_of(error.reason()),
    }
}

/// The code that goes with a reason: whoever knows only codes does something sensible.
fn code_of(reason: &str) -> Code {
    match reason {
        "NO_OPEN_INCIDENT"
        | "INCIDENT_CLOSED"
        | "GRANT_WAITING"
        | "GRANT_ACTIVE"
        | "GRANT_ENDED"
        | "NOT_FROZEN"
        | "NOTHING_TO_HOLD"
        | "UNKNOWN_SEVERITY"
        | "SENTENCE_CHANGED"
        | "SELF_GRANT_TOO_EARLY"
        | "APPROVAL_TOO_EARLY"
        | "NO_CALL_WANTED"
        | "CALL_RECORDED"
        | "CALL_TIME"
        | "APPROVED_ALREADY"
        | "NOTHING_TO_VETO"
        | "NOTHING_TO_HAND_OVER"
        | "STATEMENT_STALE"
        | "REVIEW_DEBT"
        | "INCIDENT_OPEN"
        | "NOTHING_TO_REVIEW"
        | "NO_DRILLS"
        | "NO_SUCH_CREDENTIAL"
        | "DRILL_RECORD"
        | "CLOCK_BEHIND" => Code::FailedPrecondition,
        "UNKNOWN_INCIDENT" | "UNKNOWN_RIGHT" | "UNKNOWN_PERSON" | "UNKNOWN_GRANT"
        | "UNKNOWN_SOURCE" | "UNKNOWN_TARGET" | "UNKNOWN_SESSION" | "NOT_FOUND" => Code::NotFound,
        "NOT_ALLOWED"
        | "NOT_PERMITTED"
        | "NOT_YOURS"
        | "NOT_APPROVER"
        | "NOT_CALLER"
        | "SELF_APPROVAL"
        | "SELF_GRANT_DENIED"
        | "PERSON_FROZEN"
        | "DRILL_RIGHT"
        | "INCIDENT_UNCONFIRMED" => Code::PermissionDenied,
        "NO_CERTIFICATE"
        | "CERTIFICATE_INVALID"
        | "NOT_ENROLLED"
        | "TOKEN_UNKNOWN"
        | "TOKEN_EXPIRED"
        | "TOKEN_WITHDRAWN"
        | "TOKEN_USED"
        | "SIGNATURE_INVALID" => Code::Unauthenticated,
        "INVALID_TEXT" | "INVALID_ARGUMENT" | "TOO_LONG_A_TIME" | "STATEMENT_INVALID"
        | "WRONG_BROKER" => Code::InvalidArgument,
        "STATEMENT_REPLAYED" => Code::AlreadyExists,
        "TOO_MANY" | "LEDGER_FULL" => Code::ResourceExhausted,
        "LEDGER_BEHIND" | "LEDGER_FORKED" => Code::DataLoss,
        "LEDGER_UNAVAILABLE" | "NOT_WITNESSED" | "TARGET_UNAVAILABLE" | "SHUTTING_DOWN" => {
            Code::Unavailable
        }
        _ => Code::Internal,
    }
}

/// What a program may want to know of a refusal without reading its message.
fn ids(error: &Error) -> HashMap<String, String> {
    let (name, id) = match error {
        Error::App(app::Error::Refused(refusal)) => match about(refusal) {
            Some(about) => about,
            None => return HashMap::new(),
        },
        Error::Text { field, .. } | Error::Argument { field, .. } => ("field", (*field).to_owned()),
        _ => return HashMap::new(),
    };
    let ending = match error {
        Error::App(app::Error::Refused(
            Refusal::GrantEnded {
                ended: Some((ending, at)),
                ..
            }
            | Refusal::EndedAlready {
                ended: Some((ending, at)),
                ..
            },
        )) => vec![("ending", ending.to_string()), ("ended_at", at.to_string())],
        Error::App(app::Error::Refused(
            Refusal::SelfGrantTooEarly { from, .. } | Refusal::ApprovalTooEarly { from, .. },
        )) => {
            vec![("from", from.to_string())]
        }
        _ => Vec::new(),
    };
    let pairs = ending.into_iter().chain([(name, id)]);
    pairs.map(|(name, id)| (name.to_owned(), id)).collect()
}

fn about(refusal: &Refusal) -> Option<(&'static str, String)> {
    use Refusal as R;
    Some(match refusal {
        R::UnknownIncident(incident)
        | R::IncidentClosed(incident)
        | R::NothingToHold(incident)
        | R::DrillRight { incident, .. }
        | R::Unconfirmed { incident, .. } => ("incident", incident.to_string()),
        R::UnknownRight(right) | R::NotAllowed { right, .. } | R::NotWitnessed { right } => {
            ("right", right.to_string())
        }
        R::UnknownPerson(person)
        | R::NotPermitted { person, .. }
        | R::PersonFrozen(person)
        | R::FrozenAlready(person)
        | R::NotFrozen(person)
        | R::HasNoKey(person)
        | R::NotEnrolled(person) => ("person", person.to_string()),
        R::UnknownGrant(grant)
        | R::NotYours { grant, .. }
        | R::NotApprover { grant, .. }
        | R::CallInstead { grant, .. }
        | R::ApprovalTooEarly { grant, .. }
        | R::SelfApproval(grant)
        | R::GrantWaiting(grant)
        | R::GrantActive(grant)
        | R::GrantEnded { grant, .. }
        | R::EndedAlready { grant, .. }
        | R::HolderExtends { grant, .. }
        | R::NeedsApprover { grant, .. }
        | R::SelfGrantDenied(grant)
        | R::PolicyChanged { grant, .. }
        | R::AloneAlready { grant, .. }
        | R::OwnHandover(grant)
        | R::HoldsAlready { grant, .. }
        | R::VetoedReceiver { grant, .. }
        | R::HandedOver(grant)
        | R::SelfGrantTooEarly { grant, .. } => ("grant", grant.to_string()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
