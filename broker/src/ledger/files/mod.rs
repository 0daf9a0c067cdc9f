//! The ledger on disk, and its durability contract.
//!
//! # Files
//!
//! ```text
//! DIR/journal/00000000000000000000.jsonl   the ledger: entries and commits, a line each
//! DIR/journal/00000000000000004160.jsonl   ... goes on from entry 4160
//! DIR/tile/0/000  DIR/tile/entries/000     hashes and entries as C2SP tlog-tiles
//! DIR/checkpoint                           the newest published checkpoint
//! DIR/reserve                              space kept for endings
//! DIR/lock                                 held (flock) by the one writer; has its process id
//! ```
//!
//! **The journal is the ledger; everything else follows from it.** A segment is a text file. Its
//! first line is the commit it goes on from. Then come batches: one line for each entry, and one
//! line `{"commit":"...","from":N}` with the signed checkpoint over everything up to here, and the
//! size before the batch. A batch is in the ledger if and only if its commit line is whole, the
//! root of the tree is the checkpoint's, and the signature is ours.
//!
//! # What is durable when
//!
//! *Append*: `pwrite` of the whole batch behind the last commit, `fdatasync`. When both have
//! succeeded the batch is acknowledged; before, nobody can read it. There is one writer and one
//! batch at a time, so at most the last batch of the last segment is ever in doubt.
//!
//! | it stops | what is on disk | what happens at the next start |
//! |---|---|---|
//! | before or within `pwrite` | any part of the batch, in any order, or none | no whole commit: cut |
//! | after `pwrite`, before `fdatasync` is done | the same, or all of it | whole: it is in the ledger; else cut |
//! | after `fdatasync` | all of it | it is in the ledger |
//!
//! *Failure*: when `pwrite` or `fdatasync` fails, the writer takes no more until
//! [`recover`](Ledger::recover) has opened the file again and read what lies behind the last
//! acknowledged commit. A whole batch there is written once more in place and synced: after a
//! failed `fdatasync` the system may hold pages in memory that it will never write. Anything else
//! is cut with `ftruncate` and `fdatasync`. A start does the same, for a process may have been
//! killed between `pwrite` and `fdatasync`; it also syncs the folders, for the same reason.
//!
//! *New segment* (every 4096 entries or 8 MiB, after a batch is acknowledged): `NAME.new` is made
//! with the commit line and synced, renamed, and the folder is synced, before anything is appended
//! to it. If the rename or the folder's sync fails, the name is removed and the folder synced
//! before the old segment is used again. A crash leaves the old segment last, or an empty new one.
//!
//! *Tiles and bundles*: full ones are made in `NAME.new`, synced, renamed, and their folders
//! synced, by a thread of their own, in order. A new segment begins only when all tiles that end
//! before the *current* one began are durable. So a start may rely on tiles up to the beginning of
//! the last segment but one; later ones it makes again, and what is not in a durable tile stays in
//! memory. What it relies on is checked: the right edge of the tiles must lead to the root that the
//! journal's commits sign. If not, all tiles are made again from the journal.
//!
//! *Publishing*: partial tiles (`fsync` each), then `checkpoint` (made, synced, renamed, folder
//! synced). It names only committed entries, and only after the tiles under it are durable, so the
//! folder can be copied as it is and served as a static log.
//!
//! # What is damage
//!
//! A torn tail is what lies behind the last good batch of the last segment, if no commit of ours in
//! there has anything behind it or goes on from a larger size: only an acknowledged batch is ever
//! followed by another. It is cut, and told. Everything else that is not as it was written is damage, and the broker does
//! not start on it: a wrong line before the tail, a missing segment, a journal that ends before a
//! published checkpoint or contradicts it. What lies further back than the last two segments is
//! compared by `glassd fsck`, and by every proof that is made from it.
//!
//! **Known gap**: if the very last batch rots on disk before the next publication, it looks like a
//! torn one and is cut. Whoever holds a receipt or a newer checkpoint notices.

