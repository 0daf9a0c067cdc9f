//! Reading a folder of tiles back, from the first entry, trusting none of it.
//!
//! Entries come out of the bundles; the hash tiles beside them must be those that the entries give. One
//! bundle and one tile of each level are in memory.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use breakglass_tlog::{
    Hash, TileId,
    limits::TILE_WIDTH,
    tile::{TileKind, decode_bundle},
};

use super::{
    rows,
    source::{LARGEST, root_of, to_hashes},
};
use crate::{error::Error, files};

/// Whether a folder holds entries as tiles.
#[must_use]
pub fn is_tiles(folder: &Path) -> bool {
    folder.join("tile/entries").is_dir()
}

/// The first `size` entries of a folder of tiles, in order.
pub struct Entries {
    folder: PathBuf,
    size: u64,
    next: u64,
    bundle: VecDeque<Vec<u8>>,
    /// The tile at the end of each level, as the entries give it.
    rows: Vec<Vec<Hash>>,
}

impl Entries {
    /// Reads as many as the checkpoint beside them signs.
    #[must_use]
    pub fn of(folder: &Path, size: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            size,
            next: 0,
            bundle: VecDeque::new(),
            rows: vec![Vec::new(); usize::from(rows::LEVELS)],
        }
    }

    /// The next entry; `None` after the last one, where all hash tiles are right.
    ///
    /// # Errors
    /// [`Error::Unverified`] where a tile is not what the entries give, or is missing.
    pub fn next_entry(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.next == self.size {
            return self.check_ends().map(|()| None);
        }
        if self.bundle.is_empty() {
            self.read_bundle()?;
        }
        let Some(entry) = self.bundle.pop_front() else {
            return Err(Error::unverified(format!(
                "entry {}: it is in no bundle",
                self.next
            )));
        };
        self.push(0, Hash::of_leaf(&entry))?;
        self.next += 1;
        Ok(Some(entry))
    }

    fn read_bundle(&mut self) -> Result<(), Error> {
        let index = self.next / u64::from(TILE_WIDTH);
        let full = rows::full_tile(TileKind::Entries, index);
        let tile = match rows::partial_bundle(self.size) {
            Some(partial) if partial.index() == index => partial,
            _ => full,
        };
        let (bytes, found) = self.read(tile)?;
        let wrong = |why: &str| Error::unverified(format!("{found} {why}"));
        let entries =
            decode_bundle(&bytes).map_err(|error| wrong(&format!("is no bundle: {error}")))?;
        if entries.len() != usize::from(found.width()) {
            return Err(wrong("has another number of entries than its name says"));
        }
        let wanted = entries.iter().take(tile.width().into());
        self.bundle = wanted.map(|entry| entry.to_vec()).collect();
        Ok(())
    }

    /// One more hash on a level; where its tile is full, that is checked and the next level grows.
    fn push(&mut self, level: u8, hash: Hash) -> Result<(), Error> {
        let row = &mut self.rows[usize::from(level)];
        row.push(hash);
        if row.len() < usize::from(TILE_WIDTH) {
            return Ok(());
        }
        let hashes = std::mem::take(row);
        let index = (self.next >> (8 * u32::from(level))) / u64::from(TILE_WIDTH);
        self.check(rows::full_tile(TileKind::Hashes(level), index), &hashes)?;
        self.push(level + 1, root_of(&hashes))
    }

    fn check_ends(&self) -> Result<(), Error> {
        for level in 0..rows::LEVELS {
            if let Some(tile) = rows::partial(self.size, level) {
                self.check(tile, &self.rows[usize::from(level)])?;
            }
        }
        Ok(())
    }

    fn check(&self, tile: TileId, hashes: &[Hash]) -> Result<(), Error> {
        let (bytes, found) = self.read(tile)?;
        match to_hashes(&bytes, found) {
            Some(found) if found.starts_with(hashes) => Ok(()),
            _ => Err(Error::unverified(format!(
                "{tile} is not what the entries give"
            ))),
        }
    }

    /// A tile, or the full one where the partial one has gone.
    fn read(&self, tile: TileId) -> Result<(Vec<u8>, TileId), Error> {
        for wanted in [tile, tile.full()] {
            let path = self.folder.join(wanted.to_string());
            if let Some(bytes) = files::read_up_to(&path, LARGEST as u64)? {
                return Ok((bytes, wanted));
            }
        }
        Err(Error::unverified(format!("{tile} is missing")))
    }
}
