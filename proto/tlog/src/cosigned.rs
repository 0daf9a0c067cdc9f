//! Checkpoints that enough witnesses have signed too (C2SP `tlog-cosignature`).
//!
//! A witness says that a checkpoint goes on from every one it has seen before. A history that needs
//! `k` of them cannot be shown in two versions unless `k` of them, or enough to make up two
//! quorums, help with it.

use std::fmt;

use crate::{
    SignedCheckpoint,
    checkpoint::CheckpointError,
    limits::MAX_COSIGNERS,
    note::{KeyId, KeyName, Note, NoteError, SignatureType, VerifierKey},
};

/// So many of these witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    need: usize,
    keys: Vec<VerifierKey>,
}

/// Why witnesses make no quorum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// Nobody, more than there are, or more than a note can bear.
    #[error("{need} of {of} witnesses is no quorum")]
    Count {
        /// How many are needed.
        need: usize,
        /// How many there are.
        of: usize,
    },
    /// A key of another algorithm: nothing here can verify what it signs.
    #[error(
        "{name}+{key_id} is no key of a witness whose cosignatures can be verified here: {why}"
    )]
    Unverifiable {
        /// The name of that key.
        name: KeyName,
        /// The id of that key.
        key_id: KeyId,
        /// What it is.
        why: &'static str,
    },
    /// One witness under two names, or the ledger itself: it would count twice.
    #[error("{name} has the same public key as another, and would count twice")]
    Twice {
        /// The second of them.
        name: KeyName,
    },
}

impl Quorum {
    /// `need` of these.
    ///
    /// # Errors
    ///
    /// [`QuorumError`].
    pub fn new(need: usize, keys: Vec<VerifierKey>) -> Result<Self, QuorumError> {
        let of = keys.len();
        if need == 0 || need > of || of > MAX_COSIGNERS {
            return Err(QuorumError::Count { need, of });
        }
        for (place, key) in keys.iter().enumerate() {
            check_cosigner(key)?;
            let same = |other: &VerifierKey| {
                other.public_key() == key.public_key() || other.name() == key.name()
            };
            if keys[..place].iter().any(same) {
                let name = key.name().clone();
                return Err(QuorumError::Twice { name });
            }
        }
        Ok(Self { need, keys })
    }

    /// How many are needed.
    #[must_use]
    pub fn need(&self) -> usize {
        self.need
    }

    /// Who they are.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }
}

/// Checks that a key is one of a witness whose cosignatures this crate can verify.
///
/// # Errors
///
/// [`QuorumError::Unverifiable`].
pub fn check_cosigner(key: &VerifierKey) -> Result<(), QuorumError> {
    let why = match key.kind() {
        SignatureType::CosignatureV1 => return Ok(()),
        SignatureType::MlDsa44Cosignature => "it is for ML-DSA-44, which is not verified yet",
        SignatureType::Ed25519 => "it is for plain signatures (0x01), as of a ledger",
        SignatureType::Unknown(_) => "its type is not known",
    };
    Err(QuorumError::Unverifiable {
        name: key.name().clone(),
        key_id: key.key_id(),
        why,
    })
}

/// One witness's word on a checkpoint, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Who.
    pub name: KeyName,
    /// With which key.
    pub key_id: KeyId,
    /// When it says it signed, in seconds since 1970-01-01 UTC, by its own clock.
    pub seconds: u64,
}

/// A checkpoint that the ledger and a quorum of witnesses were seen to have signed.
///
/// The only way to have one is [`Cosigned::verify`]; it cannot be made by hand:
///
/// ```compile_fail,E0451
/// use breakglass_tlog::{Cosigned, SignedCheckpoint};
///
/// fn forge(checkpoint: SignedCheckpoint) -> Cosigned {
///     Cosigned { checkpoint, cosignatures: Vec::new() }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    checkpoint: SignedCheckpoint,
    cosignatures: Vec<Cosignature>,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignedError {
    /// It is none of the ledger's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A line bears the name and id of a witness, and is not by it.
    #[error(transparent)]
    Cosignature(#[from] NoteError),
    /// One of the witnesses is the ledger itself.
    #[error("{0} is the ledger's own key, and no witness to it")]
    OwnKey(KeyName),
    /// Too few of them.
    #[error("{found} of the witnesses have signed it, and {need} are needed")]
    TooFew {
        /// How many have.
        found: usize,
        /// How many are needed.
        need: usize,
    },
}

impl Cosigned {
    /// Reads a note and checks that the ledger and enough of the witnesses signed it. Signatures by
    /// others are ignored; each that bears the name and id of one of these must be right.
    ///
    /// # Errors
    ///
    /// [`CosignedError`].
    pub fn verify(note: &str, key: &VerifierKey, quorum: &Quorum) -> Result<Self, CosignedError> {
        let (checkpoint, cosignatures) = cosignatures(note, key, quorum.keys())?;
        if cosignatures.len() < quorum.need {
            return Err(CosignedError::TooFew {
                found: cosignatures.len(),
                need: quorum.need,
            });
        }
        Ok(Self {
            checkpoint,
            cosignatures,
        })
    }

    /// The checkpoint, in the note with the cosignatures.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Who signed it, in the order of the quorum's keys; one each.
    #[must_use]
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }

    /// Entries in the ledger.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The whole note, with every signature.
    #[must_use]
    pub fn note(&self) -> &str {
        self.checkpoint.note()
    }
}

impl fmt::Display for Cosigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.note())
    }
}

/// Which of these witnesses signed a checkpoint of the ledger: in the order of the keys, one each,
/// with the latest time of theirs.
///
/// # Errors
///
/// [`CosignedError`], but never [`CosignedError::TooFew`].
pub fn cosignatures(
    note: &str,
    ledger: &VerifierKey,
    keys: &[VerifierKey],
) -> Result<(SignedCheckpoint, Vec<Cosignature>), CosignedError> {
    let checkpoint = SignedCheckpoint::verify(note, ledger)?;
    let note = Note::parse(note).map_err(CheckpointError::from)?;
    let mut found = Vec::new();
    for key in keys {
        if key.public_key() == ledger.public_key() {
            return Err(CosignedError::OwnKey(key.name().clone()));
        }
        let mut latest = None;
        for line in note.signatures().iter().filter(|line| line.claims(key)) {
            key.verify(note.text(), line)?;
            latest = latest.max(line.cosigned_at());
        }
        if let Some(seconds) = latest {
            found.push(Cosignature {
                name: key.name().clone(),
                key_id: key.key_id(),
                seconds,
            });
        }
    }
    Ok((checkpoint, found))
}
