//! What the stories share.
//!
//! | module | what |
//! |---|---|
//! | [`world`] | a broker in this process with a clock that is held, and the team enrolled with it |
//! | [`written`] | entries written past the rules, with the ledger's own key |
//! | [`playground`] | the real `glassd` and `glass` as processes in a folder of their own |
//! | [`held`] | the clock that is held, and chance from a seed |
//! | [`https`], [`jwt`] | what a target does: fetch keys, check a token; with code of our own |
//! | [`issuer`], [`nginx`] | a stand-in for the broker as targets see it; a service behind nginx |
//! | [`recorded`] | a receipt without a broker around it |
//! | [`backup`] | a folder that is copied, and put back |
//! | [`skipped`] | stories that cannot be told here are said at the end |
//! | [`sshd`] | a real sshd on loopback |
//! | [`stolen`] | what a thief makes who has the broker's issuing keys |
//! | [`receiver`], [`mailbox`] | who is told of things: by POST, by e-mail |
//! | [`cluster`], [`moto`] | stand-ins for a Kubernetes API server and for AWS |
//! | [`laid`], [`papers`] | what `glass exec` lays for a command; certificates |
//! | [`postgres`] | a PostgreSQL server from Debian, set up as `deploy/postgres` says |
//! | [`wait`] | the one way to wait where nothing tells |

pub mod alerts;
pub mod backup;
pub mod cluster;
pub mod held;
pub mod https;
pub mod issuer;
pub mod jwt;
pub mod laid;
pub mod mailbox;
pub mod moto;
pub mod nginx;
pub mod papers;
pub mod playground;
pub mod postgres;
pub mod receiver;
pub mod recorded;
pub mod rsyslog;
pub mod skipped;
pub mod sshd;
pub mod stolen;
pub mod wait;
pub mod world;
pub mod written;

pub use playground::Playground;
pub use world::World;

/// The example team, as the starter policy has it.
pub const TEAM: [&str; 5] = ["mia", "leon", "founder", "designer", "support"];

/// Every stable reason of a refusal.
pub const REASONS: [&str; 66] = [
    "NO_OPEN_INCIDENT",
    "UNKNOWN_INCIDENT",
    "INCIDENT_CLOSED",
    "UNKNOWN_RIGHT",
    "UNKNOWN_PERSON",
    "UNKNOWN_GRANT",
    "UNKNOWN_TARGET",
    "UNKNOWN_SESSION",
    "NO_SUCH_CREDENTIAL",
    "TARGET_UNAVAILABLE",
    "NOT_ALLOWED",
    "NOT_PERMITTED",
    "NOT_YOURS",
    "NOT_APPROVER",
    "APPROVAL_TOO_EARLY",
    "SELF_APPROVAL",
    "GRANT_WAITING",
    "GRANT_ACTIVE",
    "GRANT_ENDED",
    "TOO_LONG_A_TIME",
    "SENTENCE_CHANGED",
    "SELF_GRANT_DENIED",
    "SELF_GRANT_TOO_EARLY",
    "NOT_CALLER",
    "NO_CALL_WANTED",
    "CALL_RECORDED",
    "CALL_TIME",
    "APPROVED_ALREADY",
    "NOTHING_TO_VETO",
    "NOTHING_TO_HAND_OVER",
    "PERSON_FROZEN",
    "NOT_FROZEN",
    "NOT_ENROLLED",
    "TOKEN_UNKNOWN",
    "TOKEN_EXPIRED",
    "TOKEN_WITHDRAWN",
    "TOKEN_USED",
    "STATEMENT_INVALID",
    "STATEMENT_STALE",
    "STATEMENT_REPLAYED",
    "SIGNATURE_INVALID",
    "WRONG_BROKER",
    "INVALID_TEXT",
    "INVALID_ARGUMENT",
    "TOO_MANY",
    "REVIEW_DEBT",
    "INCIDENT_OPEN",
    "NOTHING_TO_REVIEW",
    "CLOCK_BEHIND",
    "LEDGER_UNAVAILABLE",
    "LEDGER_FULL",
    "NO_CERTIFICATE",
    "CERTIFICATE_INVALID",
    "NOT_FOUND",
    "SHUTTING_DOWN",
    "INTERNAL",
    "INCIDENT_UNCONFIRMED",
    "NOTHING_TO_HOLD",
    "NOT_WITNESSED",
    "UNKNOWN_SOURCE",
    "UNKNOWN_SEVERITY",
    "NO_DRILLS",
    "DRILL_RIGHT",
    "DRILL_RECORD",
    "LEDGER_BEHIND",
    "LEDGER_FORKED",
];
