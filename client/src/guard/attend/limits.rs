//! The numbers of the line to the broker, each with its reason.

use std::time::Duration;

pub(super) use crate::limits::{FIRST_RETRY, LONGEST_RETRY};

/// How long the broker outlives its last tick, whatever the grace. It ticks every 2 s; two may be
/// late.
pub const TICK_TIMEOUT: Duration = Duration::from_secs(6);

/// How long after a certificate could not be renewed it is tried again. A key has ten an hour, and
/// is renewed when a third of its life is left: weeks.
pub(super) const RENEW_AGAIN: Duration = Duration::from_secs(600);

/// The longest sleep before it is looked again whether the certificate is due: a host that was
/// suspended wakes up with a clock that has moved on.
pub(super) const LOOK_AT_CERTIFICATE: Duration = Duration::from_secs(3_600);

/// How often a broker that cannot be believed is complained of, while it is called again and again.
pub(super) const LOUD_AGAIN: Duration = Duration::from_secs(60);

/// How often the file of what this host has seen moves on while the stream is open and the ledger grows. It
/// costs the broker two proofs, and what was heard in between is forgotten where the guard is started anew.
pub(super) const REMEMBER_AGAIN: Duration = Duration::from_secs(10);
