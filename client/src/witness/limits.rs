//! The limits of a witness, each with its reason.

use std::time::Duration;

/// Bytes of a request: a proof of 63 lines, and a checkpoint with sixteen post-quantum signatures of
/// 5 kB in base64 (C2SP `signed-note` asks for as many).
pub(super) const BODY_BYTES: usize = 128 * 1024;

/// Bytes of a ledger's file: its key and one checkpoint with one signature take a few hundred; an
/// origin or extension lines may be longer, and what is longer than this is not signed.
pub(super) const LOG_BYTES: usize = 16 * 1024;

/// Ledgers of one witness: each costs a file and a few hundred bytes of memory.
pub(super) const LOGS: usize = 1_000;

/// Connections at once: a broker has one. One more waits in the kernel.
pub(super) const CONNECTIONS: usize = 128;

/// Connections of one address at once.
pub(super) const PER_PEER: usize = 16;

/// How long TLS may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long a header may take, and how long a connection may be silent between two requests.
pub(super) const HEADER: Duration = Duration::from_secs(30);

/// How long a body may take.
pub(super) const BODY: Duration = Duration::from_secs(10);

/// How old a connection gets; then it is asked to end after its answer.
pub(super) const AGE: Duration = Duration::from_secs(600);

/// How long what is under way has at the end.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Requests of one address at once, and then a second: a broker asks for each new checkpoint, at
/// most four times a second.
pub(super) const BURST: u32 = 60;

/// See [`BURST`].
pub(super) const A_SECOND: u32 = 20;

/// How often at most it is said that a proof does not hold: anybody can send one.
pub(super) const WARN_EVERY: Duration = Duration::from_secs(60);

/// Addresses that are remembered for that; who is new beyond them waits until others are forgotten.
pub(super) const PEERS: usize = 4_096;
