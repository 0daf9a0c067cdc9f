//! From a gRPC status to an error somebody can act on.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    config::ServerUrl,
    connect,
    error::{Error, Refusal},
};

/// The domain of the broker's own reasons.
const DOMAIN: &str = "breakglass";

/// What a failed call means: the broker's refusal where it gave one, else what the code says.
#[must_use]
pub fn explain(server: &ServerUrl, status: &Status) -> Error {
    if let Some(refusal) = refusal_of(status) {
        return Error::Refused(Box::new(refusal));
    }
    let message = status.message();
    if is_no_grpc(status) {
        return Error::Unreachable {
            what: format!("something answers at {server}, but not gRPC; is it the web port?"),
            next: connect::unreachable_step(server),
        };
    }
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded => {
            connect::of_transport(server, status)
        }
        // tonic's word for a broken connection it has no code for.
        Code::Unknown if std::error::Error::source(status).is_some() => {
            connect::of_transport(server, status)
        }
        Code::Unimplemented => Error::setup(
            format!("the broker {server} does not know this command yet"),
            "compare the versions: `glass --version` and `glass status`",
        ),
        Code::ResourceExhausted => plain_refusal("TOO_MANY", message),
        Code::Unauthenticated => plain_refusal("NO_CERTIFICATE", message),
        Code::PermissionDenied => plain_refusal("NOT_PERMITTED", message),
        Code::InvalidArgument | Code::OutOfRange => plain_refusal("INVALID_ARGUMENT", message),
        Code::NotFound => plain_refusal("NOT_FOUND", message),
        _ => plain_refusal("INTERNAL", message),
    }
}

/// What tonic itself says of an answer that is none.
fn is_no_grpc(status: &Status) -> bool {
    let said = status.message();
    matches!(
        status.code(),
        Code::Internal | Code::Unknown | Code::Unimplemented
    ) && (said.starts_with("protocol error: ") || said.starts_with("grpc-status header missing"))
}

fn refusal_of(status: &Status) -> Option<Refusal> {
    let info = status
        .get_details_error_info()
        .filter(|info| info.domain == DOMAIN)?;
    Some(Refusal {
        message: or_reason(status.message(), &info.reason),
        next: info
            .metadata
            .get("next")
            .filter(|next| !next.is_empty())
            .cloned(),
        reason: info.reason,
    })
}

fn plain_refusal(reason: &str, message: &str) -> Error {
    Error::Refused(Box::new(Refusal {
        reason: reason.to_owned(),
        message: or_reason(message, reason),
        next: None,
    }))
}

fn or_reason(message: &str, reason: &str) -> String {
    if message.is_empty() {
        return format!("the broker refused: {reason}");
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn server() -> ServerUrl {
        ServerUrl::parse("https://glass.example").unwrap()
    }

    #[test]
    fn a_refusal_arrives_with_its_reason_and_next_command() {
        let next = HashMap::from([("next".to_owned(), "glass incident open".to_owned())]);
        let details = ErrorDetails::with_error_info("NO_OPEN_INCIDENT", "breakglass", next);
        let status =
            Status::with_error_details(Code::FailedPrecondition, "nothing is broken", details);
        let error = explain(&server(), &status);
        assert_eq!(error.to_string(), "nothing is broken");
        assert_eq!(error.next().as_deref(), Some("glass incident open"));
        assert_eq!(
            (error.reason(), error.exit_code()),
            ("NO_OPEN_INCIDENT", 80)
        );
    }

    #[test]
    fn somebody_elses_reason_does_not_count() {
        let details =
            ErrorDetails::with_error_info("NO_OPEN_INCIDENT", "googleapis.com", HashMap::new());
        let status = Status::with_error_details(Code::Internal, "x", details);
        assert_eq!(explain(&server(), &status).reason(), "INTERNAL");
    }

    #[test]
    fn an_answer_of_something_else_is_said_to_be_one() {
        let said = "protocol error: received message with invalid compression flag: 116 (valid \
                    flags are 0 and 1) while receiving response with status: 404 Not Found";
        let error = explain(&server(), &Status::internal(said));
        assert_eq!(error.exit_code(), 84);
        assert!(
            error.to_string().contains("not gRPC; is it the web port?"),
            "{error}"
        );
    }

    #[test]
    fn bare_codes_become_sentences() {
        for (code, exit) in [
            (Code::Unavailable, 84),
            (Code::DeadlineExceeded, 84),
            (Code::Unimplemented, 1),
            (Code::PermissionDenied, 82),
            (Code::InvalidArgument, 2),
            (Code::Internal, 1),
        ] {
            let error = explain(&server(), &Status::new(code, ""));
            assert_eq!(error.exit_code(), exit, "{code:?}");
            assert!(error.to_string().contains(' '), "{error}");
        }
    }
}
