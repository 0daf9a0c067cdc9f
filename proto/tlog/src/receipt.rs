//! The receipt: proof, as a value, that an entry is in the ledger.

use std::sync::Arc;

use crate::{Hash, InclusionProof, SignedCheckpoint, limits::MAX_ENTRY_BYTES, proof::ProofError};

/// An entry that was proven to be in the ledger, under a checkpoint the ledger signed.
///
/// The only way to have one is [`Receipt::verify`]. A function that takes a `Receipt` therefore
/// cannot be called for an entry that was not recorded: "no entry, no credential" is held by the
/// compiler. Cloning copies three pointers.
///
/// It cannot be made by hand:
///
/// ```compile_fail,E0451
/// use std::sync::Arc;
/// use breakglass_tlog::{InclusionProof, Receipt, SignedCheckpoint};
///
/// fn forge(proof: InclusionProof, checkpoint: Arc<SignedCheckpoint>) -> Receipt {
///     let entry: Arc<[u8]> = b"{}".as_slice().into();
///     Receipt { entry, proof: Arc::new(proof), checkpoint }
/// }
/// ```
///
/// Neither can the signed checkpoint it rests on:
///
/// ```compile_fail,E0451
/// use breakglass_tlog::{Checkpoint, KeyId, SignedCheckpoint};
///
/// fn forge(checkpoint: Checkpoint, key_id: KeyId) -> SignedCheckpoint {
///     SignedCheckpoint { checkpoint, key_id, note: "".into() }
/// }
/// ```
///
/// The honest way, as the ledger does it for each batch and the client for each answer:
///
/// ```
/// use std::sync::Arc;
/// use breakglass_tlog::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let signer = Ed25519Signer::from_seed(KeyName::parse("example.com/ledger")?, &[7; 32])?;
/// let entry = b"{\"grant\":\"G-45\"}";
///
/// let mut tree = StoredHashes::new();
/// tree.push(Hash::of_leaf(entry));
/// let root = tree::tree_hash(1, &tree)?;
/// let head = Checkpoint::new("example.com/ledger", 1, root)?;
/// let signed = Arc::new(SignedCheckpoint::sign(&head, &signer)?);
///
/// let proof = tree::prove_inclusion(0, 1, &tree)?;
/// let receipt = Receipt::verify(entry.as_slice(), proof, &signed)?;
/// assert_eq!(receipt.entry(), entry);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    entry: Arc<[u8]>,
    proof: Arc<InclusionProof>,
    checkpoint: Arc<SignedCheckpoint>,
}

/// Why there is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// No ledger can hold an entry of this length.
    #[error("an entry of {0} bytes is too long")]
    EntryTooLong(usize),
    /// The proof is for a tree of another size than the checkpoint: ask for a matching pair.
    #[error("the proof is for a tree of size {proof}, the checkpoint of size {checkpoint}")]
    SizeMismatch {
        /// The size in the proof.
        proof: u64,
        /// The size in the checkpoint.
        checkpoint: u64,
    },
    /// The entry is not in the ledger, at least not there.
    #[error("the entry is not proven to be in the ledger")]
    NotIncluded(#[from] ProofError),
}

impl Receipt {
    /// Checks that the entry is in the ledger at `proof.index` under the signed checkpoint.
    ///
    /// Verify one checkpoint for a batch and make many receipts against it: each costs one hash of
    /// the entry and one for each level of the tree.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`].
    pub fn verify(
        entry: impl Into<Arc<[u8]>>,
        proof: InclusionProof,
        checkpoint: &Arc<SignedCheckpoint>,
    ) -> Result<Self, ReceiptError> {
        let entry = entry.into();
        if entry.len() > MAX_ENTRY_BYTES {
            return Err(ReceiptError::EntryTooLong(entry.len()));
        }
        if proof.size != checkpoint.size() {
            return Err(ReceiptError::SizeMismatch {
                proof: proof.size,
                checkpoint: checkpoint.size(),
            });
        }
        proof.verify(&Hash::of_leaf(&entry), &checkpoint.root())?;
        Ok(Self {
            entry,
            proof: Arc::new(proof),
            checkpoint: Arc::clone(checkpoint),
        })
    }

    /// Where in the ledger the entry is, counted from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.proof.index
    }

    /// The bytes of the entry.
    #[must_use]
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// The bytes of the entry, to be kept.
    #[must_use]
    pub fn shared_entry(&self) -> Arc<[u8]> {
        Arc::clone(&self.entry)
    }

    /// The checkpoint the entry was proven under.
    #[must_use]
    pub fn checkpoint(&self) -> &Arc<SignedCheckpoint> {
        &self.checkpoint
    }

    /// The proof, to pass on to whoever wants to check for themselves.
    #[must_use]
    pub fn proof(&self) -> &InclusionProof {
        &self.proof
    }
}
