//! The measures of a ledger on disk, so that tests can have small ones.

use crate::ledger::limits::{FREE_LOW, RESERVE_BYTES, SEGMENT_BYTES, SEGMENT_ENTRIES};

/// How large things are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Entries, or bytes, after which the journal goes on in a new file.
    pub(super) segment_entries: u64,
    pub(super) segment_bytes: u64,
    pub(super) reserve_bytes: u64,
    pub(super) free_low: u64,
    /// Tiles are written by the writer itself, not by a thread of their own.
    pub(super) inline: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            segment_entries: SEGMENT_ENTRIES,
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: RESERVE_BYTES,
            free_low: FREE_LOW,
            inline: false,
        }
    }
}