mod ahead;
pub(super) mod check;
mod disk;
mod edge;
mod keeper;
mod load;
mod lock;
mod place;
mod reader;
mod reserve;
mod segment;
mod shape;
mod system;
#[cfg(test)]
mod tests;
mod walk;
mod writer;

use std::path::Path;
use std::sync::Arc;

use breakglass_tlog::tile::TileKind;
use breakglass_tlog::{Hash, LedgerKeys, SignedCheckpoint, TileId};

use super::{Signer, admit, sign};
use crate::ports::{Ledger, LedgerError, LedgerReader, Recovered, Room};
use edge::{Edge, Marks};
use keeper::{Keeper, Work};
use load::Loaded;
use lock::Lock;
use place::{Place, told};
use reader::{Committed, Reader};
use reserve::Reserve;
use shape::Shape;
use system::System;
use writer::{Begun, Segment};

/// The ledger in a folder, locked for this process. The module says what is durable when.
pub struct FileLedger {
    place: Place,
    shape: Shape,
    signer: Signer,
    /// The signer's, and those before it.
    keys: LedgerKeys,
    reader: Arc<Reader>,
    segment: Segment,
    /// Why nothing is appended before [`Ledger::recover`].
    broken: Option<LedgerError>,
    /// A segment of this first index may have been begun.
    stray: Option<u64>,
    keeper: Keeper,
    /// Full tiles that the keeper was given.
    handed: Marks,
    reserve: Reserve,
    _lock: Option<Lock>,
}

impl FileLedger {
    /// Makes a new ledger in a folder that has none; the folder is made too. Its origin is the name
    /// of the signer's key.
    ///
    /// # Errors
    /// [`LedgerError`]: there is one already, another process uses the folder, or it cannot be
    /// written.
    pub fn create(dir: &Path, signer: Signer) -> Result<Self, LedgerError> {
        let place = Place::new(Arc::new(System), dir);
        let made = place.disk.make_dirs(dir);
        made.map_err(|e| told(dir, "be made", &e))?;
        let lock = Lock::take(dir)?;
        Self::create_in(place, signer, Shape::default(), Some(lock))
    }

    /// Opens the ledger of a folder. Also answers how many bytes of a torn tail were cut, which the
    /// broker notes in an entry; `landed` is always empty.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] where there is none, another process uses it, or it cannot be
    /// written; [`LedgerError::Damaged`] where it is not as it was written.
    pub fn open(dir: &Path, signer: Signer) -> Result<(Self, Recovered), LedgerError> {
        let keys = signer.verifier().clone().into();
        Self::open_of(dir, signer, keys)
    }

    /// Like [`FileLedger::open`], for a ledger of which older keys have signed a part. Nothing is
    /// appended by a key that does not sign so many entries.
    ///
    /// # Errors
    /// As [`FileLedger::open`].
    pub fn open_of(
        dir: &Path,
        signer: Signer,
        keys: LedgerKeys,
    ) -> Result<(Self, Recovered), LedgerError> {
        let place = Place::new(Arc::new(System), dir);
        if place.segments()?.is_empty() {
            return Err(place.no_ledger());
        }
        let lock = Lock::take(dir)?;
        Self::open_in(place, (signer, keys), Shape::default(), Some(lock))
    }

    /// Like [`FileLedger::create`], with tiles that are there when a batch is: where the journal goes on in
    /// a new file then depends on what is in it alone.
    #[cfg(test)]
    pub(in crate::ledger) fn create_inline(
        dir: &Path,
        signer: Signer,
    ) -> Result<Self, LedgerError> {
        let shape = Shape {
            inline: true,
            ..Shape::default()
        };
        Self::create_in(Place::new(Arc::new(System), dir), signer, shape, None)
    }

