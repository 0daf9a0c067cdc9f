//! Reading the ledger's end at start: the last two segments, and the edge of the tiles before them.

use std::sync::Arc;

use breakglass_tlog::tile::TileKind;
use breakglass_tlog::{Hash, LedgerKeys, tree::tree_hash};

use super::edge::{Edge, WIDTH};
use super::place::{Place, damaged, told};
use super::reader::{Committed, Hashes, full, read_tile};
use super::segment::{Batch, Batches, Trouble, has_acknowledged};
use super::walk::{broken, rebuild_tiles};
use super::writer::Segment;
use crate::ports::LedgerError;

/// The end of the ledger, as it was found and, where it was torn, cut.
pub(super) struct Loaded {
    pub(super) committed: Committed,
    pub(super) segment: Segment,
    /// Full tiles that end here or before are durable; later ones are to be made again.
    pub(super) tiles_durable_at: u64,
    pub(super) cut_bytes: u64,
}

/// Why the end could not be read.
enum Wrong {
    /// The tiles do not lead to what the journal says: they can be made again from it.
    Tiles(LedgerError),
    Ledger(LedgerError),
}

impl From<LedgerError> for Wrong {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// Reads the end of the ledger. Tiles that are missing or wrong are made again from the journal.
///
/// # Errors
/// [`LedgerError::Damaged`] where something other than a torn tail is wrong.
pub(super) fn load(place: &Place, keys: &LedgerKeys) -> Result<Loaded, LedgerError> {
    match read_end(place, keys) {
        Ok(loaded) => Ok(loaded),
        Err(Wrong::Ledger(error)) => Err(error),
        Err(Wrong::Tiles(why)) => {
            tracing::warn!(%why, "tiles are made again from the journal");
            let made = rebuild_tiles(place)?;
            tracing::warn!(made, "tiles were made again from the journal");
            read_end(place, keys).map_err(|wrong| match wrong {
                Wrong::Tiles(error) | Wrong::Ledger(error) => error,
            })
        }
    }
}

fn read_end(place: &Place, keys: &LedgerKeys) -> Result<Loaded, Wrong> {
    let firsts = place.segments()?;
    if firsts.first() != Some(&0) {
        return Err(no_beginning(place, &firsts).into());
    }
    place.sync_names()?;
    let trusted = firsts[firsts.len().saturating_sub(2)];
    let base = trusted / WIDTH * WIDTH;
    let edge = Edge::at(base, |row, tile| tile_root(place, row, tile)).map_err(Wrong::Tiles)?;
    let mut end = End {
        place,
        keys,
        edge,
        base,
        count: 0,
        seen: false,
        note: String::new(),
        last: None,
    };
    let start = firsts.partition_point(|first| *first <= base) - 1;
    let (last, before) = firsts[start..].split_last().unwrap_or((&0, &[]));
    for first in before {
        end.read_whole(*first)?;
    }
    let (segment, cut_bytes) = end.read_last(*last)?;
    let committed = end.finish()?;
    Ok(Loaded {
        committed,
        segment,
        tiles_durable_at: base,
        cut_bytes,
    })
}

/// The root of a full tile.
fn tile_root(place: &Place, row: usize, tile: u64) -> Result<Hash, LedgerError> {
    let id = full(TileKind::Hashes(row as u8), tile);
    let bytes = read_tile(place, id)?;
    let (hashes, _) = bytes.as_chunks();
    let mut row: Vec<Hash> = hashes.iter().copied().map(Hash::from_bytes).collect();
    while let (pairs, []) = row.as_chunks::<2>()
        && !pairs.is_empty()
    {
        row = pairs
            .iter()
            .map(|[left, right]| Hash::of_node(left, right))
            .collect();
    }
    row.first()
        .copied()
        .ok_or_else(|| damaged(&place.tile(id), "the tile is empty"))
}

/// The end of the ledger while it is read.
struct End<'a> {
    place: &'a Place,
    keys: &'a LedgerKeys,
    edge: Edge,
    base: u64,
    /// Entries before the place that was read up to.
    count: u64,
    /// A commit agreed with the edge.
    seen: bool,
    /// The newest commit that did.
    note: String,
    /// Where in its segment the newest batch with entries is.
    last: Option<(usize, usize)>,
}

