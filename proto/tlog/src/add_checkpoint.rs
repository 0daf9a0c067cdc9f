//! What a witness is asked (C2SP `tlog-witness`, "add-checkpoint").
//!
//! ```text
//! old 20852014
//! PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
//! jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
//!
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q...
//! ```

use std::fmt;

use crate::{
    ConsistencyProof, Hash,
    decimal::parse_decimal,
    limits::{MAX_NOTE_BYTES, MAX_TREE_SIZE, MAX_WITNESS_PROOF_HASHES},
};

/// What a witness answers a 409 with: the size it has cosigned, in decimal, and a newline.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// A new checkpoint for a witness, and the proof that it goes on from the one before.
///
/// Nothing in it is believed: the note may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size the witness is thought to have cosigned last; 0 for none.
    pub old: u64,
    /// From there to the checkpoint; empty where `old` is 0.
    pub proof: Vec<Hash>,
    /// The checkpoint: a signed note.
    pub note: String,
}

/// Why a body is no such request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a request to add a checkpoint: {0}")]
pub struct Malformed(&'static str);

impl AddCheckpoint {
    /// Reads the body of a request; the checkpoint in it is not looked at.
    ///
    /// # Errors
    ///
    /// [`Malformed`] unless the body is the one way to write this request.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let (head, note) = body
            .split_once("\n\n")
            .ok_or(Malformed("no empty line before the checkpoint"))?;
        if note.len() > MAX_NOTE_BYTES {
            return Err(Malformed("the checkpoint is too long"));
        }
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(parse_decimal)
            .filter(|old| *old <= MAX_TREE_SIZE)
            .ok_or(Malformed("the first line is not `old` and a size"))?;
        let proof: Vec<_> = lines
            .take(MAX_WITNESS_PROOF_HASHES + 1)
            .map(|line| Hash::from_base64(line).map_err(|_| Malformed("a proof line is no hash")))
            .collect::<Result<_, _>>()?;
        if proof.len() > MAX_WITNESS_PROOF_HASHES {
            return Err(Malformed("the proof has more than 63 lines"));
        }
        Ok(Self {
            old,
            proof,
            note: note.to_owned(),
        })
    }

    /// The proof, as one for a checkpoint of this size.
    #[must_use]
    pub fn proof_to(&self, new: u64) -> ConsistencyProof {
        ConsistencyProof {
            old: self.old,
            new,
            hashes: self.proof.clone(),
        }
    }
}

/// Writes the body of the request.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

/// The size in the body of a 409; nothing where it is none.
#[must_use]
pub fn parse_size(body: &str) -> Option<u64> {
    parse_decimal(body.strip_suffix('\n')?).filter(|size| *size <= MAX_TREE_SIZE)
}
