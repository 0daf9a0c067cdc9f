//! The limits of the use cases, each with its reason.

use std::time::Duration;

use breakglass_domain::Lifetime;

/// Events that are kept in memory for those who follow: whoever is further behind reads the ledger.
/// About a thousand bytes each.
pub const FEED_EVENTS: usize = 4_096;

/// Entries that somebody who is behind reads at once: few enough that thousands may.
pub const FEED_PAGE: usize = 64;

/// Pages of old entries that are read and decoded at once, for everybody together: people look at the
/// past now and then, and one who does so all day must not take the processors from those who decide.
pub const PAGES_AT_ONCE: usize = 2;

/// Grants whose approvers a follower remembers, so that looking through old entries asks the index
/// about each of them once at most.
pub const PINNED_REMEMBERED: usize = 1_000;

/// How long a held grant lives without its holder, where the configuration does not say: a laptop
/// that changes its network is back sooner.
pub const HOLD_GRACE: Duration = Duration::from_secs(60);

/// How long a client certificate lives where the configuration does not say: somebody on holiday
/// comes back to one that still works.
pub const CERTIFICATE_LIFE: Lifetime = Lifetime::from_secs(30 * 24 * 3_600);

/// How far the start of a client certificate is dated back, for laptops whose clock is behind.
pub const CERTIFICATE_BACKDATED: Lifetime = Lifetime::from_secs(300);

/// How long a question waits for the index to have what was just recorded. It is usually
/// milliseconds behind; after a rebuild it may be minutes, and nobody waits for that.
pub const INDEX_WAIT: Duration = Duration::from_secs(5);

/// How long an answer that can do without it waits for the index.
pub const INDEX_PATIENCE: Duration = Duration::from_millis(500);

/// Bytes of chance in the secret of an invitation: 192 bits cannot be guessed.
pub const TOKEN_BYTES: usize = 24;

/// Bytes of a certificate's serial number (RFC 5280 section 4.1.2.2 allows 20).
pub const SERIAL_BYTES: usize = 16;

/// Grants shown with an incident; the rest is listed page by page.
pub const GRANTS_OF_INCIDENT: usize = 1_000;

/// Bytes of entries in one page or one message of an export: below the 4 MiB that gRPC clients take
/// by default.
pub const PAGE_BYTES: usize = 3 * 1024 * 1024;

/// Entries that are read for one page to look for what somebody typed: each takes some microseconds to
/// decode. Then the page ends, and whoever wants to look on asks for the next.
pub const TEXTS_A_PAGE: usize = 2_000;

/// Entries that the ledger reads from its disk at once, whichever of them are wanted.
pub const BUNDLE: u64 = 256;

/// How long a credential that needs witnesses waits for them: each answers in a fraction of a second,
/// or is asked in vain for longer than somebody waits who has to mend something.
pub const WITNESS_PATIENCE: Duration = Duration::from_secs(5);

/// Entries in one message of an export.
pub const EXPORT_PAGE: usize = 256;

/// How long an index may be behind the ledger before `glass status` says so, in entries.
pub const INDEX_LAG_TOLD: u64 = 10_000;

/// Heads of other histories that are remembered until the next start, so that each is put on record with
/// its signature once: a team has fewer laptops.
pub const OTHER_HISTORIES: usize = 64;

/// For how long the status tells of alerts that were refused: whoever is woken an hour later looks elsewhere.
pub const UNHEARD_TOLD: Lifetime = Lifetime::from_secs(3_600);

/// How many of one source are counted: more say nothing more.
pub const UNHEARD_MOST: usize = 100;

/// How long AWS keeps a session at most, where the role is as docs/targets/aws.md wants it: the
/// shortest that a role's longest session can be.
pub(super) const AWS_SESSION: Lifetime = Lifetime::from_secs(3_600);
