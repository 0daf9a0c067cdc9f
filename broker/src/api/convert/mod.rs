//! Between the words of the rules and the messages of the contract.

mod access;
mod drill;
mod grant;
mod incident;
mod ledger;
mod people;
mod review;
mod target;

use breakglass_domain::{Lifetime, Time};
use prost_types::{Duration, Timestamp};

pub(super) use access::access_read;
pub(super) use drill::drills;
pub(super) use grant::{as_of_now, credential, grant, grants, wants_jwt, wish};
pub(super) use incident::{incident, incident_in_brief};
pub(super) use ledger::{consistency, entry, receipt};
pub(super) use people::{can, doomed, person};
pub(super) use review::owed_review;
pub(super) use target::{access, role, session, standing, target};

use super::error::Error;

/// A moment.
pub(super) fn time(time: Time) -> Timestamp {
    let millis = time.as_millis();
    Timestamp {
        seconds: millis.div_euclid(1_000),
        // Below 1e9: a remainder of a thousand, times a million.
        nanos: i32::try_from(millis.rem_euclid(1_000) * 1_000_000).unwrap_or(0),
    }
}

/// A moment that a caller names; one that no calendar has is refused.
pub(super) fn time_from(field: &'static str, time: Timestamp) -> Result<Time, Error> {
    let nanos = i64::from(time.nanos);
    if !(0..1_000_000_000).contains(&nanos) || time.seconds.unsigned_abs() > 253_402_300_799 {
        let why = "it is not a moment between the years 1 and 9999".to_owned();
        return Err(Error::Argument { field, why });
    }
    Ok(Time::from_millis(time.seconds * 1_000 + nanos / 1_000_000))
}

/// A length of time.
pub(super) fn length(length: Lifetime) -> Duration {
    let millis = length.as_millis();
    Duration {
        seconds: millis / 1_000,
        // Below 1e9: a remainder of a thousand, times a million.
        nanos: i32::try_from(millis % 1_000 * 1_000_000).unwrap_or(0),
    }
}

/// An id in a request; empty where nothing is asked for.
pub(super) fn optional<T>(field: &'static str, text: &str) -> Result<Option<T>, Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    if text.is_empty() {
        Ok(None)
    } else {
        required(field, text).map(Some)
    }
}

/// An id in a request.
pub(super) fn required<T>(field: &'static str, text: &str) -> Result<T, Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|why: T::Err| {
        let why = why.to_string();
        Error::Argument { field, why }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_back() {
        for millis in [0, 1, 999, 1_763_867_100_123, -1, -1_500] {
            let moment = Time::from_millis(millis);
            assert_eq!(time_from("since", time(moment)).unwrap(), moment);
        }
    }

    #[test]
    fn moments_that_no_calendar_has_are_refused() {
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)] {
            let error = time_from("since", Timestamp { seconds, nanos }).unwrap_err();
            assert_eq!(error.reason(), "INVALID_ARGUMENT");
        }
    }
}
