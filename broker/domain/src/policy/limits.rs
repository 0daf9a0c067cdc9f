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

/// Bytes of a principal: a login name on Linux has at most 32 (useradd(8)).
pub const PRINCIPAL_MAX: usize = 32;

/// Bytes of a target's address, an ARN or a network: a URL.
pub const ADDRESS_MAX: usize = 200;

/// Bytes of a group, a namespace or a region: a DNS label or two (RFC 1123 section 2.1), and room.
pub const GROUP_MAX: usize = 128;

/// Bytes of a role or a database in PostgreSQL (NAMEDATALEN less one).
pub const SQL_NAME_MAX: usize = 63;

/// Bytes of an authority's certificate: one RSA certificate of 4096 bits with long names fits.
pub const CA_MAX: usize = 4 * 1024;

/// Elements of a list in a right: all of them stand in each credential and each entry about one.
pub const LIST_MAX: usize = 32;

/// Targets in a policy: each guard holds one stream and a certificate.
pub const TARGETS_MAX: usize = 200;

/// How long access at a target outlives its guard's contact with the broker where the policy does
/// not say: a restart of the broker takes seconds.
pub const GRACE: Lifetime = Lifetime::from_secs(60);

/// The longest that a policy may allow it to.
pub const GRACE_MAX: Lifetime = Lifetime::from_secs(3_600);

/// Problems told at once: more than anybody mends before trying again.
pub const PROBLEMS_MAX: usize = 50;

/// Witnesses in a policy: with the ledger's own, the 16 signatures that every reader of a signed note
/// has to take (C2SP `signed-note`).
pub const WITNESSES_MAX: usize = 15;

/// Bytes of a witness's verifier key: 44 of the key, 10 around it, and the name.
pub const VKEY_MAX: usize = 255;

/// Alert sources in a policy: each has secrets of its own to keep.
pub const SOURCES_MAX: usize = 50;

/// Words of one source for how bad an alert is.
pub const SEVERITY_WORDS_MAX: usize = 32;

/// How long after an alert was resolved its incident closes where the policy does not say: time to
/// look whether it is true, and to say that it stays open.
pub const SOURCE_GRACE: Lifetime = Lifetime::from_secs(10 * 60);
