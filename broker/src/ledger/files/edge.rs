//! The right edge of the ledger, in memory: what is not in a durable full tile yet, and the tile
//! before it, so that the newest entries are read and proven without the disk.

use std::convert::Infallible;
use std::sync::Arc;

use breakglass_tlog::limits::TILE_WIDTH;
use breakglass_tlog::tile::{TileKind, encode_bundle};
use breakglass_tlog::{Frontier, Hash, HashReader, TileId};

use crate::ports::LedgerError;

/// Entries in a full bundle, hashes in a full tile.
pub(super) const WIDTH: u64 = TILE_WIDTH as u64;
/// Levels of the tree in one tile.
const HEIGHT: u32 = 8;
/// Levels of the largest tree.
const LEVELS: usize = 64;
/// Tile levels of the largest tree.
pub(super) const ROWS: usize = LEVELS / HEIGHT as usize;

/// How many full bundles, and how many full tiles of each level, are somewhere: handed to the
/// keeper, or durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    pub(super) bundles: u64,
    pub(super) tiles: [u64; ROWS],
}

impl Marks {
    /// All that are full in a ledger of `size` entries.
    pub(super) fn full_at(size: u64) -> Self {
        Self {
            bundles: size / WIDTH,
            tiles: std::array::from_fn(|row| places(size, row) / WIDTH),
        }
    }

    /// Whether all of `other` is within.
    pub(super) fn cover(&self, other: &Self) -> bool {
        let mut tiles = self.tiles.iter().zip(&other.tiles);
        self.bundles >= other.bundles && tiles.all(|(own, other)| own >= other)
    }
}

/// Hashes of tile level `row` in a ledger of `size` entries.
fn places(size: u64, row: usize) -> u64 {
    size.checked_shr(HEIGHT * row as u32).unwrap_or(0)
}

/// The last tile of each row in a ledger of `size` entries, where it is not full.
pub(super) fn partial_tiles(size: u64) -> impl Iterator<Item = TileId> {
    let rows = (0..ROWS).map(move |row| (TileKind::Hashes(row as u8), places(size, row)));
    let all = std::iter::once((TileKind::Entries, size)).chain(rows);
    // A width of 0 names no tile.
    all.filter_map(|(kind, places)| TileId::new(kind, places / WIDTH, (places % WIDTH) as u16).ok())
}

/// The last tiles and entries, and the frontier to grow them with.
#[derive(Clone)]
pub(super) struct Edge {
    frontier: Frontier,
    entries: Row<Arc<[u8]>>,
    /// By level of the tree: complete nodes from the first tile that is kept.
    nodes: Vec<Row<Hash>>,
}

/// What appending a batch adds, worked out before it is written.
pub(super) struct Growth {
    frontier: Frontier,
    nodes: Vec<(u8, u64, Hash)>,
}

impl Growth {
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(super) fn root(&self) -> Hash {
        self.frontier.root()
    }
}

/// The part of a row from `first` on.
#[derive(Clone)]
struct Row<T> {
    first: u64,
    items: Vec<T>,
}

impl<T> Row<T> {
    fn at(&self, index: u64) -> Option<&T> {
        let place = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.items.get(place)
    }

    fn from(&self, index: u64, count: u64) -> Option<&[T]> {
        let start = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.items.get(start..start + usize::try_from(count).ok()?)
    }

    fn drop_before(&mut self, index: u64) {
        if index > self.first {
            let count = usize::try_from(index - self.first).unwrap_or(usize::MAX);
            self.items.drain(..count.min(self.items.len()));
            self.first = index;
        }
    }
}

