//! What a laptop has seen of the ledger, as statements carry it: each is a witness for all the others.

use breakglass_proto::statement::{SIGNATURE_LEN, Seen};
use breakglass_tlog::{Checkpoint, Hash, Note, SignedCheckpoint, VerifierKey};

use crate::entry::Entry;

/// A checkpoint as a statement carries it; nothing where it has lines of a later release, which could not be
/// written again from that, or is over no entries.
#[must_use]
pub fn of(checkpoint: &SignedCheckpoint, key: &VerifierKey) -> Option<Seen> {
    let note = Note::parse(checkpoint.note()).ok()?;
    let line = note.signatures().iter().find(|line| line.claims(key))?;
    let signature = [line.key_id.as_bytes().as_slice(), &line.bytes].concat();
    let signature = <[u8; SIGNATURE_LEN]>::try_from(signature).ok()?;
    let is_plain = checkpoint.size() > 0 && checkpoint.checkpoint().extensions().is_empty();
    is_plain.then(|| Seen {
        size: checkpoint.size(),
        root: *checkpoint.root().as_bytes(),
        signature,
    })
}

/// The checkpoint that was seen, signed by the ledger's key.
///
/// # Errors
/// That it is not, in words.
pub fn checkpoint(seen: &Seen, key: &VerifierKey) -> Result<SignedCheckpoint, String> {
    let note = seen.note(key.name().as_str());
    SignedCheckpoint::verify(&note, key).map_err(|_| unsigned(seen.size))
}

/// A head that an entry brings; nobody has checked who signed it.
pub(crate) struct Brought<'a> {
    /// The entry.
    pub(crate) entry: &'a Entry,
    /// Entries.
    pub(crate) size: u64,
    /// The root over them.
    pub(crate) root: Hash,
    note: String,
}

impl<'a> Brought<'a> {
    /// What the signer of an entry had seen, or what a refusal says that somebody had; nothing where the entry
    /// brings no head.
    ///
    /// # Errors
    /// That it cannot be read, in words.
    pub(crate) fn by(entry: &'a Entry, origin: &str) -> Result<Option<Self>, String> {
        if let Some(note) = entry.text("checkpoint").filter(|_| entry.kind == "refused") {
            let read = Note::parse(note).map_err(|why| why.to_string())?;
            let head = Checkpoint::parse(read.text()).map_err(|why| why.to_string())?;
            return Ok(Some(Self {
                entry,
                size: head.size(),
                root: head.root(),
                note: note.to_owned(),
            }));
        }
        let signed = entry.signed.as_ref();
        let seen = signed.map_or(Ok(None), |signed| Seen::in_text(&signed.text));
        let seen = seen.map_err(|why| why.to_string())?;
        Ok(seen.map(|seen| Self {
            entry,
            size: seen.size,
            root: Hash::from_bytes(seen.root),
            note: seen.note(origin),
        }))
    }

    /// The checkpoint, signed by the ledger's key.
    ///
    /// # Errors
    /// That it is not, in words.
    pub(crate) fn checked(&self, key: &VerifierKey) -> Result<SignedCheckpoint, String> {
        SignedCheckpoint::verify(&self.note, key).map_err(|_| unsigned(self.size))
    }
}

fn unsigned(size: u64) -> String {
    format!("the {size} entries that are said to have been seen are not signed by the ledger's key")
}
