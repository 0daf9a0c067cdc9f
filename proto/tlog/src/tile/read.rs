//! Reading the hashes of nodes out of tiles.

use super::{TILE_HEIGHT, TileId, TileIdError, TileKind, width_of};
use crate::{
    Hash, HashReader,
    hash::{HASH_BYTES, HashError},
    limits::MAX_TREE_SIZE,
};

/// Where in the tiles the hash of a complete node is found.
///
/// Nodes on tree levels divisible by 8 stand in a tile as they are; the others are computed from
/// the 2 to 128 hashes under them in one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashPlace {
    /// The tile level.
    level: u8,
    /// The tile on that level.
    tile: u64,
    /// The first hash under the node, within the tile.
    first: u16,
    /// How many hashes are under the node: 1, 2, 4, up to 128.
    count: u16,
}

impl HashPlace {
    /// Finds the node `index` of tree level `level`, or `None` beyond [`MAX_TREE_SIZE`] leaves.
    #[must_use]
    pub fn of(level: u8, index: u64) -> Option<Self> {
        if level >= 63 || index >= MAX_TREE_SIZE >> level {
            return None;
        }
        let (tile_level, within) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index << within;
        Some(Self {
            level: tile_level,
            tile: first >> TILE_HEIGHT,
            first: (first % (1 << TILE_HEIGHT)) as u16,
            count: 1 << within,
        })
    }

    /// The tile to read in a tree of `size` leaves, at its width there.
    ///
    /// # Errors
    ///
    /// [`TileIdError`] if the node is not complete in such a tree.
    pub fn tile_in(&self, size: u64) -> Result<TileId, TileIdError> {
        let places = size
            .checked_shr(u32::from(TILE_HEIGHT * self.level))
            .unwrap_or(0);
        let width = width_of(self.tile, places);
        if self.first + self.count > width {
            return Err(TileIdError);
        }
        TileId::new(TileKind::Hashes(self.level), self.tile, width)
    }

    /// Computes the hash of the node from the bytes of the tile.
    ///
    /// # Errors
    ///
    /// [`HashError`] if the tile is too short to hold the hashes under the node.
    pub fn read(&self, tile: &[u8]) -> Result<Hash, HashError> {
        let first = usize::from(self.first) * HASH_BYTES;
        let length = usize::from(self.count) * HASH_BYTES;
        let under = tile.get(first..first + length).ok_or(HashError)?;
        let (hashes, _) = under.as_chunks::<HASH_BYTES>();
        let mut row: Vec<Hash> = hashes.iter().copied().map(Hash::from_bytes).collect();
        while row.len() > 1 {
            row = row
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[l, r]| Hash::of_node(l, r))
                .collect();
        }
        row.first().copied().ok_or(HashError)
    }
}

/// Where tiles are read from: a folder, a cache, a server.
pub trait TileReader {
    /// The bytes of a tile, such as `Vec<u8>` or `Arc<[u8]>`.
    type Tile: AsRef<[u8]>;
    /// Why a tile could not be read.
    type Error: std::error::Error + 'static;

    /// The bytes of a hash tile: 32 for each hash of its width, or more if the reader has a wider
    /// version of the tile, which begins with the same hashes.
    ///
    /// # Errors
    ///
    /// Whatever keeps the tile from being read.
    fn read_tile(&self, tile: TileId) -> Result<Self::Tile, Self::Error>;
}

impl<R: TileReader + ?Sized> TileReader for &R {
    type Tile = R::Tile;
    type Error = R::Error;

    fn read_tile(&self, tile: TileId) -> Result<Self::Tile, Self::Error> {
        (**self).read_tile(tile)
    }
}

/// The stored hashes of a tree of a known size, read from its tiles.
///
/// Reads a tile for each hash asked for: put a cache in the [`TileReader`]. What comes out is no
/// more trusted than the tiles: compare a root or verify a proof made from it.
#[derive(Debug, Clone)]
pub struct TileHashes<T> {
    tiles: T,
    size: u64,
}

/// Why the hash of a node could not be read from tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileReadError<E: std::error::Error + 'static> {
    /// The node is not complete in a tree of this size, so it is in no tile.
    #[error("node {index} on level {level} is not complete in a tree of size {size}")]
    NotStored {
        /// The tree level asked for.
        level: u8,
        /// The index on that level.
        index: u64,
        /// The size of the tree, in leaves.
        size: u64,
    },
    /// The tile has fewer bytes than its width asks for.
    #[error("{0} is too short")]
    ShortTile(TileId),
    /// The tile could not be read.
    #[error("a tile could not be read")]
    Read(#[source] E),
}

impl<T> TileHashes<T> {
    /// Reads the tree of the first `size` leaves; `size` decides which partial tiles exist.
    pub fn new(tiles: T, size: u64) -> Self {
        Self { tiles, size }
    }
}

impl<T: TileReader> HashReader for TileHashes<T> {
    type Error = TileReadError<T::Error>;

    fn read_hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let not_stored = TileReadError::NotStored {
            level,
            index,
            size: self.size,
        };
        let place = HashPlace::of(level, index);
        let found = place.and_then(|place| Some((place, place.tile_in(self.size).ok()?)));
        let Some((place, tile)) = found else {
            return Err(not_stored);
        };
        let bytes = self.tiles.read_tile(tile).map_err(TileReadError::Read)?;
        place
            .read(bytes.as_ref())
            .map_err(|_| TileReadError::ShortTile(tile))
    }
}