impl End<'_> {
    /// A segment that others follow: every line must be right.
    fn read_whole(&mut self, first: u64) -> Result<(), Wrong> {
        let path = self.place.segment(first);
        let bytes = self.read(first)?;
        for batch in Batches::of(&bytes) {
            let taken = batch.and_then(|batch| self.take(&batch));
            taken.map_err(|trouble| self.wrong(first, &trouble))?;
        }
        tracing::debug!(path = %path.display(), entries = self.count, "read");
        Ok(())
    }

    /// The last segment: what follows the last good batch is a torn tail, and is cut.
    fn read_last(&mut self, first: u64) -> Result<(Segment, u64), Wrong> {
        let path = self.place.segment(first);
        let bytes = self.read(first)?;
        let mut good = 0;
        for batch in Batches::of(&bytes) {
            let taken = batch.and_then(|batch| self.take(&batch).map(|()| batch));
            match taken {
                Ok(batch) => {
                    good = batch.end;
                    self.last = (!batch.entries.is_empty()).then_some((batch.start, batch.end));
                }
                Err(trouble) => {
                    let size = self.edge.size();
                    let torn = self.seen && good > 0;
                    if !torn || has_acknowledged(&bytes[good..], size, self.keys) {
                        return Err(self.wrong(first, &trouble));
                    }
                    break;
                }
            }
        }
        let handle = self
            .place
            .disk
            .open(&path)
            .map_err(|e| told(&path, "be opened", &e))?;
        let mut segment = Segment::new(first, path, handle, good as u64);
        let cut = bytes.len() - good;
        let again = self.last.map_or(good..good, |(start, end)| start..end);
        segment.settle(again.start as u64, &bytes[again], cut > 0)?;
        Ok((segment, cut as u64))
    }

    fn read(&mut self, first: u64) -> Result<Vec<u8>, LedgerError> {
        let path = self.place.segment(first);
        let known = self.seen || self.count > 0;
        if known && self.count != first {
            let what = format!(
                "it begins with entry {first}, but {} comes next",
                self.count
            );
            return Err(damaged(&path, what));
        }
        self.count = first;
        let bytes = self.place.disk.read(&path);
        bytes.map_err(|e| told(&path, "be read", &e))
    }

    /// Grows the edge by what of a batch lies behind its base.
    fn take(&mut self, batch: &Batch<'_>) -> Result<(), Trouble> {
        let end = self.count + batch.entries.len() as u64;
        let skip = self.base.saturating_sub(self.count);
        let skip = usize::try_from(skip)
            .unwrap_or(usize::MAX)
            .min(batch.entries.len());
        batch.check_count(self.count)?;
        if end >= self.base {
            let new = &batch.entries[skip..];
            let growth = self.edge.plan(new);
            if growth.root() != batch.checkpoint.root() {
                return Err(batch.wrong_root());
            }
            self.edge
                .grow(growth, new.iter().map(|entry| Arc::from(*entry)));
            self.seen = true;
            self.note.clone_from(&batch.note);
        }
        self.count = end;
        Ok(())
    }

    /// The first root that is compared rests on the tiles; the later ones on the first.
    fn wrong(&self, first: u64, trouble: &Trouble) -> Wrong {
        let error = broken(&self.place.segment(first), trouble);
        if self.seen || self.base == 0 {
            Wrong::Ledger(error)
        } else {
            Wrong::Tiles(error)
        }
    }

    fn finish(self) -> Result<Committed, Wrong> {
        let checkpoint = self.keys.verify(&self.note).map_err(|e| {
            damaged(
                &self.place.journal(),
                format_args!(
                    "the newest commit is not ours: {e}{}",
                    other_keys(self.keys)
                ),
            )
        })?;
        let committed = Committed {
            edge: self.edge,
            checkpoint: Arc::new(checkpoint),
        };
        check_published(self.place, self.keys, &committed)?;
        Ok(committed)
    }
}

/// What was published cannot be taken back: the ledger must still have it.
fn check_published(place: &Place, keys: &LedgerKeys, committed: &Committed) -> Result<(), Wrong> {
    let path = place.checkpoint();
    let Ok(bytes) = place.disk.read(&path) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&bytes);
    let Ok(published) = keys.verify(&text) else {
        tracing::warn!(path = %path.display(), "not our checkpoint; it will be written anew");
        return Ok(());
    };
    let (old, size) = (published.size(), committed.edge.size());
    if old > size {
        let what = format!("{old} entries were published, and the journal ends after {size}");
        return Err(damaged(&place.journal(), what).into());
    }
    let hashes = Hashes::new(place, &committed.edge);
    let root = tree_hash(old, &hashes).map_err(|e| Wrong::Tiles(damaged(&path, e)))?;
    if root != published.root() {
        let what = format!("the first {old} entries are not those that were published");
        return Err(Wrong::Tiles(damaged(&path, what)));
    }
    Ok(())
}

/// What may be wrong where our own ledger seems to be somebody else's.
fn other_keys(keys: &LedgerKeys) -> String {
    let newest = keys.newest();
    format!(
        "; if the ledger's key was rotated, the folder of keys is from before that: put back the one \
         from after it (it has {newest})"
    )
}

fn no_beginning(place: &Place, firsts: &[u64]) -> LedgerError {
    let journal = place.journal();
    match firsts.first() {
        None => place.no_ledger(),
        Some(first) => damaged(&journal, format_args!("entries before {first} are missing")),
    }
}
