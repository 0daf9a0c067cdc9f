//! A tick that the ledger's key was seen to have signed.

use breakglass_proto::tick::{self, Tick};
use breakglass_tlog::note::NoteError;
use breakglass_tlog::{Note, VerifierKey};

/// The broker's tick, verified. Who relayed it does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTick(Tick);

/// Why a tick is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TickError {
    /// No signed note, or not signed by the ledger's key.
    #[error("the tick is not signed by the ledger's key: {0}")]
    Note(#[from] NoteError),
    /// The ledger's key signed it, and it is no tick: a checkpoint, for example.
    #[error(transparent)]
    Text(#[from] tick::TickError),
    /// Of another ledger than the key's.
    #[error("the tick is of another ledger than its key")]
    Origin,
    /// Made before one that was heard already.
    #[error("the tick is older than one that was heard already")]
    Older,
    /// Two ticks that one append-only ledger cannot have made.
    #[error(
        "the ledger went back: a later tick has fewer entries, or other ones; do not trust this \
         broker until somebody has looked"
    )]
    Rewritten,
}

impl SignedTick {
    /// Reads a signed note and checks that it is a tick, signed by `key`, whose name is the origin.
    ///
    /// # Errors
    /// [`TickError`]; the signature is checked before the text is looked at.
    pub fn verify(note: &str, key: &VerifierKey) -> Result<Self, TickError> {
        let note = Note::parse(note)?;
        note.verify(key)?;
        let tick = Tick::decode(note.text())?;
        if tick.origin != key.name().as_str() {
            return Err(TickError::Origin);
        }
        Ok(Self(tick))
    }

    /// What it says.
    #[must_use]
    pub fn tick(&self) -> &Tick {
        &self.0
    }

    /// Whether `next` can be a later tick of the same ledger.
    pub(super) fn demand_later(&self, next: &Self) -> Result<(), TickError> {
        let (last, next) = (&self.0, &next.0);
        if next.at < last.at {
            return Err(TickError::Older);
        }
        let same_root = next.size > last.size || next.root == last.root;
        if next.size < last.size || !same_root {
            return Err(TickError::Rewritten);
        }
        Ok(())
    }
}
