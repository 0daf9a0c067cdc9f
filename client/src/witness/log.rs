//! One ledger, as its witness knows it.
//!
//! Its file is three lines of text, and the newest checkpoint behind them where there is one:
//!
//! ```text
//! breakglass-witness/v1
//! example.com/ledger+ec4d6e6d+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs
//! cosigned 3
//! example.com/ledger
//! 3
//! Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=
//!
//! — example.com/ledger 7E1ubTHuko+80HkhkUcwUuzltYFmyFapf8y3cVy7h2aEf/0+lU/qAk8+5okNDHjn54OYA8yI...
//! ```
//!
//! The third line is `cosigned nothing` where nothing was; so a file that was cut short is damage,
//! and never a ledger of which nothing was signed.

use std::fmt;

use breakglass_tlog::{
    AddCheckpoint, Hash, Note, SignedCheckpoint, VerifierKey, checkpoint::CheckpointError,
    note::NoteError, note::SignatureType,
};

use super::answer::Refused;
use super::limits::LOG_BYTES;

const HEADER: &str = "breakglass-witness/v1";
const NOTHING: &str = "cosigned nothing";

/// A ledger's key, and the newest checkpoint that was signed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    key: VerifierKey,
    newest: Option<SignedCheckpoint>,
}

impl Log {
    /// One of which nothing was signed yet.
    ///
    /// # Errors
    /// Where the key is not one that signs checkpoints.
    pub(super) fn new(key: VerifierKey) -> Result<Self, &'static str> {
        if key.kind() != SignatureType::Ed25519 {
            return Err("it is no key of a ledger (Ed25519, type 0x01)");
        }
        Ok(Self { key, newest: None })
    }

    /// The key.
    pub(super) fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The name, which is that of its key.
    pub(super) fn origin(&self) -> &str {
        self.key.name().as_str()
    }

    /// Entries in it; 0 where there is none.
    pub(super) fn size(&self) -> u64 {
        self.newest.as_ref().map_or(0, SignedCheckpoint::size)
    }

    /// Whether what is offered goes on from what was signed, in the order of checks of the
    /// specification: the ledger as it then is, to be made durable before anything is signed.
    pub(super) fn judge(&self, asked: &AddCheckpoint) -> Result<Self, Refused> {
        let offered = self.verified(&asked.note)?;
        if asked.old > offered.size() {
            let why = "the old size is above that of the checkpoint";
            return Err(Refused::Malformed(why.to_owned()));
        }
        let (size, root) = match &self.newest {
            Some(newest) => (newest.size(), newest.root()),
            None => (0, Hash::EMPTY_TREE),
        };
        if asked.old != size {
            return Err(Refused::Conflict(size));
        }
        if offered.size() == size && offered.root() != root {
            return Err(Refused::Fork(size));
        }
        let proof = asked.proof_to(offered.size());
        proof
            .verify(&root, &offered.root())
            .map_err(|_| Refused::Unproven)?;
        Ok(Self {
            key: self.key.clone(),
            newest: Some(offered),
        })
    }

    /// The checkpoint with the ledger's own signatures and nobody else's.
    fn verified(&self, note: &str) -> Result<SignedCheckpoint, Refused> {
        let malformed = |why: &dyn fmt::Display| Refused::Malformed(why.to_string());
        let read = Note::parse(note).map_err(|why| malformed(&why))?;
        let own = read
            .signatures()
            .iter()
            .filter(|line| line.claims(&self.key));
        let own: String = own.take(1).map(|line| format!("{line}\n")).collect();
        if own.is_empty() {
            return Err(Refused::NotSigned);
        }
        // Of all it bears: one that is false spoils the note.
        read.verify(&self.key).map_err(|_| Refused::NotSigned)?;
        let note = format!("{}\n{own}", read.text());
        if note.len() + 1_024 > LOG_BYTES {
            return Err(Refused::Malformed("the checkpoint is too long".to_owned()));
        }
        SignedCheckpoint::verify(&note, &self.key).map_err(|why| match why {
            CheckpointError::Note(NoteError::NotSigned { .. } | NoteError::BadSignature { .. }) => {
                Refused::NotSigned
            }
            why => malformed(&why),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(4, '\n');
        let mut line = || parts.next().unwrap_or_default();
        if line() != HEADER {
            return Err(format!("it does not begin with `{HEADER}`"));
        }
        let key = VerifierKey::parse(line()).map_err(|why| why.to_string())?;
        let (cosigned, note) = (line(), line());
        let log = Self::new(key)?;
        if cosigned == NOTHING {
            return match text.ends_with(&format!("{NOTHING}\n")) {
                true => Ok(log),
                false => Err("it goes on after saying that nothing was cosigned".to_owned()),
            };
        }
        let newest = SignedCheckpoint::verify(note, &log.key)
            .map_err(|why| format!("what was cosigned cannot be read: {why}"))?;
        if cosigned != format!("cosigned {}", newest.size()) {
            return Err("it says another size than its checkpoint".to_owned());
        }
        Ok(Self {
            newest: Some(newest),
            ..log
        })
    }
}

/// Writes the file.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\n{}", self.key)?;
        match &self.newest {
            None => writeln!(f, "{NOTHING}"),
            Some(newest) => write!(f, "cosigned {}\n{}", newest.size(), newest.note()),
        }
    }
}
