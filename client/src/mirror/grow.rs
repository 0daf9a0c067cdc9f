//! Fetching what is missing, from the top to the bottom, each file proven before it is written.

use breakglass_tlog::{Hash, TileId, limits::TILE_WIDTH, tile::TileKind};

use super::{
    edge::{Edge, place_of},
    place::Place,
    rows,
    source::{self, Source, root_of, to_hashes},
};
use crate::error::Error;

/// A mirror on its way from one size to another.
pub(super) struct Growth<'a, S> {
    source: &'a S,
    place: &'a Place,
    old: u64,
    new: u64,
    pub(super) fetched: u64,
    pub(super) mended: Vec<String>,
}

impl<'a, S: Source> Growth<'a, S> {
    pub(super) fn new(source: &'a S, place: &'a Place, old: u64, new: u64) -> Self {
        Self {
            source,
            place,
            old,
            new,
            fetched: 0,
            mended: Vec::new(),
        }
    }

    /// Brings every file of the new tree that the first `from` entries do not have.
    pub(super) async fn fetch(
        &mut self,
        edge: &Edge,
        from: u64,
        progress: impl Fn(u64, u64),
    ) -> Result<(), Error> {
        for level in (0..rows::LEVELS).rev() {
            let mut above = Above::of(level);
            for index in rows::full(from, level)..rows::full(self.new, level) {
                let root = above.says(index, edge, self.place)?;
                self.bring_hashes(edge, (level, index), root).await?;
            }
        }
        for index in rows::full(from, 0)..rows::full(self.new, 0) {
            let leaves = self.proven(rows::full_tile(TileKind::Hashes(0), index))?;
            let tile = rows::full_tile(TileKind::Entries, index);
            self.bring_entries(tile, &leaves).await?;
            progress((index + 1) * u64::from(TILE_WIDTH), self.new);
        }
        self.bring_edge(edge).await?;
        self.place.sync()
    }

    /// The partial tiles at the ends of the rows.
    async fn bring_edge(&mut self, edge: &Edge) -> Result<(), Error> {
        for level in 0..rows::LEVELS {
            let Some(tile) = rows::partial(self.new, level) else {
                continue;
            };
            let hashes = edge.hashes(level, tile.index()).unwrap_or_default();
            let bytes = to_bytes(hashes);
            if self.place.tile(tile)?.as_deref() != Some(&bytes) {
                self.place.put(tile, &bytes)?;
                self.fetched += 1;
            }
        }
        let Some(tile) = rows::partial_bundle(self.new) else {
            return Ok(());
        };
        let leaves = edge.hashes(0, tile.index()).unwrap_or_default();
        self.bring_entries(tile, leaves).await
    }

    /// A full hash tile with this root.
    async fn bring_hashes(
        &mut self,
        edge: &Edge,
        (level, index): (u8, u64),
        root: Hash,
    ) -> Result<(), Error> {
        let tile = rows::full_tile(TileKind::Hashes(level), index);
        if let Some(bytes) = self.place.tile(tile)? {
            if to_hashes(&bytes, tile).is_some_and(|hashes| root_of(&hashes) == root) {
                return Ok(());
            }
            self.mended.push(tile.to_string());
        }
        let hashes = match edge.hashes(level, index) {
            Some(hashes) => hashes.to_vec(),
            None => source::hashes(self.source, tile).await?,
        };
        if root_of(&hashes) != root {
            return Err(source::wrong(tile, "it is not the one that was signed"));
        }
        self.fetched += 1;
        self.place.put(tile, &to_bytes(&hashes))
    }

    /// A bundle of the entries with these leaf hashes.
    async fn bring_entries(&mut self, tile: TileId, leaves: &[Hash]) -> Result<(), Error> {
        if let Some(bytes) = self.place.tile(tile)? {
            if is_bundle_of(&bytes, leaves) {
                return Ok(());
            }
            self.mended.push(tile.to_string());
        }
        let bytes = source::bundle(self.source, tile, leaves).await?;
        self.fetched += 1;
        self.place.put(tile, &bytes)
    }

    /// The hashes of a full tile that this run has proven and written, or found and proven.
    fn proven(&self, tile: TileId) -> Result<Vec<Hash>, Error> {
        proven(self.place, tile)
    }

    /// Removes partial tiles that nobody needs any more: where the full one is there, and those between
    /// the last head of this mirror and the new one.
    pub(super) fn tidy(&self) -> Result<(), Error> {
        for (kind, level) in rows::all() {
            for index in rows::full(self.old, level)..rows::full(self.new, level) {
                self.place.remove_partial(rows::full_tile(kind, index))?;
            }
            if let Some(new) = rows::partial_of(kind, self.new, level) {
                let old = rows::partial_of(kind, self.old, level);
                let kept = [Some(new), old.filter(|old| old.index() == new.index())];
                self.place.keep_partial(new.full(), &kept)?;
            }
        }
        Ok(())
    }
}

/// The row above one, a tile at a time.
struct Above {
    level: u8,
    read: Option<(u64, Vec<Hash>)>,
}

impl Above {
    fn of(level: u8) -> Self {
        Self {
            level: level + 1,
            read: None,
        }
    }

    /// The root that a full tile has, from the edge or from the full tile above, which is proven.
    fn says(&mut self, index: u64, edge: &Edge, place: &Place) -> Result<Hash, Error> {
        let above = index / u64::from(TILE_WIDTH);
        if self.read.as_ref().is_none_or(|(read, _)| *read != above) {
            let hashes = match edge.hashes(self.level, above) {
                Some(hashes) => hashes.to_vec(),
                None => proven(place, rows::full_tile(TileKind::Hashes(self.level), above))?,
            };
            self.read = Some((above, hashes));
        }
        let hashes = self.read.as_ref().map(|(_, hashes)| hashes.as_slice());
        let root = hashes.and_then(|hashes| hashes.get(place_of(index)).copied());
        root.ok_or_else(|| place.vanished(rows::full_tile(TileKind::Hashes(self.level), above)))
    }
}

fn proven(place: &Place, tile: TileId) -> Result<Vec<Hash>, Error> {
    let bytes = place.tile(tile)?;
    let hashes = bytes.and_then(|bytes| to_hashes(&bytes, tile));
    hashes.ok_or_else(|| place.vanished(tile))
}

fn is_bundle_of(bytes: &[u8], leaves: &[Hash]) -> bool {
    breakglass_tlog::tile::decode_bundle(bytes).is_ok_and(|entries| {
        let entries = entries.iter().map(|entry| Hash::of_leaf(entry));
        entries.eq(leaves.iter().copied())
    })
}

fn to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}
