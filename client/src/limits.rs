//! Every limit of the client, each with its reason. What a person types is checked here before it
//! is signed, with the same numbers as the broker's, so that a slip costs no round trip.

use std::time::Duration;

use jiff::SignedDuration;

/// How long AWS keeps a session at most, where the role is as docs/targets/aws.md wants it: the
/// shortest that a role's longest session can be.
pub const AWS_SESSION: SignedDuration = SignedDuration::from_hours(1);

/// Most bytes of a reason or of an incident's title: what an approver reads at a glance.
pub const MAX_LINE_BYTES: usize = 500;

/// Most bytes of an incident note: a stack trace's top, not a whole trace.
pub const MAX_NOTE_BYTES: usize = 4_000;

/// Most bytes of a device's name: it stands in a column of `glass people list`.
pub const MAX_DEVICE_BYTES: usize = 64;

/// Most bytes of an id somebody types (`INC-12`, `mia`, `deploy-shop`).
pub const MAX_ID_BYTES: usize = 48;

/// Most bytes of a program's name in a use report, as the contract says.
pub const MAX_PROGRAM_BYTES: usize = 200;

/// Most bytes read from standard input for a note: room for what trimming takes away, and enough to
/// notice that there is more.
pub const MAX_NOTE_INPUT: u64 = 4 * MAX_NOTE_BYTES as u64;

/// Most bytes of one answer: a page of a thousand ledger entries of 60 KiB each.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Most bytes read of a file of our own (settings, certificate, checkpoint): each is a few KiB, and
/// a larger one is not ours.
pub const MAX_OWN_FILE_BYTES: u64 = 1024 * 1024;

/// How long TCP and TLS may take together: a broker further away than this is not reachable.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the broker may take to begin an answer; its own work is one disk write.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// How often a silent connection is asked whether it still lives, so that a stream notices a lost
/// network well within the broker's grace of 60 s for held grants.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long that question may stay unanswered.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first pause before a broken stream is opened again; it doubles from here.
pub const FIRST_RETRY: Duration = Duration::from_millis(250);

/// The longest pause before a broken stream is opened again.
pub const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// How often two `glass` that grow the remembered checkpoint at once try again before one gives up:
/// each try that fails means another one succeeded.
pub const MAX_CHECKPOINT_RACES: usize = 16;

/// Most bytes of an answer of AWS STS: real ones are below 4 KiB.
pub const MAX_STS_ANSWER_BYTES: usize = 64 * 1024;

/// How long the call to AWS STS may take in all: an SDK waits for it, and a person for the SDK.
pub const STS_TIMEOUT: Duration = Duration::from_secs(15);

/// Most bytes of a bundle of authorities: the usual one of all public ones is 220 KiB.
pub const MAX_BUNDLE_BYTES: u64 = 4 * 1024 * 1024;

/// Most bytes of what kubectl tells a plugin: it carries a cluster's CA, at most a few.
pub const MAX_EXEC_INFO_BYTES: usize = 1024 * 1024;

/// How far a statement's time may be from its entry's: the broker refuses what is further.
pub const STATEMENT_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How much later than its entry what only ends something may be signed: the broker takes it so
/// while its clock is behind its ledger.
pub const STATEMENT_SKEW_BEHIND: SignedDuration = SignedDuration::from_hours(24);

/// How long after the end of its grant a session may be recorded that was let in while the broker was
/// out of reach, as the broker takes it.
pub const LATE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How long before it is recorded a call may have been; the broker's `CALL_WITHIN`.
pub const CALL_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// How many entries before its own a checkpoint may end that witnesses are shown to have signed: some
/// seconds of the busiest broker there is.
pub const WITNESSED_WITHIN: usize = 65_536;

/// How many entries before its own place the head of a lost history may end: so many hashes are kept to
/// tell that it is none of the ledger's, two mebibytes.
pub const RESTORED_WITHIN: usize = 65_536;

/// How long the broker remembers a delivery of an alert source, and takes none of the same id.
pub const DELIVERY_REMEMBERED: SignedDuration = SignedDuration::from_hours(2);

/// Grants of one incident that are answered for, as the broker asks.
pub const REVIEWED_GRANTS: usize = 100;

/// Closed incidents of which answers are owed, as the broker counts them.
pub const REVIEWED_INCIDENTS: usize = 200;

/// Entries of an incident that a review reads: a night in which a script asks every few seconds.
pub const REVIEWED_ENTRIES: usize = 20_000;

/// Refusals of the time of an incident that a review reads.
pub const REVIEWED_REFUSALS: usize = 1_000;

/// Most rows of a report's section: what a person reads. The rest is counted, and is in the export.
pub const MAX_FINDINGS: usize = 500;

/// Folders of evidence that a context keeps: the oldest, because the first two heads that contradict each other are
/// the proof, and under a fork that lasts a cron job meets another pair each minute. More than one, so that a second
/// fork is not lost behind the first.
pub const EVIDENCE_KEPT: usize = 64;

/// Heads that others had seen, of which the broker has to prove that they are of this ledger, where entries
/// are read: each is a call, and the newest say most.
pub const HEADS_COMPARED: usize = 8;

/// How many of the newest entries from before are looked at for such heads where the ledger is followed from
/// an older one on.
pub const FOLLOWED_BACK: u64 = 32;

/// How many grants a report draws: what auditors usually take of a population of this size.
pub const SAMPLE_SIZE: usize = 25;

/// How many of the slowest endings and of the longest grants a report lists.
pub const SLOWEST: usize = 25;

/// Most entries that a report names of one grant: a use is an entry, and somebody may use it all night.
pub const MAX_LIFE_ENTRIES: usize = 64;

/// Entries that the story of one grant is checked from: a long night of a whole team. Each brings a proof.
pub const STORY_ENTRIES: usize = 10_000;

/// Starts of the broker that are looked through for the first that says which rules it holds: of a broker
/// of this release the very first does.
pub const STORY_STARTS: usize = 1_000;

/// Incidents whose entries that takes: those that one freeze or removal touched together.
pub const STORY_INCIDENTS: usize = 32;

/// Closed incidents looked back through for answers that were late when a grant began: two questions each.
pub const STORY_DEBTS: usize = 50;

/// Most open reviews that a report keeps in memory to name them.
pub const MAX_OWED: usize = 5_000;
/// How long one file of the ledger may take to come: an entry bundle has 16 MiB at most.
pub const FILE_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest that is waited where the broker says "later": it says a second.
pub const LONGEST_LATER: Duration = Duration::from_secs(30);

/// How often one file is asked for again where the broker says "later": others may take what there is,
/// and a mirror has time.
pub const MAX_LATERS: usize = 20;

/// In milliseconds: a broker asks others within so long of the time it was to, or was away; see
/// docs/ledger-format.md.
pub(crate) const ESCALATES_WITHIN: i64 = 10_000;

/// How many rules this verifier holds a ledger to once a broker has said that it does; see
/// docs/ledger-format.md, `broker.started`.
pub(crate) const RULES_KNOWN: i64 = 2;