    fn create_in(
        place: Place,
        signer: Signer,
        shape: Shape,
        lock: Option<Lock>,
    ) -> Result<Self, LedgerError> {
        if !place.segments()?.is_empty() {
            let there = format!("{} has a ledger already", place.dir.display());
            return Err(LedgerError::Unavailable(there));
        }
        let checkpoint = sign(&signer, 0, Hash::EMPTY_TREE)?;
        let journal = place.journal();
        let made = place.disk.make_dirs(&journal);
        made.map_err(|e| told(&journal, "be made", &e))?;
        let segment = Segment::begin(&place, &checkpoint);
        let segment = segment.map_err(|(Begun::Not(error) | Begun::Perhaps(error))| error)?;
        place.sync_names()?;
        let committed = Committed {
            edge: Edge::at(0, |_, _| Ok(Hash::EMPTY_TREE))?,
            checkpoint,
        };
        let loaded = Loaded {
            committed,
            segment,
            tiles_durable_at: 0,
            cut_bytes: 0,
        };
        let keys = signer.verifier().clone().into();
        Self::start(place, (signer, keys), shape, lock, loaded)
    }

    fn open_in(
        place: Place,
        (signer, keys): (Signer, LedgerKeys),
        shape: Shape,
        lock: Option<Lock>,
    ) -> Result<(Self, Recovered), LedgerError> {
        let loaded = load::load(&place, &keys)?;
        let recovered = Recovered {
            landed: Vec::new(),
            cut_bytes: loaded.cut_bytes,
        };
        let signing = (signer, keys);
        Ok((Self::start(place, signing, shape, lock, loaded)?, recovered))
    }

    fn start(
        place: Place,
        (signer, keys): (Signer, LedgerKeys),
        shape: Shape,
        lock: Option<Lock>,
        loaded: Loaded,
    ) -> Result<Self, LedgerError> {
        let durable = Marks::full_at(loaded.tiles_durable_at);
        let mut ledger = Self {
            reader: Arc::new(Reader::new(place.clone(), loaded.committed)),
            keeper: Keeper::start(place.clone(), durable, shape.inline)?,
            reserve: Reserve::keep(&place, &shape),
            place,
            shape,
            signer,
            keys,
            segment: loaded.segment,
            broken: None,
            stray: None,
            handed: durable,
            _lock: lock,
        };
        ledger.follow();
        Ok(ledger)
    }

    /// What follows from a durable batch: tiles, memory, a new segment. Nothing here can take the
    /// batch back, and what fails is tried again after a later one.
    fn follow(&mut self) {
        let newest = self.reader.newest();
        let full = Marks::full_at(newest.edge.size());
        if full != self.handed {
            let work = full_tiles(&newest.edge, &self.handed, &full);
            self.keeper.hand(work);
            self.handed = full;
        }
        let (first, size) = (newest.edge.first(), newest.edge.size());
        drop(newest);
        let durable = self.keeper.durable();
        if durable.bundles * edge::WIDTH > first + edge::WIDTH {
            self.reader.forget(&durable);
        }
        let entries = size - self.segment.first;
        let long = entries >= self.shape.segment_entries
            || (entries > 0 && self.segment.len() >= self.shape.segment_bytes);
        if long && durable.cover(&Marks::full_at(self.segment.first)) {
            self.begin_segment();
        }
    }

    fn begin_segment(&mut self) {
        let checkpoint = self.reader.checkpoint();
        match Segment::begin(&self.place, &checkpoint) {
            Ok(segment) => self.segment = segment,
            Err(Begun::Not(error)) => tracing::warn!(%error, "the journal stays in its old file"),
            Err(Begun::Perhaps(error)) => {
                tracing::error!(%error, "a new file of the journal is in doubt");
                self.stray = Some(checkpoint.size());
                self.broken = Some(error);
            }
        }
    }

    /// Removes a segment that may have been begun; nothing was written to it.
    fn remove_stray(&mut self) -> Result<(), LedgerError> {
        let Some(first) = self.stray else {
            return Ok(());
        };
        let path = self.place.segment(first);
        let removed = self.place.disk.remove(&path);
        let synced = removed.and_then(|()| self.place.disk.sync(&self.place.journal()));
        synced.map_err(|e| told(&path, "be removed", &e))?;
        self.stray = None;
        Ok(())
    }

