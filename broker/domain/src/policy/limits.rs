//! Limits of the file itself, each with its reason; those the rules share stand in
//! [`crate::limits`]. They may be raised and never lowered: old policies stand in the ledger.

use crate::time::Lifetime;

/// The longest `incidents.longest`, and the longest a request may wait: an emergency that lasts
/// longer than a day has become daily work; it is closed, looked at, and opened anew.
pub const INCIDENT_MAX: Lifetime = Lifetime::from_secs(24 * 3_600);

/// Bytes of a person's name or job: both stand inside of one-line sentences.
pub const NAME_MAX: usize = 64;

/// Bytes of a contact: a mail address or a link.
pub const CONTACT_MAX: usize = 200;

/// Bytes of a right's sentence: an approver reads it on one line.
pub const SENTENCE_MAX: usize = 120;

/// Bytes of an audience: a URL.
pub const AUDIENCE_MAX: usize = 200;

/// Problems told at once: more than anybody mends before trying again.
pub const PROBLEMS_MAX: usize = 50;
