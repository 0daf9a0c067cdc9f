//! Which tiles a tree has: rows of full ones, and at the end of each at most one that is partial.

use breakglass_tlog::{TileId, limits::TILE_WIDTH, tile::TileKind};

/// Levels of hash tiles that can hold anything: a tree has at most 2^63 - 1 leaves.
pub(super) const LEVELS: u8 = 8;

/// Places on a level of a tree of `size` leaves: 256 times fewer with each.
fn places(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * 8).unwrap_or(0)
}

/// How many tiles of a level are full.
pub(super) fn full(size: u64, level: u8) -> u64 {
    places(size, level) / u64::from(TILE_WIDTH)
}

/// The hash tile at the end of a level, where it is partial.
pub(super) fn partial(size: u64, level: u8) -> Option<TileId> {
    partial_of(TileKind::Hashes(level), size, level)
}

/// The bundle at the end, where it is partial.
pub(super) fn partial_bundle(size: u64) -> Option<TileId> {
    partial_of(TileKind::Entries, size, 0)
}

/// The full tile `index` of a level.
pub(super) fn full_tile(kind: TileKind, index: u64) -> TileId {
    TileId::new(kind, index, TILE_WIDTH).expect("a level below 8, and the width of a full tile")
}

/// Every row: its tiles, and the level whose places it has.
pub(super) fn all() -> impl Iterator<Item = (TileKind, u8)> {
    let hashes = (0..LEVELS).map(|level| (TileKind::Hashes(level), level));
    hashes.chain([(TileKind::Entries, 0)])
}

/// The tile at the end of a row, where it is partial.
pub(super) fn partial_of(kind: TileKind, size: u64, level: u8) -> Option<TileId> {
    let width = places(size, level) % u64::from(TILE_WIDTH);
    let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
    TileId::new(kind, full(size, level), width).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tiles of a tree are those it grew by, from nothing.
    #[test]
    fn rows_are_those_of_the_tree() {
        for size in [
            1,
            255,
            256,
            257,
            65_535,
            65_536,
            65_537,
            16_777_216 + 256 + 1,
        ] {
            let ends = (0..LEVELS).filter_map(|level| partial(size, level));
            let mut ends: Vec<_> = ends.map(|tile| tile.to_string()).collect();
            let from = size.saturating_sub(1);
            let grown = breakglass_tlog::tile::grown_tiles(0, size);
            let mut last: Vec<_> = grown
                .filter(|tile| !tile.is_full())
                .map(|tile| tile.to_string())
                .collect();
            ends.sort();
            last.sort();
            assert_eq!(ends, last, "{size}");
            let full_ones = breakglass_tlog::tile::grown_tiles(0, size).filter(TileId::is_full);
            let counted: u64 = (0..LEVELS).map(|level| full(size, level)).sum();
            assert_eq!(counted, full_ones.count() as u64, "{from}");
        }
    }
}
