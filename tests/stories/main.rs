//! What breakglass does, told as stories: a real broker over real TLS, the real client library, and
//! a clock that is held.

// clippy.toml allows it in tests; clippy takes only functions with #[test] for one, not their helpers.
#![allow(clippy::unwrap_used)]

mod access_reviews;
mod alerts;
mod approvals;
mod certificates;
mod clock;
mod closing;
mod copies;
mod endings;
mod enrolment;
mod escalation;
mod forks;
mod guards;
mod handover;
mod hints;
mod holding;
mod late;
mod limits;
mod lists;
mod main_job;
mod nights;
mod notices;
mod people;
mod proven;
mod receipts;
mod refusals;
mod restart;
mod reviews;
mod statements;
mod strangers;
mod streams;
mod tokens;
mod watching;

use breakglass_client::error::Error;
use tonic::Status;
use tonic_types::StatusExt as _;

/// The stable reason of what was refused.
fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.expect_err("it is refused").reason().to_owned()
}

/// The stable reason of a bare call that was refused.
fn reason_of(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map_or_else(|| format!("no reason: {status}"), |info| info.reason)
}
