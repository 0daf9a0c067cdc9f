//! Comparing everything on disk with everything else, without changing any of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use breakglass_tlog::{LedgerKeys, SignedCheckpoint, TileId, tile::TileKind};

use super::ahead::{self, Found, Later, Prepared, Wrong};
use super::edge::{WIDTH, partial_tiles};
use super::place::Place;
use super::segment::{Batch, Trouble, has_acknowledged};
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

/// Looks at what entries say, beyond their bytes and hashes.
pub(in crate::ledger) trait Look {
    /// What a line alone says.
    type Read: Send;
    /// What of an entry is put off: it needs nothing but itself.
    type Later: Send + Sync;

    /// Reads one line: of lines in any order, on any thread.
    fn read(line: &[u8]) -> Self::Read;

    /// Takes the entry at a place, in order.
    ///
    /// # Errors
    /// What is wrong with it.
    fn take(&mut self, place: u64, read: Self::Read) -> (Option<Self::Later>, Result<(), String>);

    /// Does what was put off: in any order, on any thread.
    ///
    /// # Errors
    /// What is wrong with it.
    fn settle(later: &Self::Later) -> Result<(), String>;
}

/// How far a walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SoFar {
    /// Entries of the journal that were looked at.
    pub entries: u64,
    /// Bytes of its segments that were read.
    pub bytes: u64,
    /// Bytes of all of them.
    pub of_bytes: u64,
}

/// Walks the journal and compares what follows from it, with so many threads beside this one.
///
/// # Errors
/// [`LedgerError::Unavailable`] where there is nothing to check or it cannot be read.
pub(in crate::ledger) fn check<K: Look>(
    dir: &Path,
    keys: &LedgerKeys,
    threads: usize,
    look: &mut K,
    progress: &mut dyn FnMut(SoFar),
) -> Result<Physical, LedgerError> {
    let place = &Place::new(Arc::new(System), dir);
    let firsts = place.segments()?;
    if firsts.is_empty() {
        return Err(place.no_ledger());
    }
    let mut checker = Checker::begin(place, keys, look, &firsts);
    let last = firsts.last().copied().unwrap_or_default();
    let mut so_far = SoFar {
        of_bytes: firsts.iter().map(|first| length(place, *first)).sum(),
        ..SoFar::default()
    };
    let (mut is_whole, mut wrong) = (true, Vec::new());
    let mut walk = |group: Vec<Prepared<K::Read>>| {
        for prepared in group {
            let is_last = prepared.first == last;
            so_far.bytes += prepared.bytes.len() as u64;
            if !checker.segment(prepared, is_last) {
                is_whole = false;
                break;
            }
            so_far.entries = checker.walk.size();
            progress(so_far);
        }
        (is_whole, std::mem::take(&mut checker.later))
    };
    let settled = |some| wrong.extend(some);
    ahead::go_through::<K>((place, &firsts), keys, threads, &mut walk, settled)?;
    for Wrong { path, line, what } in wrong {
        checker.damage(&path, Some(line), what, Remedy::RestoreJournal);
    }
    if is_whole {
        checker.end_published();
    } else {
        let note = format!("nothing after entry {} was checked", checker.walk.size());
        checker.found.notes.push(note);
    }
    Ok(checker.finish())
}

/// The bytes of a segment, for those who wait: one that cannot be looked at is told when it is read.
fn length(place: &Place, first: u64) -> u64 {
    fs::metadata(place.segment(first)).map_or(0, |found| found.len())
}

struct Checker<'a, K: Look> {
    place: &'a Place,
    keys: &'a LedgerKeys,
    look: &'a mut K,
    walk: Walk,
    /// Tiles up to here must be there; later ones may still be on their way.
    required: u64,
    /// The published checkpoint, until it was compared.
    published: Option<SignedCheckpoint>,
    found: Physical,
    /// What was put off.
    later: Vec<Later<K::Later>>,
}

impl<'a, K: Look> Checker<'a, K> {
    /// Before the first of these segments.
    fn begin(place: &'a Place, keys: &'a LedgerKeys, look: &'a mut K, firsts: &[u64]) -> Self {
        let mut found = Physical::default();
        let published = match read_published(place, keys) {
            Ok(published) => published,
            Err(damage) => {
                found.damage.push(damage);
                None
            }
        };
        found.published = published.as_ref().map(SignedCheckpoint::size);
        let durable = firsts[firsts.len().saturating_sub(2)];
        Self {
            place,
            keys,
            look,
            walk: Walk::default(),
            required: durable.max(found.published.unwrap_or(0)),
            published,
            found,
            later: Vec::new(),
        }
    }

    /// Checks one segment; answers whether the walk can go on.
    fn segment(&mut self, prepared: Prepared<K::Read>, last: bool) -> bool {
        let Prepared {
            first,
            path,
            bytes,
            batches,
            trouble,
        } = prepared;
        self.found.segments += 1;
        if first != self.walk.size() {
            let what = format!(
                "it begins with entry {first}, but {} comes next",
                self.walk.size()
            );
            self.damage(&path, None, what, Remedy::RestoreJournal);
            return false;
        }
        let mut good = 0;
        let batches = batches.into_iter().map(Ok);
        for found in batches.chain(trouble.map(Err)) {
            let taken = found.and_then(|found| {
                let batch = found.batch(&bytes);
                self.batch(&path, &batch, found).map(|()| batch.end)
            });
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
                    return false;
                }
            }
        }
        self.found.bytes += good as u64;
        true
    }

    fn batch(
        &mut self,
        path: &Path,
        batch: &Batch<'_>,
        found: Found<K::Read>,
    ) -> Result<(), Trouble> {
        let first = self.walk.size();
        let mut tiles = Vec::new();
        self.walk.take_hashed(batch, &found.leaves, |tile, bytes| {
            tiles.push((tile, bytes.to_vec()));
        })?;
        if let Err(error) = found.signed {
            let line = Some(batch.last_line);
            self.damage(path, line, error, Remedy::RestoreJournal);
        }
        self.found.commits += 1;
        for ((place, line), read) in (first..).zip(batch.first_line..).zip(found.read) {
            self.found.entries += 1;
            let (later, taken) = self.look.take(place, read);
            if let Err(what) = taken {
                self.damage(path, Some(line), what, Remedy::RestoreJournal);
            }
            if let Some(what) = later {
                let path = path.to_owned();
                self.later.push(Later { path, line, what });
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