    /// A key that was followed by another signs no more.
    fn demand_turn(&self, size: u64) -> Result<(), LedgerError> {
        let signs = self.keys.at(size);
        if signs == self.signer.verifier() {
            return Ok(());
        }
        let told = format!("{size} entries are signed by the key {signs}, which is not at hand");
        Err(LedgerError::Unavailable(told))
    }

    fn fail(&mut self, error: LedgerError) -> LedgerError {
        self.broken = Some(error.clone());
        error
    }
}

impl Ledger for FileLedger {
    fn size(&self) -> u64 {
        self.reader.newest().edge.size()
    }

    fn append(&mut self, entries: &[Arc<[u8]>]) -> Result<Arc<SignedCheckpoint>, LedgerError> {
        if let Some(why) = &self.broken {
            let told = format!("it has not recovered from: {why}");
            return Err(LedgerError::Unavailable(told));
        }
        entries.iter().try_for_each(|entry| admit(entry))?;
        if entries.is_empty() {
            return Ok(self.reader.checkpoint());
        }
        let growth = self.reader.newest().edge.plan(entries);
        self.demand_turn(growth.size())?;
        let checkpoint = sign(&self.signer, growth.size(), growth.root())?;
        let batch = segment::batch(entries, &checkpoint);
        self.segment
            .append(&batch)
            .map_err(|error| self.fail(error))?;
        let entries = entries.iter().cloned();
        self.reader.commit(growth, entries, Arc::clone(&checkpoint));
        self.follow();
        Ok(checkpoint)
    }

    fn recover(&mut self) -> Result<Recovered, LedgerError> {
        let Some(why) = &self.broken else {
            return Ok(Recovered::default());
        };
        if matches!(why, LedgerError::Full(_)) {
            self.reserve.spend(&self.place);
        }
        self.remove_stray()?;
        let edge = &self.reader.newest().edge;
        let keys = &self.keys;
        let (found, cut_bytes) = self.segment.recover(&self.place, edge, keys)?;
        self.broken = None;
        let mut landed = Vec::new();
        if let Some(found) = found {
            landed.clone_from(&found.entries);
            let checkpoint = Arc::new(found.checkpoint);
            self.reader.commit(found.growth, found.entries, checkpoint);
            self.follow();
        }
        Ok(Recovered { landed, cut_bytes })
    }

    fn room(&self) -> Room {
        self.reserve.room(&self.place)
    }

    fn make_room(&mut self) {
        self.reserve.refill(&self.place);
    }

    fn publish(&mut self) {
        let newest = self.reader.newest();
        let work = Work::Publish {
            partial: partial_tiles(&newest.edge),
            note: newest.checkpoint.note().into(),
        };
        self.keeper.hand(vec![work]);
    }

    fn reader(&self) -> Arc<dyn LedgerReader> {
        Arc::clone(&self.reader) as Arc<dyn LedgerReader>
    }
}

/// The tiles that became full.
fn full_tiles(edge: &Edge, handed: &Marks, full: &Marks) -> Vec<Work> {
    let bundles = (handed.bundles..full.bundles).map(|index| (TileKind::Entries, index));
    let rows = (0_u8..).zip(handed.tiles.iter().zip(&full.tiles));
    let tiles = rows.flat_map(|(row, (from, to))| {
        (*from..*to).map(move |index| (TileKind::Hashes(row), index))
    });
    let named = bundles
        .chain(tiles)
        .map(|(kind, index)| reader::full(kind, index));
    // All of them are in memory: what is not durable is not forgotten.
    named
        .filter_map(|tile| Some(Work::Tile(tile, edge.tile(tile)?)))
        .collect()
}

/// The last tile of each row, where it is not full.
fn partial_tiles(edge: &Edge) -> Vec<(TileId, Vec<u8>)> {
    let named = edge::partial_tiles(edge.size());
    named
        .filter_map(|tile| Some((tile, edge.tile(tile)?)))
        .collect()
}
