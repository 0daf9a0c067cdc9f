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
//! The key is the one it was told first. Those that followed it are beside, in `successions`: what was
//! signed before they did is still by the older ones.
//!
//! The third line is `cosigned nothing` where nothing was; so a file that was cut short is damage,
//! and never a ledger of which nothing was signed.

use std::fmt;

use breakglass_tlog::{
    AddCheckpoint, Hash, LedgerKeys, Note, SignedCheckpoint, Succession, VerifierKey,
    checkpoint::CheckpointError, note::NoteError, note::SignatureType,
};

use super::answer::Refused;
use super::limits::LOG_BYTES;

const HEADER: &str = "breakglass-witness/v1";
const NOTHING: &str = "cosigned nothing";

/// A ledger's keys, and the newest checkpoint that was signed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    /// The one that was told first, by which the file is known.
    told: VerifierKey,
    /// It, and those it is joined to.
    keys: LedgerKeys,
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
        Ok(Self {
            keys: key.clone().into(),
            told: key,
            newest: None,
        })
    }

    /// The key that signs, as far as is known here.
    pub(super) fn key(&self) -> &VerifierKey {
        self.keys.newest()
    }

    /// Whether a key is one of its.
    pub(super) fn has(&self, key: &VerifierKey) -> bool {
        self.keys.all().any(|known| known == key)
    }

    /// The keys it is joined to, by their own word.
    ///
    /// # Errors
    /// Where they do not follow.
    pub(super) fn joined(
        mut self,
        successions: impl IntoIterator<Item = Succession>,
    ) -> Result<Self, String> {
        let joined = self.keys.join(successions);
        joined.map_err(|why| why.to_string())?;
        Ok(self)
    }

    /// How its keys follow each other.
    pub(super) fn successions(&self) -> &[Succession] {
        self.keys.successions()
    }

    /// The name, which is that of its key.
    pub(super) fn origin(&self) -> &str {
        self.keys.name().as_str()
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
            newest: Some(offered),
            ..self.clone()
        })
    }

    /// The checkpoint with the ledger's own signatures and nobody else's.
    fn verified(&self, note: &str) -> Result<SignedCheckpoint, Refused> {
        let malformed = |why: &dyn fmt::Display| Refused::Malformed(why.to_string());
        let read = Note::parse(note).map_err(|why| malformed(&why))?;
        let key = self.keys.of_note(note);
        let own = read.signatures().iter().filter(|line| line.claims(key));
        let own: String = own.take(1).map(|line| format!("{line}\n")).collect();
        if own.is_empty() {
            return Err(Refused::NotSigned);
        }
        // Of all it bears: one that is false spoils the note.
        read.verify(key).map_err(|_| Refused::NotSigned)?;
        let note = format!("{}\n{own}", read.text());
        if note.len() + 1_024 > LOG_BYTES {
            return Err(Refused::Malformed("the checkpoint is too long".to_owned()));
        }
        SignedCheckpoint::verify(&note, key).map_err(|why| match why {
            CheckpointError::Note(NoteError::NotSigned { .. } | NoteError::BadSignature { .. }) => {
                Refused::NotSigned
            }
            why => malformed(&why),
        })
    }

    /// Reads a file, and how the key in it was followed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(
        text: &str,
        successions: impl IntoIterator<Item = Succession>,
    ) -> Result<Self, String> {
        let mut parts = text.splitn(4, '\n');
        let mut line = || parts.next().unwrap_or_default();
        if line() != HEADER {
            return Err(format!("it does not begin with `{HEADER}`"));
        }
        let key = VerifierKey::parse(line()).map_err(|why| why.to_string())?;
        let (cosigned, note) = (line(), line());
        let log = Self::new(key)?.joined(successions)?;
        if cosigned == NOTHING {
            return match text.ends_with(&format!("{NOTHING}\n")) {
                true => Ok(log),
                false => Err("it goes on after saying that nothing was cosigned".to_owned()),
            };
        }
        let newest = log
            .keys
            .verify(note)
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
        writeln!(f, "{HEADER}\n{}", self.told)?;
        match &self.newest {
            None => writeln!(f, "{NOTHING}"),
            Some(newest) => write!(f, "cosigned {}\n{}", newest.size(), newest.note()),
        }
    }
}
