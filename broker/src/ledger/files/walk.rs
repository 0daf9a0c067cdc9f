//! Walking the whole journal: for checking it, and for making again what follows from it.

use std::collections::BTreeSet;
use std::path::Path;

use breakglass_tlog::tile::{TileKind, append_entry};
use breakglass_tlog::{Frontier, Hash, TileId};

use super::edge::{ROWS, WIDTH};
use super::place::{Place, damaged, told};
use super::reader::full;
use super::segment::{Batch, Batches, Trouble};
use crate::ports::LedgerError;

/// The tree as far as it was walked.
#[derive(Default)]
pub(super) struct Walk {
    tree: Frontier,
    tiler: Tiler,
}

impl Walk {
    pub(super) fn size(&self) -> u64 {
        self.tree.size()
    }

    pub(super) fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Compares a batch with what its checkpoint says, grows by it, and hands each tile that became
    /// full to `tile`. Nothing has happened where there is trouble.
    pub(super) fn take(
        &mut self,
        batch: &Batch<'_>,
        tile: impl FnMut(TileId, &[u8]),
    ) -> Result<(), Trouble> {
        let leaves: Vec<_> = batch
            .entries
            .iter()
            .map(|entry| Hash::of_leaf(entry))
            .collect();
        self.take_hashed(batch, &leaves, tile)
    }

    /// The same, of a batch whose entries were hashed already.
    pub(super) fn take_hashed(
        &mut self,
        batch: &Batch<'_>,
        leaves: &[Hash],
        mut tile: impl FnMut(TileId, &[u8]),
    ) -> Result<(), Trouble> {
        batch.check_count(self.size())?;
        let mut tree = self.tree.clone();
        let mut nodes = Vec::new();
        for leaf in leaves {
            let completed = |level: u8, index, hash| {
                if level.is_multiple_of(8) {
                    nodes.push((level / 8, index, hash));
                }
            };
            tree.push_each(*leaf, completed);
        }
        if batch.checkpoint.root() != tree.root() {
            return Err(batch.wrong_root());
        }
        self.tree = tree;
        for entry in &batch.entries {
            self.tiler.entry(entry, &mut tile);
        }
        for (row, index, hash) in nodes {
            self.tiler.node(row, index, hash, &mut tile);
        }
        Ok(())
    }

    /// The bytes of a tile that is not full yet.
    pub(super) fn partial(&self, kind: TileKind) -> &[u8] {
        match kind {
            TileKind::Entries => &self.tiler.bundle,
            TileKind::Hashes(row) => &self.tiler.rows[usize::from(row)],
        }
    }
}

/// Collects entries and hashes into tiles.
#[derive(Default)]
struct Tiler {
    bundle: Vec<u8>,
    entries: u64,
    rows: [Vec<u8>; ROWS],
}

impl Tiler {
    fn entry(&mut self, entry: &[u8], tile: &mut impl FnMut(TileId, &[u8])) {
        append_entry(&mut self.bundle, entry).expect("a line of the journal has at most 60 KiB");
        self.entries += 1;
        if self.entries.is_multiple_of(WIDTH) {
            tile(
                full(TileKind::Entries, self.entries / WIDTH - 1),
                &self.bundle,
            );
            self.bundle.clear();
        }
    }

    fn node(&mut self, row: u8, index: u64, hash: Hash, tile: &mut impl FnMut(TileId, &[u8])) {
        let hashes = &mut self.rows[usize::from(row)];
        hashes.extend_from_slice(hash.as_bytes());
        if (index + 1).is_multiple_of(WIDTH) {
            tile(full(TileKind::Hashes(row), index / WIDTH), hashes);
            hashes.clear();
        }
    }
}

/// Makes every full tile again that is missing or not what the journal gives. Answers how many.
///
/// # Errors
/// [`LedgerError::Damaged`] where the journal itself is.
pub(super) fn rebuild_tiles(place: &Place) -> Result<u64, LedgerError> {
    let mut walk = Walk::default();
    let mut made = 0;
    let mut touched = BTreeSet::new();
    let firsts = place.segments()?;
    for (number, first) in firsts.iter().enumerate() {
        let path = place.segment(*first);
        let bytes = place
            .disk
            .read(&path)
            .map_err(|e| told(&path, "be read", &e))?;
        for batch in Batches::of(&bytes) {
            let mut failed = None;
            let taken = batch.and_then(|batch| {
                walk.take(&batch, |tile, bytes| {
                    let put = put_if_wrong(place, tile, bytes, &mut touched);
                    match put {
                        Ok(wrong) => made += u64::from(wrong),
                        Err(error) => failed = Some(error),
                    }
                })
            });
            if let Some(error) = failed {
                return Err(error);
            }
            match taken {
                Ok(()) => {}
                // The torn tail is for the start to cut.
                Err(_) if number + 1 == firsts.len() => break,
                Err(trouble) => return Err(broken(&path, &trouble)),
            }
        }
    }
    let synced = touched.iter().try_for_each(|dir| place.disk.sync(dir));
    synced.map_err(|e| told(&place.dir, "be synced", &e))?;
    Ok(made)
}

/// Trouble in the journal, as the operator is told.
pub(super) fn broken(path: &Path, trouble: &Trouble) -> LedgerError {
    damaged(
        path,
        format_args!("line {}: {}", trouble.line, trouble.what),
    )
}

fn put_if_wrong(
    place: &Place,
    tile: TileId,
    bytes: &[u8],
    touched: &mut BTreeSet<std::path::PathBuf>,
) -> Result<bool, LedgerError> {
    let path = place.tile(tile);
    if place.disk.read(&path).is_ok_and(|found| found == bytes) {
        return Ok(false);
    }
    let put = place.put_tile(tile, bytes, touched);
    put.map(|()| true)
        .map_err(|e| told(&path, "be written", &e))
}
