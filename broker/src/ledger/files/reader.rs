//! Reading what is committed, beside the writer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, PoisonError, RwLock};

use breakglass_tlog::limits::TILE_WIDTH;
use breakglass_tlog::proof::{ConsistencyProof, InclusionProof};
use breakglass_tlog::tile::{HashPlace, TileKind, decode_bundle};
use breakglass_tlog::tree::{self, ProveError};
use breakglass_tlog::{Hash, HashReader, SignedCheckpoint, TileId};

use super::edge::{Edge, Growth, Marks, WIDTH};
use super::place::{Place, damaged, told};
use super::segment::Batches;
use super::walk::broken;
use crate::ledger::within;
use crate::ports::{Around, LedgerError, LedgerReader};

/// The committed ledger: its edge in memory, the rest in tiles.
///
/// A reader takes the pointer and looks at what cannot change any more; the writer copies the edge
/// (some tens of kilobytes) only where somebody is looking.
pub(super) struct Reader {
    place: Place,
    newest: RwLock<Arc<Committed>>,
}

/// What is committed.
#[derive(Clone)]
pub(super) struct Committed {
    pub(super) edge: Edge,
    pub(super) checkpoint: Arc<SignedCheckpoint>,
}

impl Reader {
    pub(super) fn new(place: Place, committed: Committed) -> Self {
        Self {
            place,
            newest: RwLock::new(Arc::new(committed)),
        }
    }

    /// What is committed now.
    pub(super) fn newest(&self) -> Arc<Committed> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// For the writer: a batch is durable.
    pub(super) fn commit(
        &self,
        growth: Growth,
        entries: impl IntoIterator<Item = Arc<[u8]>>,
        checkpoint: Arc<SignedCheckpoint>,
    ) {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        let committed = Arc::make_mut(&mut newest);
        committed.edge.grow(growth, entries);
        committed.checkpoint = checkpoint;
    }

    /// For the writer: what is in durable tiles need not stay in memory.
    pub(super) fn forget(&self, durable: &Marks) {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut newest).edge.forget(durable);
    }
}

impl LedgerReader for Reader {
    fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        Arc::clone(&self.newest().checkpoint)
    }

    fn checkpoints_around(&self, size: u64) -> Result<Around, LedgerError> {
        within(size, self.newest().edge.size())?;
        // Each segment begins with the commit it goes on from, so both stand in the one that a size
        // falls into.
        let firsts = self.place.segments()?;
        let first = firsts.iter().rev().find(|first| **first <= size);
        let path = self.place.segment(first.copied().unwrap_or_default());
        let read = self.place.disk.read(&path);
        let bytes = read.map_err(|error| told(&path, "be read", &error))?;
        let mut before = None;
        for batch in Batches::of(&bytes) {
            let batch = batch.map_err(|trouble| broken(&path, &trouble))?;
            let signed = batch.checkpoint.size();
            if signed <= size {
                before = Some(batch.note.clone());
            }
            if let Some(before) = before.clone().filter(|_| signed >= size) {
                let after = batch.note;
                return Ok(Around { before, after });
            }
        }
        Err(damaged(
            &path,
            "the checkpoints are not where they should be",
        ))
    }

    fn entries(&self, from: u64, max: usize) -> Result<Vec<Arc<[u8]>>, LedgerError> {
        let committed = self.newest();
        let edge = &committed.edge;
        let mut found: Vec<Arc<[u8]>> = Vec::new();
        while found.len() < max {
            let next = from.saturating_add(found.len() as u64);
            if next >= edge.size() {
                break;
            }
            if let Some(rest) = edge.entries(next, max - found.len()) {
                found.extend_from_slice(rest);
                break;
            }
            let bundle = read_bundle(&self.place, next / WIDTH)?;
            let wanted = bundle.into_iter().skip((next % WIDTH) as usize);
            found.extend(wanted.take(max - found.len()));
        }
        Ok(found)
    }

    fn prove_inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, LedgerError> {
        let committed = self.newest();
        within(size, committed.edge.size())?;
        let hashes = Hashes::new(&self.place, &committed.edge);
        tree::prove_inclusion(index, size, &hashes).map_err(unproven)
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<ConsistencyProof, LedgerError> {
        let committed = self.newest();
        within(new, committed.edge.size())?;
        let hashes = Hashes::new(&self.place, &committed.edge);
        tree::prove_consistency(old, new, &hashes).map_err(unproven)
    }
}

/// The stored hashes of the tree: from the edge, else from a full tile. Made for one proof; keeps
/// the few tiles that one reads.
pub(super) struct Hashes<'a> {
    place: &'a Place,
    edge: &'a Edge,
    tiles: RefCell<BTreeMap<TileId, Vec<u8>>>,
}

impl<'a> Hashes<'a> {
    pub(super) fn new(place: &'a Place, edge: &'a Edge) -> Self {
        Self {
            place,
            edge,
            tiles: RefCell::default(),
        }
    }
}

impl HashReader for Hashes<'_> {
    type Error = LedgerError;

    fn read_hash(&self, level: u8, index: u64) -> Result<Hash, LedgerError> {
        if let Some(hash) = self.edge.node(level, index) {
            return Ok(hash);
        }
        let place = HashPlace::of(level, index);
        let found = place.and_then(|place| Some((place, place.tile_in(self.edge.size()).ok()?)));
        let Some((place, tile)) = found else {
            let what = format!("node {index} of level {level} is not complete");
            return Err(LedgerError::OutOfRange(what));
        };
        let mut tiles = self.tiles.borrow_mut();
        let bytes = match tiles.entry(tile.full()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(read_tile(self.place, tile.full())?)
            }
        };
        let hash = place.read(bytes);
        hash.map_err(|_| damaged(&self.place.tile(tile.full()), "the tile is too short"))
    }
}

/// The bytes of a full tile.
pub(super) fn read_tile(place: &Place, tile: TileId) -> Result<Vec<u8>, LedgerError> {
    let path = place.tile(tile);
    let bytes = place.disk.read(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => damaged(&path, "the tile is missing"),
        _ => told(&path, "be read", &error),
    })?;
    let hashes = matches!(tile.kind(), TileKind::Hashes(_));
    if hashes && bytes.len() != usize::from(TILE_WIDTH) * breakglass_tlog::hash::HASH_BYTES {
        return Err(damaged(&path, "the tile does not have 256 hashes"));
    }
    Ok(bytes)
}

/// The entries of a full bundle, each checked against the tree.
fn read_bundle(place: &Place, index: u64) -> Result<Vec<Arc<[u8]>>, LedgerError> {
    let bundle = full(TileKind::Entries, index);
    let path = place.tile(bundle);
    let bytes = read_tile(place, bundle)?;
    let entries = decode_bundle(&bytes).map_err(|e| damaged(&path, e))?;
    let hashes = read_tile(place, full(TileKind::Hashes(0), index))?;
    let leaves = entries.iter().map(|entry| Hash::of_leaf(entry));
    let (hashes, _) = hashes.as_chunks();
    if !leaves.eq(hashes.iter().copied().map(Hash::from_bytes)) {
        return Err(damaged(&path, "the entries are not those of the tree"));
    }
    Ok(entries.into_iter().map(Arc::from).collect())
}

/// Names a full tile.
pub(super) fn full(kind: TileKind, index: u64) -> TileId {
    TileId::new(kind, index, TILE_WIDTH).expect("the width is 256 and the level below 8")
}

fn unproven(error: ProveError<LedgerError>) -> LedgerError {
    match error {
        ProveError::OutOfRange { .. } => LedgerError::OutOfRange(error.to_string()),
        ProveError::Read(cause) => cause,
    }
}