impl Edge {
    /// The edge of the first `base` entries, a multiple of 256. The rows of higher tile levels are
    /// made from the roots of the full tiles under them, which `root_of(row, tile)` reads.
    pub(super) fn at(
        base: u64,
        mut root_of: impl FnMut(usize, u64) -> Result<Hash, LedgerError>,
    ) -> Result<Self, LedgerError> {
        let mut nodes: Vec<Row<Hash>> = Vec::with_capacity(LEVELS);
        for level in 0..LEVELS {
            let (row, within) = (level / HEIGHT as usize, level as u32 % HEIGHT);
            let start = places(base, row) / WIDTH * WIDTH;
            let first = start >> within;
            let items = match nodes.last() {
                Some(under) if within > 0 => pairs(&under.items),
                _ if row > 0 => (start..places(base, row))
                    .map(|tile| root_of(row - 1, tile))
                    .collect::<Result<_, _>>()?,
                _ => Vec::new(),
            };
            nodes.push(Row { first, items });
        }
        let mut edge = Self {
            frontier: Frontier::new(),
            entries: Row {
                first: base,
                items: Vec::new(),
            },
            nodes,
        };
        edge.frontier = Frontier::read(base, &InMemory(&edge))
            .map_err(|e| LedgerError::Damaged(e.to_string()))?;
        Ok(edge)
    }

    /// Entries in the ledger.
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The first entry in memory.
    pub(super) fn first(&self) -> u64 {
        self.entries.first
    }

    /// Works out what these entries would add.
    pub(super) fn plan<E: AsRef<[u8]>>(&self, entries: &[E]) -> Growth {
        let mut growth = Growth {
            frontier: self.frontier.clone(),
            nodes: Vec::with_capacity(entries.len() * 2),
        };
        for entry in entries {
            let nodes = &mut growth.nodes;
            let leaf = Hash::of_leaf(entry.as_ref());
            let completed = |level, index, hash| nodes.push((level, index, hash));
            growth.frontier.push_each(leaf, completed);
        }
        growth
    }

    /// Grows by entries and what [`Edge::plan`] worked out for them.
    pub(super) fn grow(&mut self, growth: Growth, entries: impl IntoIterator<Item = Arc<[u8]>>) {
        self.frontier = growth.frontier;
        self.entries.items.extend(entries);
        for (level, _, hash) in growth.nodes {
            self.nodes[usize::from(level)].items.push(hash);
        }
    }

    /// Forgets what is in durable tiles, but for the last full one of each row: a batch that ends
    /// a tile is proven right after.
    pub(super) fn forget(&mut self, durable: &Marks) {
        let full = Marks::full_at(self.size());
        let keep = durable.bundles.min(full.bundles.saturating_sub(1));
        self.entries.drop_before(keep * WIDTH);
        for (level, nodes) in self.nodes.iter_mut().enumerate() {
            let (row, within) = (level / HEIGHT as usize, level as u32 % HEIGHT);
            let keep = durable.tiles[row].min(full.tiles[row].saturating_sub(1));
            nodes.drop_before((keep * WIDTH) >> within);
        }
    }

    /// A complete node, where it is in memory.
    pub(super) fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.nodes.get(usize::from(level))?.at(index).copied()
    }

    /// Entries from `from` on, at most `max`; `None` where `from` is not in memory.
    pub(super) fn entries(&self, from: u64, max: usize) -> Option<&[Arc<[u8]>]> {
        let start = usize::try_from(from.checked_sub(self.entries.first)?).ok()?;
        let found = self.entries.items.get(start..).unwrap_or_default();
        Some(&found[..found.len().min(max)])
    }

    /// The bytes of a bundle or tile that is wholly in memory.
    pub(super) fn tile(&self, tile: TileId) -> Option<Vec<u8>> {
        let (start, width) = (tile.index() * WIDTH, u64::from(tile.width()));
        match tile.kind() {
            TileKind::Entries => encode_bundle(self.entries.from(start, width)?).ok(),
            TileKind::Hashes(row) => {
                let nodes = self.nodes.get(usize::from(row) * HEIGHT as usize)?;
                let hashes = nodes.from(start, width)?;
                Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
            }
        }
    }
}

/// The hashes of the nodes above a row.
fn pairs(row: &[Hash]) -> Vec<Hash> {
    let (pairs, _) = row.as_chunks::<2>();
    pairs
        .iter()
        .map(|[left, right]| Hash::of_node(left, right))
        .collect()
}

/// Reads nodes that are known to be in memory.
struct InMemory<'a>(&'a Edge);

impl HashReader for InMemory<'_> {
    type Error = Infallible;

    fn read_hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        // A subtree of a base that is a multiple of 256 is always in the last tile of its row,
        // which `Edge::at` has just made; were it not, the root would not match the checkpoint.
        Ok(self.0.node(level, index).unwrap_or(Hash::EMPTY_TREE))
    }
}
