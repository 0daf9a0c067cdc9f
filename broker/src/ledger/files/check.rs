//! Comparing everything on disk with everything else, without changing any of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use breakglass_tlog::{LedgerKeys, SignedCheckpoint, TileId, tile::TileKind};

use super::edge::{WIDTH, partial_tiles};
use super::place::{Place, told};
use super::segment::{Batch, Batches, Trouble, has_acknowledged};
use super::system::System;
use super::walk::Walk;
use crate::ledger::fsck::{Damage, Remedy};
use crate::ports::LedgerError;

/// What was counted and found.
#[derive(Default)]
pub(in crate::ledger) struct Physical {
    pub(in crate::ledger) entries: u64,
    pub(in crate::ledger) commits: u64,
    pub(in crate::ledger) segments: u64,
    pub(in crate::ledger) bytes: u64,
    pub(in crate::ledger) tiles: u64,
    pub(in crate::ledger) published: Option<u64>,
    pub(in crate::ledger) damage: Vec<Damage>,
    pub(in crate::ledger) torn_bytes: u64,
    pub(in crate::ledger) notes: Vec<String>,
}

/// Looks at the entry at a place; answers what is wrong with it.
pub(in crate::ledger) type Look<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), String>;

/// Walks the journal and compares what follows from it.
///
/// # Errors
/// [`LedgerError::Unavailable`] where there is nothing to check or it cannot be read.
pub(in crate::ledger) fn check(
    dir: &Path,
    keys: &LedgerKeys,
    look: Look<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Physical, LedgerError> {
    check_in(&Place::new(Arc::new(System), dir), keys, look, progress)
}

pub(super) fn check_in(
    place: &Place,
    keys: &LedgerKeys,
    look: Look<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Physical, LedgerError> {
    let firsts = place.segments()?;
    if firsts.is_empty() {
        return Err(place.no_ledger());
    }
    let published = read_published(place, keys);
    let durable = firsts[firsts.len().saturating_sub(2)];
    let size_published = published
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .map(|one| one.size());
    let mut checker = Checker {
        place,
        keys,
        look,
        walk: Walk::default(),
        required: durable.max(size_published.unwrap_or(0)),
        published: None,
        found: Physical::default(),
    };
    match published {
        Ok(published) => checker.published = published,
        Err(damage) => checker.found.damage.push(damage),
    }
    checker.found.published = size_published;
    for (number, first) in firsts.iter().enumerate() {
        let last = number + 1 == firsts.len();
        if !checker.segment(*first, last)? {
            let note = format!("nothing after entry {} was checked", checker.walk.size());
            checker.found.notes.push(note);
            return Ok(checker.finish());
        }
        progress(checker.walk.size());
    }
    checker.end_published();
    Ok(checker.finish())
}

struct Checker<'a> {
    place: &'a Place,
    keys: &'a LedgerKeys,
    look: Look<'a>,
    walk: Walk,
    /// Tiles up to here must be there; later ones may still be on their way.
    required: u64,
    /// The published checkpoint, until it was compared.
    published: Option<SignedCheckpoint>,
    found: Physical,
}

impl Checker<'_> {
    /// Checks one segment; answers whether the walk can go on.
    fn segment(&mut self, first: u64, last: bool) -> Result<bool, LedgerError> {
        let path = self.place.segment(first);
        let bytes = self
            .place
            .disk
            .read(&path)
            .map_err(|e| told(&path, "be read", &e))?;
        self.found.segments += 1;
        if first != self.walk.size() {
            let what = format!(
                "it begins with entry {first}, but {} comes next",
                self.walk.size()
            );
            self.damage(&path, None, what, Remedy::RestoreJournal);
            return Ok(false);
        }
        let mut good = 0;
        for batch in Batches::of(&bytes) {
            let taken = batch.and_then(|batch| self.batch(&path, &batch).map(|()| batch.end));
            match taken {
                Ok(end) => good = end,
                Err(trouble) => {
                    let rest = &bytes[good..];
                    let torn = last && good > 0;
                    if torn && !has_acknowledged(rest, self.walk.size(), self.keys) {
                        self.torn(&path, rest.len());
                        break;
                    }
                    self.damage(
                        &path,
                        Some(trouble.line),
                        trouble.what,
                        Remedy::RestoreJournal,
                    );
                    return Ok(false);
                }
            }
        }
        self.found.bytes += good as u64;
        Ok(true)
    }

    fn batch(&mut self, path: &Path, batch: &Batch<'_>) -> Result<(), Trouble> {
        let first = self.walk.size();
        let mut tiles = Vec::new();
        self.walk
            .take(batch, |tile, bytes| tiles.push((tile, bytes.to_vec())))?;
        if let Err(error) = self.keys.verify(&batch.note) {
            let line = Some(batch.last_line);
            self.damage(path, line, error.to_string(), Remedy::RestoreJournal);
        }
        self.found.commits += 1;
        for ((place, line), entry) in (first..).zip(batch.first_line..).zip(&batch.entries) {
            self.found.entries += 1;
            if let Err(what) = (self.look)(place, entry) {
                self.damage(path, Some(line), what, Remedy::RestoreJournal);
            }
        }
        for (tile, bytes) in tiles {
            self.tile(tile, &bytes);
        }
        self.compare_published();
        Ok(())
    }

    fn tile(&mut self, tile: TileId, expected: &[u8]) {
        let path = self.place.tile(tile);
        let what = match self.place.disk.read(&path) {
            Ok(found) if found == expected => {
                self.found.tiles += 1;
                return;
            }
            Ok(_) => "it is not what the journal gives".to_owned(),
            Err(error) => format!("it cannot be read: {error}"),
        };
        let reach = match tile.kind() {
            TileKind::Entries => WIDTH,
            TileKind::Hashes(row) => WIDTH << (8 * u32::from(row)),
        };
        if (tile.index() + 1) * reach <= self.required {
            self.damage(&path, None, what, Remedy::RemakeTiles);
        } else {
            let path = path.display();
            self.found.notes.push(format!(
                "{path}: not written yet, or made again at the next start"
            ));
        }
    }

    /// Once the walk is where the published checkpoint is.
    fn compare_published(&mut self) {
        let size = self.walk.size();
        let Some(published) = self.published.take_if(|published| published.size() <= size) else {
            return;
        };
        let path = self.place.checkpoint();
        if published.size() != size || published.root() != self.walk.root() {
            let what = format!(
                "the first {} entries are not those that were published",
                published.size()
            );
            self.damage(&path, None, what, Remedy::RestoreJournal);
            return;
        }
        for tile in partial_tiles(size) {
            let expected = self.walk.partial(tile.kind()).to_vec();
            let path = self.place.tile(tile);
            if self
                .place
                .disk
                .read(&path)
                .is_ok_and(|found| found == expected)
            {
                self.found.tiles += 1;
            } else {
                let what = "it is missing, or not what the journal gives".to_owned();
                self.damage(&path, None, what, Remedy::RemakeTiles);
            }
        }
    }

    /// What was published must be there.
    fn end_published(&mut self) {
        let Some(published) = self.published.take() else {
            return;
        };
        let (size, end) = (published.size(), self.walk.size());
        let what = format!("{size} entries were published, and the journal ends after {end}");
        self.damage(&self.place.journal(), None, what, Remedy::RestoreJournal);
    }

    fn torn(&mut self, path: &Path, bytes: usize) {
        self.found.torn_bytes = bytes as u64;
        let path = path.display();
        self.found.notes.push(format!(
            "{path}: {bytes} bytes after the last commit are being written, or are a torn tail \
             that the next start cuts"
        ));
    }

    fn damage(&mut self, file: &Path, line: Option<u64>, what: String, remedy: Remedy) {
        let file: PathBuf = file.to_owned();
        self.found.damage.push(Damage {
            file,
            line,
            what,
            remedy,
        });
    }

    fn finish(self) -> Physical {
        self.found
    }
}

/// The published checkpoint, if there is one.
fn read_published(place: &Place, keys: &LedgerKeys) -> Result<Option<SignedCheckpoint>, Damage> {
    let file = place.checkpoint();
    let Ok(bytes) = place.disk.read(&file) else {
        return Ok(None);
    };
    let note = String::from_utf8_lossy(&bytes);
    keys.verify(&note).map(Some).map_err(|e| Damage {
        file,
        line: None,
        what: e.to_string(),
        remedy: Remedy::RemakeTiles,
    })
}
