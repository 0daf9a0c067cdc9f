//! Signed tree heads (C2SP `tlog-checkpoint`).

use std::{fmt, sync::Arc};

use crate::{
    Hash,
    decimal::parse_decimal,
    limits::MAX_TREE_SIZE,
    note::{KeyId, Note, NoteError, NoteSigner, VerifierKey},
};

/// What a ledger says about itself: so many entries, with this root.
///
/// As text it is three lines or more: the origin, the size in decimal, the root in base64, and
/// any extension lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// Why a checkpoint cannot be read, made or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The text is not a checkpoint, or the parts do not make one.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// The checkpoint is of another ledger than the key.
    #[error("the checkpoint is of {found:?}, the key of {expected:?}")]
    WrongOrigin {
        /// The origin the key stands for, which is its name.
        expected: String,
        /// The origin in the checkpoint.
        found: String,
    },
    /// The note around the checkpoint cannot be read, or the signature is missing or wrong.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// Makes a checkpoint without extension lines, as the specification recommends.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Malformed`] if the origin is not one non-empty line, if the size is
    /// above [`MAX_TREE_SIZE`], or if the size is 0 and the root not [`Hash::EMPTY_TREE`].
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        check_line(origin)?;
        if size > MAX_TREE_SIZE {
            return Err(CheckpointError::Malformed("the size is too large"));
        }
        if size == 0 && root != Hash::EMPTY_TREE {
            return Err(CheckpointError::Malformed(
                "the root of an empty tree is another",
            ));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        })
    }

    /// Sets the extension lines, without newlines.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Malformed`] if one is empty or has control characters.
    pub fn with_extensions<S: Into<String>>(
        mut self,
        lines: impl IntoIterator<Item = S>,
    ) -> Result<Self, CheckpointError> {
        self.extensions = lines.into_iter().map(Into::into).collect();
        self.extensions
            .iter()
            .try_for_each(|line| check_line(line))?;
        Ok(self)
    }

    /// Reads the text of a checkpoint, without signatures.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Malformed`] unless the text is the one way to write this checkpoint.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text
            .strip_suffix('\n')
            .ok_or(CheckpointError::Malformed("no newline at the end"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Malformed("fewer than three lines"));
        };
        let size =
            parse_decimal(size).ok_or(CheckpointError::Malformed("the size is not a number"))?;
        let root = Hash::from_base64(root)
            .map_err(|_| CheckpointError::Malformed("the root is no hash"))?;
        Self::new(origin, size, root)?.with_extensions(lines)
    }

    /// Which ledger this is, such as `example.com/ledger`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Entries in the ledger.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of those entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Lines after the first three, opaque to this crate.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

/// Writes the text that is signed, with its last newline.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A checkpoint that the ledger's key was seen to have signed, and the note it came in.
///
/// There are two ways to have one: [`verify`](Self::verify) what somebody sent, or
/// [`sign`](Self::sign) as the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    key_id: KeyId,
    note: Arc<str>,
}

impl SignedCheckpoint {
    /// Reads a note and checks that it is a checkpoint signed by `key`, whose name is the origin.
    ///
    /// Signatures by other keys, such as those of witnesses, are kept and ignored.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`]; the signature is checked before the text is looked at.
    pub fn verify(note_text: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(note_text)?;
        note.verify(key)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != key.name().as_str() {
            return Err(CheckpointError::WrongOrigin {
                expected: key.name().to_string(),
                found: checkpoint.origin,
            });
        }
        Ok(Self {
            checkpoint,
            key_id: key.key_id(),
            note: note_text.into(),
        })
    }

    /// Signs a checkpoint with the ledger's key, and verifies what came out: a signature damaged
    /// on the way is caught before anyone relies on it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::WrongOrigin`] if the key has another name than the ledger,
    /// [`CheckpointError::Note`] if the key does not work.
    pub fn sign(
        checkpoint: &Checkpoint,
        signer: &(impl NoteSigner + ?Sized),
    ) -> Result<Self, CheckpointError> {
        let note = Note::sign(&checkpoint.to_string(), signer)?;
        Self::verify(&note.to_string(), signer.verifier())
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Which ledger this is; also the name of its key.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.checkpoint.origin()
    }

    /// Entries in the ledger.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The root of the tree of those entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.checkpoint.root()
    }

    /// The id of the key that was seen to have signed.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The whole note, byte for byte, with every signature: what is stored and passed on.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.note)
    }
}

fn check_line(line: &str) -> Result<(), CheckpointError> {
    if line.is_empty() || line.bytes().any(|byte| byte < b' ') {
        return Err(CheckpointError::Malformed(
            "an empty line or a control character",
        ));
    }
    Ok(())
}
