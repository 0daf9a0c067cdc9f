//! A proof as a file to carry around (C2SP `tlog-proof`, version 1).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 1
//! 0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=
//! Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=
//!
//! example.com/ledger
//! 3
//! Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=
//!
//! — example.com/ledger 7E1ubTHuko+80HkhkUcwUuzltYFmyFapf8y3cVy7h2aEf/0+lU/qAk8+5okNDHjn54OYA8yI...
//! ```
//!
//! With the entry beside it, such a file can be checked years later and without a network: by
//! [`TlogProof::receipt`], or by a program we did not write.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    Hash, InclusionProof, Receipt, SignedCheckpoint, VerifierKey,
    checkpoint::CheckpointError,
    decimal::parse_decimal,
    limits::{MAX_PROOF_HASHES, MAX_TLOG_PROOF_BYTES},
    receipt::ReceiptError,
};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Where an entry is in the ledger, how it is included, and the checkpoint; nothing of it verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque bytes that came with the proof. Nothing authenticates them.
    pub extra: Option<Vec<u8>>,
    /// Where in the ledger the entry is, counted from 0.
    pub index: u64,
    /// The inclusion proof, the sibling of the leaf first.
    pub hashes: Vec<Hash>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

/// Why a proof cannot be read or proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// The text is not a proof.
    #[error("not a transparency log proof: {0}")]
    Malformed(&'static str),
    /// The checkpoint in it cannot be believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not the one that was proven.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}

impl TlogProof {
    /// Reads a proof, without believing it.
    ///
    /// # Errors
    ///
    /// [`TlogProofError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > MAX_TLOG_PROOF_BYTES {
            return Err(TlogProofError::Malformed("too many bytes"));
        }
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(TlogProofError::Malformed("no blank line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::Malformed("another format or version"));
        }
        let extra = lines.peek().and_then(|line| line.strip_prefix("extra "));
        let extra = extra.map(parse_extra).transpose()?;
        if extra.is_some() {
            lines.next();
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(parse_decimal)
            .ok_or(TlogProofError::Malformed("no index"))?;
        let hashes: Vec<_> = lines
            .take(MAX_PROOF_HASHES + 1)
            .map(Hash::from_base64)
            .collect::<Result<_, _>>()
            .map_err(|_| TlogProofError::Malformed("a line that is no hash"))?;
        if hashes.len() > MAX_PROOF_HASHES {
            return Err(TlogProofError::Malformed("too many hashes"));
        }
        Ok(Self {
            extra,
            index,
            hashes,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Checks that `entry` is in the ledger that `key` signs for.
    ///
    /// # Errors
    ///
    /// [`TlogProofError::Checkpoint`] or [`TlogProofError::Receipt`].
    pub fn receipt(
        self,
        entry: impl Into<Arc<[u8]>>,
        key: &VerifierKey,
    ) -> Result<Receipt, TlogProofError> {
        let checkpoint = Arc::new(SignedCheckpoint::verify(&self.checkpoint, key)?);
        Ok(self.receipt_under(entry, &checkpoint)?)
    }

    /// Checks that `entry` is in the ledger under the checkpoint of this proof, which was verified
    /// before: by witnesses too, for example.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`].
    pub fn receipt_under(
        self,
        entry: impl Into<Arc<[u8]>>,
        checkpoint: &Arc<SignedCheckpoint>,
    ) -> Result<Receipt, ReceiptError> {
        let proof = InclusionProof {
            index: self.index,
            size: checkpoint.size(),
            hashes: self.hashes,
        };
        Receipt::verify(entry, proof, checkpoint)
    }
}

impl From<&Receipt> for TlogProof {
    fn from(receipt: &Receipt) -> Self {
        Self {
            extra: None,
            index: receipt.index(),
            hashes: receipt.proof().hashes.clone(),
            checkpoint: receipt.checkpoint().note().to_owned(),
        }
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn parse_extra(base64: &str) -> Result<Vec<u8>, TlogProofError> {
    BASE64
        .decode(base64)
        .map_err(|_| TlogProofError::Malformed("extra data that is not base64"))
}
