//! What is compared of a ledger: how long it was once, and the root then.

use breakglass_tlog::{Hash, SignedCheckpoint};

/// The head of a tree that the ledger's key has signed: a checkpoint's, or a tick's.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The signed note.
    pub note: &'a str,
}

impl<'a> From<&'a SignedCheckpoint> for Head<'a> {
    fn from(checkpoint: &'a SignedCheckpoint) -> Self {
        Self {
            size: checkpoint.size(),
            root: checkpoint.root(),
            note: checkpoint.note(),
        }
    }
}
