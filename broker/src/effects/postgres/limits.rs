//! The limits of what is done in a PostgreSQL server, each with its reason.

use std::time::Duration;

/// From the first packet to the end of the log-in. A server in reach takes a hundredth of it; the
/// person who waits for a credential is told soon where there is none.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// What the server gives one statement (`statement_timeout`). Handing over thousands of objects takes
/// seconds.
pub(super) const STATEMENT: Duration = Duration::from_secs(20);

/// How long a statement waits for somebody else's lock (`lock_timeout`): a table that is being read
/// cannot be handed over. Short, because everybody behind us waits for it too; it is tried again.
pub(super) const LOCK: Duration = Duration::from_secs(3);

/// How long we wait for an answer. Above [`STATEMENT`], so that the server speaks first.
pub(super) const ANSWER: Duration = Duration::from_secs(25);

/// How long a connection outlives a server that acknowledges nothing (`TCP_USER_TIMEOUT`).
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// How long sessions that are told to end may take. They end within milliseconds, unless one is stuck
/// in the kernel or in an extension that does not listen.
pub(super) const SESSIONS_END: Duration = Duration::from_secs(10);

/// How often is looked whether they have: nothing tells. A tenth of what a person would notice.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A log-in that passed the check of LOGIN just before it was taken away shows in `pg_stat_activity`
/// a few milliseconds later. Nobody drops the role before this has passed and nobody is there.
pub(super) const LOGINS_SETTLE: Duration = Duration::from_millis(100);

/// Connections at once for what somebody waits for: making a role, ending sessions.
pub(super) const URGENT_AT_ONCE: usize = 6;

/// The same for handing over and dropping, which may wait for locks, and takes two each where things
/// are owned in another database. Together with [`URGENT_AT_ONCE`] below the role's CONNECTION LIMIT
/// of `deploy/postgres/setup.sql`.
pub(super) const CLEANING_AT_ONCE: usize = 2;

/// Sessions of one grant's role at once: a shell or two and a migration tool with a few connections,
/// not an application.
pub(super) const SESSIONS: i32 = 10;

/// How often what a role owns is looked for again, where something new was found when it should be
/// dropped.
pub(super) const ROUNDS: usize = 3;

/// Bytes of a name (`NAMEDATALEN` - 1). The server cuts a longer one, and then it is another's.
pub(super) const NAME_BYTES: usize = 63;

/// Bytes of the file with the broker's own password.
pub(super) const PASSWORD_FILE_BYTES: u64 = 1_024;

/// Bytes of chance in a password: 192 bits, so that its verifier in a server's log gives nothing away.
pub(super) const PASSWORD_BYTES: usize = 24;

/// PBKDF2 rounds of a verifier: what PostgreSQL itself uses (`scram_iterations`), and with 192 bits of
/// chance more would add nothing but time.
pub(super) const SCRAM_ROUNDS: u32 = 4_096;

/// Bytes of the salt of a verifier, as PostgreSQL's own.
pub(super) const SALT_BYTES: usize = 16;

/// Characters of a server's text that are passed on: more is not read by anybody.
pub(super) const TEXT_CHARS: usize = 300;

/// Roles that are listed at once. More than this are a fault of ours, and are found next time.
pub(super) const ROLES_LISTED: i64 = 10_000;
