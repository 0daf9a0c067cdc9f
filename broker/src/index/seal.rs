//! What makes a snapshot worth more than the disk it lies on: the ledger's key has signed it.
//!
//! A start decides from a snapshot, so it must be the ledger's word and not that of whoever can
//! write the folder. Signed is a note (C2SP signed-note) over five lines, which no checkpoint is: the
//! first of a checkpoint is the ledger's origin, and the second a number.
//!
//! ```text
//! breakglass.dev/snapshot/v1
//! ORIGIN
//! entries folded in, decimal
//! root of the tree of just these entries, base64
//! SHA-256 of the snapshot's bytes, hex
//! ```
//!
//! The root ties it to one history: of two that begin alike and differ later, it fits one.

use std::sync::Arc;

use breakglass_tlog::note::{Note, NoteError};
use breakglass_tlog::{Hash, LedgerKeys, NoteSigner};
use ring::digest::{SHA256, digest};

use crate::ports::{IndexError, LedgerReader};

/// The key of the ledger, and those before it: a snapshot of so many entries is by the key that signs a
/// checkpoint over as many, or by the newest.
#[derive(Clone)]
pub struct Sealer {
    signer: Arc<dyn NoteSigner + Send + Sync>,
    keys: LedgerKeys,
}

impl Sealer {
    /// What signs, the newest of these.
    pub fn new(signer: Arc<dyn NoteSigner + Send + Sync>, keys: LedgerKeys) -> Self {
        Self { signer, keys }
    }

    fn origin(&self) -> &str {
        self.signer.name().as_str()
    }
}

const DOMAIN: &str = "breakglass.dev/snapshot/v1";

/// Signs a snapshot of the first `up_to` entries.
pub(super) fn seal(
    sealer: &Sealer,
    reader: &dyn LedgerReader,
    up_to: u64,
    snapshot: &[u8],
) -> Result<String, IndexError> {
    let root = root_at(reader, up_to)?;
    let text = text(sealer.origin(), up_to, root, snapshot);
    let note = Note::sign(&text, &*sealer.signer).map_err(broken)?;
    Ok(note.to_string())
}

/// Checks that the ledger's key has signed just this snapshot, and that it is of this very history;
/// answers how many entries are folded in.
pub(super) fn open(
    seal: &str,
    sealer: &Sealer,
    reader: &dyn LedgerReader,
    snapshot: &[u8],
) -> Result<u64, IndexError> {
    let note = Note::parse(seal).map_err(unsigned)?;
    let said = note
        .text()
        .lines()
        .nth(2)
        .and_then(|line| line.parse().ok());
    let then = sealer.keys.at(said.unwrap_or(u64::MAX));
    // What signs now may have signed an old one again.
    note.verify(sealer.keys.newest())
        .or_else(|_| note.verify(then))
        .map_err(unsigned)?;
    let unfit = || IndexError("its snapshot is signed as something else".to_owned());
    let mut lines = note.text().lines().skip(2);
    let up_to: u64 = lines
        .next()
        .and_then(|line| line.parse().ok())
        .ok_or_else(unfit)?;
    let root = lines.next().and_then(|line| Hash::from_base64(line).ok());
    let root = root.ok_or_else(unfit)?;
    demand_history(reader, up_to, root)?;
    if *note.text() != text(sealer.origin(), up_to, root, snapshot) {
        return Err(IndexError(
            "its snapshot is not the one that was signed".into(),
        ));
    }
    Ok(up_to)
}

fn text(origin: &str, up_to: u64, root: Hash, snapshot: &[u8]) -> String {
    let sha256: String = digest(&SHA256, snapshot)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{DOMAIN}\n{origin}\n{up_to}\n{root}\n{sha256}\n")
}

/// The root of the tree of the first `size` entries, as the newest checkpoint has it.
fn root_at(reader: &dyn LedgerReader, size: u64) -> Result<Hash, IndexError> {
    let Some(last) = size.checked_sub(1) else {
        return Ok(Hash::EMPTY_TREE);
    };
    let entries = reader.entries(last, 1).map_err(broken)?;
    let entry = entries
        .first()
        .ok_or_else(|| IndexError(format!("the ledger has no entry {last}")))?;
    let proof = reader.prove_inclusion(last, size).map_err(broken)?;
    let root = proof.root(&Hash::of_leaf(entry)).map_err(broken)?;
    demand_history(reader, size, root)?;
    Ok(root)
}

/// The ledger begins with the tree of so many entries and this root.
fn demand_history(reader: &dyn LedgerReader, size: u64, root: Hash) -> Result<(), IndexError> {
    let newest = reader.checkpoint();
    if size > newest.size() {
        let entries = newest.size();
        return Err(IndexError(format!(
            "it holds {size} entries, the ledger {entries}"
        )));
    }
    let proof = reader
        .prove_consistency(size, newest.size())
        .map_err(broken)?;
    let another = |_| IndexError("it is of another history than this ledger's".to_owned());
    proof.verify(&root, &newest.root()).map_err(another)
}

fn unsigned(error: NoteError) -> IndexError {
    IndexError(format!(
        "its snapshot is not signed by the ledger's key: {error}"
    ))
}

fn broken(error: impl std::fmt::Display) -> IndexError {
    IndexError(error.to_string())
}
