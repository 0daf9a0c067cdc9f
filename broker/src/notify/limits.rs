//! The limits of telling people, each with its reason.

use std::time::Duration;

use breakglass_domain::Lifetime;

/// Notices of one destination that are told at once: each of two couriers has one, and a herald has one.
pub(super) const TOLD_AT_ONCE: usize = 3;

/// Notices by e-mail of which it is remembered who has them: those that are told at once, and of the others the
/// newest, so that nobody gets one again where its place cannot be written or it was given up on.
pub(super) const TELLINGS_REMEMBERED: usize = TOLD_AT_ONCE + 5;

/// How often a POST that is refused for what it says (400, 413, 422) is tried before only the place of
/// its entry is sent: about a minute, in which a receiver that is started anew is well again.
pub(super) const CONTENT_TRIES: u32 = 7;

/// The pause after the first failure: what fails once is often a restart, over in a second.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: an operator who has mended it sees it work within a minute.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How old a notice gets before it is folded with others that are as old: what is known since the
/// last shift is looked up, not read notice by notice.
pub const NOTICE_PATIENCE: Lifetime = Lifetime::from_secs(6 * 3_600);

/// How long a destination fails before `glass status` says so: longer than a restart of a mail server.
pub(super) const FAILURE_TOLD: Duration = Duration::from_secs(5 * 60);

/// How many entries that concern nobody are passed before their place is written: reading so many
/// again after a crash takes milliseconds.
pub(super) const PASSED_UNWRITTEN: u64 = 1_024;

/// How long after an all-clear the same trouble is not told again: a disk at its limit comes and
/// goes by the minute.
pub(super) const TROUBLE_PAUSE: Duration = Duration::from_secs(10 * 60);

/// How long looking a name up may take, then connecting, then TLS.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// How long a webhook has to answer altogether; Slack wants to be given some seconds.
pub(super) const ANSWER: Duration = Duration::from_secs(20);

/// How long an SMTP server has for one message: RFC 5321 section 4.5.3.2 allows minutes, and
/// greylisting and content filters take some seconds.
pub(super) const MAIL: Duration = Duration::from_secs(60);

/// How many times in a row an address may be put off before a notice goes on without it: with the pauses
/// between, two minutes, in which a busy mailbox is done. Greylisting wants more, and full ones days, and
/// everybody else is told nothing new meanwhile.
pub(super) const MAIL_TRIES: u32 = 8;

/// Messages that are sent at once, by each courier of a destination: small servers take ten connections of
/// one client, and a notice to twenty people is out before anybody has read it.
pub(super) const MAIL_AT_ONCE: usize = 4;

/// How long the last ones under way have, where somebody else has the notice and they took none for long:
/// what comes next is held up for no longer.
pub(super) const MAIL_LEFT: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read: only its status counts.
pub(super) const ANSWER_BYTES: usize = 4 * 1_024;

/// Addresses of one name that are tried.
pub(super) const ADDRESSES: usize = 4;

/// Bytes of a file with a secret: a URL is the longest of them.
pub(super) const SECRET_BYTES: u64 = 4 * 1_024;

/// Bytes of a file with a private key: PEM of RSA with 8192 bits, twice.
pub(super) const KEY_BYTES: u64 = 16 * 1_024;

/// Entries that are sent together: a destination that was away for a week is told in minutes, and one
/// failure repeats no more than these.
pub(super) const BATCH_ENTRIES: u64 = 256;

/// Bytes of entries that are sent together, where there are several. In OCSF they are escaped once more
/// and have their fields beside them: below the 1 MiB that many collectors take.
pub(super) const BATCH_BYTES: usize = 256 * 1_024;

/// How old the oldest entry that was not sent gets before `glass status` says so, although nothing
/// fails: sending everything of a week takes minutes.
pub(super) const LAG_TOLD: Lifetime = Lifetime::from_secs(10 * 60);

/// How often is looked whether a connection is over on both sides: it takes one way there and back.
pub(super) const OVER: Duration = Duration::from_millis(2);

/// Bytes of the shortest secret that signs: 128 bits cannot be guessed.
pub(super) const SECRET_LEAST: usize = 16;

/// Bytes of a bundle of authorities; those of all the world have a quarter of that.
pub(super) const BUNDLE_BYTES: u64 = 2 * 1_024 * 1_024;

/// Characters of a subject: what most mail programs show.
pub(super) const SUBJECT_CHARS: usize = 160;

/// Bytes of a file with a place: a number and the name of a ledger.
pub(super) const PLACE_BYTES: u64 = 1_024;
