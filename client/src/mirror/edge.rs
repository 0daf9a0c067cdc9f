//! The right edge of a tree: what a signed root proves by itself.
//!
//! The root over `size` leaves is made of the complete subtrees they divide into (RFC 6962 section 2.1),
//! and those are, level by level, exactly the hashes of the partial tiles at the end of each row. So where
//! these give the root that was signed, each of them is right; and each says what the tiles under it are.

use std::collections::BTreeMap;
use std::convert::Infallible;

use breakglass_tlog::{
    Hash, SignedCheckpoint, TileId,
    limits::TILE_WIDTH,
    tile::{TileHashes, TileKind, TileReader},
    tree::tree_hash,
};

use super::{
    rows,
    source::{self, Source},
};
use crate::{error::Error, trust::Trust};

/// Tiles that are proven, by level and index.
#[derive(Debug, Default)]
pub(super) struct Edge {
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl Edge {
    /// Fetches the edge of the new tree, and where the older one of `old` leaves had its edge; proves
    /// all of it.
    pub(super) async fn fetch(
        source: &impl Source,
        new: &SignedCheckpoint,
        old: u64,
    ) -> Result<Self, Error> {
        let mut edge = Self::default();
        for tile in (0..rows::LEVELS).filter_map(|level| rows::partial(new.size(), level)) {
            edge.add(tile, source::hashes(source, tile).await?);
        }
        if edge.root(new.size(), new.size()) != Some(new.root()) {
            let what = "the hash tiles, as they are served, do not give the root that was signed";
            return Err(Error::unverified(what));
        }
        if old > 0 {
            edge.fetch_way(source, old, new.size()).await?;
        }
        Ok(edge)
    }

    /// Where the older tree had its edge: from the top to the bottom, each tile under the one before.
    async fn fetch_way(&mut self, source: &impl Source, old: u64, new: u64) -> Result<(), Error> {
        for level in (0..rows::LEVELS).rev() {
            let index = rows::full(old, level);
            if index >= rows::full(new, level) {
                continue; // in the new edge, or not there
            }
            let tile = rows::full_tile(TileKind::Hashes(level), index);
            let hashes = source::hashes(source, tile).await?;
            if self.says(level, index) != Some(source::root_of(&hashes)) {
                return Err(source::wrong(tile, "it is not the one that was signed"));
            }
            self.add(tile, hashes);
        }
        Ok(())
    }

    fn add(&mut self, tile: TileId, hashes: Vec<Hash>) {
        if let TileKind::Hashes(level) = tile.kind() {
            self.tiles.insert((level, tile.index()), hashes);
        }
    }

    /// The hashes of a proven tile.
    pub(super) fn hashes(&self, level: u8, index: u64) -> Option<&[Hash]> {
        self.tiles.get(&(level, index)).map(Vec::as_slice)
    }

    /// What the row above says of a full tile, where it is in the edge.
    fn says(&self, level: u8, index: u64) -> Option<Hash> {
        let above = self.hashes(level + 1, index / u64::from(TILE_WIDTH))?;
        above.get(place_of(index)).copied()
    }

    /// The root over the first `size` of `all` leaves.
    fn root(&self, size: u64, all: u64) -> Option<Hash> {
        tree_hash(size, &TileHashes::new(self, all)).ok()
    }

    /// Checks that the new tree begins with the older one.
    pub(super) fn goes_on_from(
        &self,
        old: &SignedCheckpoint,
        new: &SignedCheckpoint,
        trust: &Trust,
    ) -> Result<(), Error> {
        match self.root(old.size(), new.size()) {
            Some(root) if root == old.root() => Ok(()),
            root => {
                let root = root.map_or_else(|| "none".to_owned(), |root| root.to_string());
                let why = format!(
                    "its first {} entries, which this mirror holds, give the root {root} now",
                    old.size()
                );
                Err(trust.contradiction(old.into(), new.into(), None, &why))
            }
        }
    }
}

/// Where in the tile above the root of a full tile stands.
pub(super) fn place_of(index: u64) -> usize {
    (index % u64::from(TILE_WIDTH)) as usize
}

/// What is not in the edge is a tile without hashes, from which no root is read.
impl TileReader for Edge {
    type Tile = Vec<u8>;
    type Error = Infallible;

    fn read_tile(&self, tile: TileId) -> Result<Vec<u8>, Infallible> {
        let TileKind::Hashes(level) = tile.kind() else {
            return Ok(Vec::new());
        };
        let hashes = self.hashes(level, tile.index()).unwrap_or_default();
        Ok(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }
}
