//! How long a grant may last: no longer than was asked for, than was agreed to, than the policy
//! allows, and than its incident.

use jiff::{SignedDuration, Timestamp};

use super::grants::{Active, Basis, Grant};
use crate::rules::Given;

/// A time later by so many milliseconds.
pub(super) fn later(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(millis))
        .unwrap_or(Timestamp::MAX)
}

/// The latest end of a grant that begins at a time.
pub(super) fn of_beginning(
    grant: &Grant,
    basis: Basis,
    at: Timestamp,
    given: &Given,
    closes_at: Timestamp,
) -> Timestamp {
    let mut length = grant.length.min(given.longest);
    if basis == Basis::SelfGranted {
        length = length.min(alone(grant, given));
    }
    later(at, length).min(closes_at)
}

/// The latest end of a grant that gets more time.
pub(super) fn of_extension(
    grant: &Grant,
    active: &Active,
    more: SignedDuration,
    given: &Given,
    closes_at: Timestamp,
) -> Timestamp {
    let longest = match active.basis {
        Basis::SelfGranted => given
            .longest
            .min(grant.alone.map_or(0, |alone| alone.longest)),
        Basis::FastPath | Basis::Approved | Basis::Called => given.longest,
    };
    let asked = active.ends_at.checked_add(more).unwrap_or(Timestamp::MAX);
    let since = grant.counts_since(active);
    asked.min(later(since, longest)).min(closes_at)
}

/// Pinned in the request; a policy that has become stricter since counts as well.
fn alone(grant: &Grant, given: &Given) -> i64 {
    let pinned = grant.alone.map_or(0, |alone| alone.longest);
    pinned.min(given.alone.map_or(0, |alone| alone.longest))
}
