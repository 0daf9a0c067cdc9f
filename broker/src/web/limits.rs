//! The limits of what is served over HTTPS, each with its reason.

use std::time::Duration;

/// What HTTPS connections are asked to end after: a target asks for keys every few minutes.
pub const AGE: Duration = Duration::from_secs(300);

/// How long one answer may take to begin: all of it is in memory or in a file.
pub const ANSWER: Duration = Duration::from_secs(10);

/// Streams of one HTTP/2 connection at once: a verifier that fetches tiles.
pub const STREAMS: u32 = 64;

/// Bytes of a request's body: every request here is a GET.
pub const BODY_MAX: usize = 1_024;

/// Bytes of a request's header list.
pub const HEADERS_MAX: u32 = 16 * 1024;

/// Files of the ledger for one peer in the long run. A mirror asks for one at a time, and a ledger of
/// a million entries is eight thousand files: two minutes. One peer makes the disk read at most this
/// many bundles a second, which are a quarter of a megabyte each as entries usually are.
pub const FILES_PER_SECOND: u32 = 100;

/// Files of the ledger for one peer at once, after a quiet time: half of what a first copy of a
/// hundred thousand entries takes, and many times what the next one does.
pub const FILES_BURST: u32 = 400;

/// Peers remembered for their rate at once: 64 bytes each, and beyond it those that have been quiet
/// are forgotten.
pub const PEERS_REMEMBERED: usize = 1_000;

/// Bytes of a file that are read at once: a hash tile has 8 KiB, and of an entry bundle (16 MiB at most)
/// one slow reader keeps this much in memory.
pub const CHUNK: usize = 64 * 1024;

/// Larger files that are on their way at once, each with an open file: a mirror fetches one at a time.
pub const LARGE_AT_ONCE: usize = 64;
