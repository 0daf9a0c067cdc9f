//! Every limit of the crate, each with its reason.

/// Most leaves a tree may have: 2^63 - 1.
///
/// Programs that read these formats hold sizes in signed 64-bit integers (Go's `sumdb/tlog` is
/// one), and below this bound no shift or sum in this crate can overflow.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// Most hashes in one proof.
///
/// With at most [`MAX_TREE_SIZE`] leaves an inclusion proof has up to 63 hashes, and a consistency
/// proof up to one more.
pub const MAX_PROOF_HASHES: usize = 64;

/// Most hashes a witness is sent with a checkpoint (C2SP `tlog-witness`, "add-checkpoint").
pub const MAX_WITNESS_PROOF_HASHES: usize = 63;

/// Most witnesses a quorum chooses from.
///
/// C2SP `signed-note` asks readers for at least 16 signatures on a note: one is the ledger's own.
pub const MAX_COSIGNERS: usize = 15;

/// Most times a ledger changes its key: each month for eighty years.
pub const MAX_SUCCESSIONS: usize = 1_000;

/// Most signature lines on one note.
///
/// C2SP `signed-note` asks for at least 16; Go's `sumdb/note` stops at 100, and so do we.
pub const MAX_NOTE_SIGNATURES: usize = 100;

/// Most bytes in one note, text and signatures together: 1 MiB.
///
/// A hundred post-quantum signatures of 5 kB take two thirds of it as base64; a checkpoint takes
/// a few hundred bytes.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// Most bytes in one C2SP `tlog-proof`: the largest note, and as much again for the proof and the
/// opaque extra data.
pub const MAX_TLOG_PROOF_BYTES: usize = 2 * MAX_NOTE_BYTES;

/// Most bytes in one ledger entry: what the two-byte length of an entry bundle can say
/// (C2SP `tlog-tiles`, "Log entries").
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Hashes in a full tile, and entries in a full bundle (C2SP `tlog-tiles`: tile height 8).
pub const TILE_WIDTH: u16 = 256;
