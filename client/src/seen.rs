//! What a laptop has seen of the ledger, as statements carry it: each is a witness for all the others.

use std::collections::BTreeMap;

use breakglass_proto::statement::{SIGNATURE_LEN, Seen};
use breakglass_tlog::{Checkpoint, Hash, LedgerKeys, Note, SignatureLine, SignedCheckpoint};

use crate::{entry::Entry, error::Error};

/// A checkpoint as a statement carries it; nothing where it has lines of a later release, which could not be
/// written again from that, or is over no entries.
#[must_use]
pub fn of(checkpoint: &SignedCheckpoint, keys: &LedgerKeys) -> Option<Seen> {
    let note = Note::parse(checkpoint.note()).ok()?;
    let ours = |line: &&SignatureLine| keys.all().any(|key| line.claims(key));
    let line = note.signatures().iter().find(ours)?;
    let signature = [line.key_id.as_bytes().as_slice(), &line.bytes].concat();
    let signature = <[u8; SIGNATURE_LEN]>::try_from(signature).ok()?;
    let is_plain = checkpoint.size() > 0 && checkpoint.checkpoint().extensions().is_empty();
    is_plain.then(|| Seen {
        size: checkpoint.size(),
        root: *checkpoint.root().as_bytes(),
        signature,
    })
}

/// The checkpoint that was seen, as an entry at a place brings it: signed by the key whose turn it was.
///
/// # Errors
/// That it is not, in words.
pub fn checkpoint(seen: &Seen, keys: &LedgerKeys, place: u64) -> Result<SignedCheckpoint, String> {
    let note = seen.note(keys.name().as_str());
    keys.verify_at(&note, place)
        .map_err(|_| unsigned(seen.size))
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

    /// The checkpoint, signed by the key whose turn it was.
    ///
    /// # Errors
    /// That it is not, in words.
    pub(crate) fn checked(&self, keys: &LedgerKeys) -> Result<SignedCheckpoint, String> {
        keys.verify_at(&self.note, self.entry.index)
            .map_err(|_| unsigned(self.size))
    }
}

/// The heads that entries bring and that are not known, each once: so many at most, the newest first.
///
/// # Errors
/// [`Error::Unverified`] where one cannot be read.
pub(crate) fn newest<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    origin: &str,
    most: usize,
    is_known: impl Fn(u64, Hash) -> bool,
) -> Result<Vec<Brought<'a>>, Error> {
    let mut heads: BTreeMap<(u64, Hash), Brought<'a>> = BTreeMap::new();
    for entry in entries {
        let brought = Brought::by(entry, origin);
        let brought =
            brought.map_err(|why| Error::unverified(format!("entry {}: {why}", entry.index)))?;
        let Some(brought) = brought else { continue };
        let (size, root) = (brought.size, brought.root);
        if !is_known(size, root) {
            heads.insert((size, root), brought);
        }
        if heads.len() > most {
            heads.pop_first();
        }
    }
    Ok(heads.into_values().rev().collect())
}

fn unsigned(size: u64) -> String {
    format!("the {size} entries that are said to have been seen are not signed by the ledger's key")
}

#[cfg(test)]
mod tests {
    use breakglass_tlog::{Ed25519Signer, KeyName, NoteSigner as _};
    use serde_json::json;

    use super::*;

    const ORIGIN: &str = "glass.example/ledger";

    fn signer(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[seed; 32]).unwrap()
    }

    fn keys(seed: u8) -> LedgerKeys {
        signer(seed).verifier().clone().into()
    }

    fn head(size: u64, byte: u8) -> SignedCheckpoint {
        let head = Checkpoint::new(ORIGIN, size, Hash::from_bytes([byte; 32])).unwrap();
        SignedCheckpoint::sign(&head, &signer(7)).unwrap()
    }

    /// A note by somebody who had seen this.
    fn noted(index: u64, head: &SignedCheckpoint) -> Entry {
        let seen = of(head, &keys(7)).unwrap();
        let (note, mut lines) = (seen.note(ORIGIN), Vec::new());
        lines.extend(note.lines().map(str::to_owned));
        let value = format!(
            "{} {} {}",
            lines[1],
            lines[2],
            &lines[4][4 + ORIGIN.len() + 1..]
        );
        let text = format!("breakglass/v1 note\nseen: {value}\nnonce: x\n");
        let line = json!({"v": 1, "index": index, "at": "2026-11-23T03:05:00.000Z",
            "kind": "incident.noted", "by": "leon",
            "signed": {"text": text, "key": "K", "signature": "S"}});
        Entry::parse(line.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_checkpoint_comes_back_from_what_was_seen() {
        let (key, other) = (keys(7), keys(8));
        let seen = of(&head(9, 5), &key).unwrap();
        assert_eq!(checkpoint(&seen, &key, 9).unwrap(), head(9, 5));
        assert!(checkpoint(&seen, &other, 9).is_err());
        assert!(of(&head(9, 5), &other).is_none(), "that key signed nothing");
        // Cosignatures of witnesses stay behind.
        let cosigned = format!("{}\u{2014} w1.example AAAAAAAA\n", head(9, 5).note());
        let cosigned = SignedCheckpoint::verify(&cosigned, key.newest()).unwrap();
        assert_eq!(of(&cosigned, &key), Some(seen));
    }

    #[test]
    fn what_cannot_be_written_again_is_left_out() {
        let key = keys(7);
        let empty = Checkpoint::new(ORIGIN, 0, Hash::EMPTY_TREE).unwrap();
        let more = Checkpoint::new(ORIGIN, 9, Hash::from_bytes([5; 32])).unwrap();
        let more = more.with_extensions(["of a later release"]).unwrap();
        for checkpoint in [empty, more] {
            let signed = SignedCheckpoint::sign(&checkpoint, &signer(7)).unwrap();
            assert_eq!(of(&signed, &key), None, "{checkpoint}");
        }
    }

    #[test]
    fn the_newest_heads_are_taken_each_once_and_no_more_than_that() {
        let heads: Vec<_> = (1..40).map(|size| head(size, 5)).collect();
        let mut entries: Vec<_> = heads.iter().map(|head| noted(head.size(), head)).collect();
        entries.push(noted(99, &heads[38]));
        entries.push(noted(100, &head(38, 6)));
        let is_known = |size, _| size == 37;
        let newest = newest(&entries, ORIGIN, 4, is_known).unwrap();
        let sizes: Vec<_> = newest.iter().map(|it| it.size).collect();
        assert_eq!(sizes, [39, 38, 38, 36]);
        let key = keys(7);
        assert!(newest.iter().all(|it| it.checked(&key).is_ok()));
        let other = keys(8);
        assert!(newest.iter().all(|it| it.checked(&other).is_err()));
    }

    #[test]
    fn a_refusal_brings_the_head_it_shows() {
        let note = head(9, 5).note().to_owned();
        let line = |checkpoint: &str| {
            let line = json!({"v": 1, "index": 12, "at": "2026-11-23T03:05:00.000Z", "kind": "refused",
                "by": "leon", "act": "note", "reason": "LEDGER_FORKED", "text": "no", "count": 1,
                "checkpoint": checkpoint});
            Entry::parse(line.to_string().as_bytes()).unwrap()
        };
        let entry = line(&note);
        let brought = Brought::by(&entry, ORIGIN).unwrap().unwrap();
        assert_eq!((brought.size, brought.root), (9, Hash::from_bytes([5; 32])));
        let hostile = line("\u{1b}[2K");
        assert!(Brought::by(&hostile, ORIGIN).is_err());
    }
}
