//! The ledger: events to bytes, bytes to disk, and the one sequencer that decides and appends.
//!
//! | module | what |
//! |---|---|
//! | [`entry`] | an event as one line of JSON, and back |
//! | [`files`] | the ledger on disk; its durability contract stands there |
//! | [`memory`] | the same contract in memory |
//! | [`sequence`] | the one writer: decides, appends, applies, in order |
//! | [`mod@fsck`] | walks everything and says what it checked |

#[cfg(test)]
mod contract;
pub mod entry;
pub mod files;
#[cfg(test)]
mod fixtures;
pub mod fsck;
pub mod limits;
pub mod memory;
pub mod sequence;

use std::sync::Arc;

use breakglass_tlog::{Checkpoint, Hash, NoteSigner, SignedCheckpoint};

use crate::ports::{ENTRY_MAX, LedgerError};

pub use files::FileLedger;
pub use fsck::fsck;
pub use memory::MemoryLedger;
pub use sequence::Sequence;

/// The key that signs checkpoints. Its name is the ledger's origin.
pub type Signer = Arc<dyn NoteSigner + Send + Sync>;

/// How the line that commits a batch begins; no entry may.
const COMMIT_PREFIX: &[u8] = b"{\"commit\":";

/// Whether a ledger can hold these bytes as one entry.
fn admit(entry: &[u8]) -> Result<(), LedgerError> {
    let wrong = match entry {
        [] => "is empty".to_owned(),
        _ if entry.len() > ENTRY_MAX => format!("has {} bytes, over {ENTRY_MAX}", entry.len()),
        _ if entry.contains(&b'\n') => "has a newline within".to_owned(),
        _ if entry.starts_with(COMMIT_PREFIX) => "begins like a commit".to_owned(),
        _ => return Ok(()),
    };
    Err(LedgerError::OutOfRange(format!("the entry {wrong}")))
}

/// Signs the head of a tree, and verifies what came out.
fn sign(signer: &Signer, size: u64, root: Hash) -> Result<Arc<SignedCheckpoint>, LedgerError> {
    let head = Checkpoint::new(signer.name().as_str(), size, root);
    let signed = head.and_then(|head| SignedCheckpoint::sign(&head, &**signer));
    signed
        .map(Arc::new)
        .map_err(|e| LedgerError::Unavailable(format!("no checkpoint was signed: {e}")))
}

/// Whether a tree of `size` entries is within the newest one.
fn within(size: u64, newest: u64) -> Result<(), LedgerError> {
    if size <= newest {
        return Ok(());
    }
    Err(LedgerError::OutOfRange(format!(
        "size {size} is beyond the newest checkpoint, {newest}"
    )))
}
