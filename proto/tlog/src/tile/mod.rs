//! Tiles: how hashes and entries are stored and served (C2SP `tlog-tiles`).
//!
//! A tile is a row of up to 256 hashes, 32 bytes each, one after another. Tile `n` of tile level
//! `l` holds the nodes `n * 256 ..` of tree level `8 * l`; the tree levels between are computed
//! from the tile. An entry bundle holds the entries of one tile of level 0. A full tile never
//! changes; the last tile of a level is partial until it is full, and has its width in its path.

mod bundle;
mod read;

use std::{fmt, str::FromStr};

pub use bundle::{BundleError, append_entry, decode_bundle, encode_bundle};
pub use read::{HashPlace, TileHashes, TileReadError, TileReader};

use crate::{decimal::parse_decimal, limits::TILE_WIDTH};

/// Levels of the tree in a tile: 2^8 = [`TILE_WIDTH`].
pub(crate) const TILE_HEIGHT: u8 = 8;
/// The highest tile level a path may name (tlog-tiles, "Merkle Tree").
const MAX_TILE_LEVEL: u8 = 63;
/// Tile levels that can hold anything, with at most 2^63 - 1 leaves.
const USED_TILE_LEVELS: u8 = 8;

/// Which tile, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// The entries themselves: an entry bundle.
    Entries,
    /// The hashes of a tile level, 0 being those of the leaves.
    Hashes(u8),
}

/// A tile that cannot be: no such path, a level above 63, or a width not within 1 to 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tile: expected tile/LEVEL/INDEX or tile/entries/INDEX, with .p/WIDTH if partial")]
pub struct TileIdError;

impl TileId {
    /// Names tile `index` of a kind; `width` counts its hashes or entries, 1 to 256.
    ///
    /// # Errors
    ///
    /// [`TileIdError`] if the level is above 63 or the width outside its range.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TileIdError> {
        let level_fits = !matches!(kind, TileKind::Hashes(level) if level > MAX_TILE_LEVEL);
        if level_fits && (1..=TILE_WIDTH).contains(&width) {
            Ok(Self { kind, index, width })
        } else {
            Err(TileIdError)
        }
    }

    /// What the tile holds.
    #[must_use]
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Which of its level, counted from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hashes or entries in it, 1 to 256.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is full, and so will never change.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The same tile once it is full: what to ask for if a partial one was deleted.
    #[must_use]
    pub fn full(&self) -> Self {
        Self {
            width: TILE_WIDTH,
            ..*self
        }
    }

    /// Reads a path such as `tile/0/x001/x234/067` or `tile/entries/000.p/17`.
    ///
    /// # Errors
    ///
    /// [`TileIdError`] unless it is the one way to write this path.
    pub fn parse(path: &str) -> Result<Self, TileIdError> {
        let rest = path.strip_prefix("tile/").ok_or(TileIdError)?;
        let (kind, rest) = rest.split_once('/').ok_or(TileIdError)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(parse_small(level)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, parse_small(width)?),
            None => (rest, TILE_WIDTH),
        };
        let tile = Self::new(kind, parse_index(index)?, width)?;
        // There is no partial tile of 256, and no shorter or longer way to write an index.
        if tile.to_string() == path {
            Ok(tile)
        } else {
            Err(TileIdError)
        }
    }
}

impl FromStr for TileId {
    type Err = TileIdError;

    fn from_str(path: &str) -> Result<Self, TileIdError> {
        Self::parse(path)
    }
}

/// Writes the path, relative to the prefix of the ledger: no slash in front.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        write_index(f, self.index)?;
        if self.is_full() {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

/// The hash tiles to write when a tree grows from `old` to `new` leaves, lowest level first.
///
/// Each is named at its width in the new tree: a full one is written once and for all, a partial
/// one is the last of its level. A tile that did not change is not named.
pub fn grown_tiles(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    (0..USED_TILE_LEVELS).flat_map(move |level| {
        let height = TILE_HEIGHT * level;
        grown_row(TileKind::Hashes(level), old >> height, new >> height)
    })
}

/// The entry bundles to write when a tree grows from `old` to `new` leaves, as for
/// [`grown_tiles`].
pub fn grown_bundles(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    grown_row(TileKind::Entries, old, new)
}

/// The tiles that change when a row grows from `old` to `new` places.
fn grown_row(kind: TileKind, old: u64, new: u64) -> impl Iterator<Item = TileId> {
    let width = u64::from(TILE_WIDTH);
    let tiles = if old < new {
        old / width..new.div_ceil(width)
    } else {
        0..0
    };
    tiles.map(move |index| TileId {
        kind,
        index,
        width: width_of(index, new),
    })
}

/// How many of the first `places` places of a row fall into tile `index`, at most 256.
fn width_of(index: u64, places: u64) -> u16 {
    let before = index.saturating_mul(u64::from(TILE_WIDTH));
    let width = places.saturating_sub(before).min(u64::from(TILE_WIDTH));
    width as u16
}

/// Writes an index in groups of three digits: `x001/x234/067`.
fn write_index(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    if index >= 1000 {
        write_leading_groups(f, index / 1000)?;
    }
    write!(f, "{:03}", index % 1000)
}

fn write_leading_groups(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    if index >= 1000 {
        write_leading_groups(f, index / 1000)?;
    }
    write!(f, "x{:03}/", index % 1000)
}

/// Reads grouped digits; that the grouping is right is for the caller to compare.
fn parse_index(path: &str) -> Result<u64, TileIdError> {
    path.split('/').try_fold(0_u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let is_group = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let group: u64 = digits.parse().map_err(|_| TileIdError)?;
        let index = index
            .checked_mul(1000)
            .and_then(|index| index.checked_add(group));
        index.filter(|_| is_group).ok_or(TileIdError)
    })
}

fn parse_small<T: TryFrom<u64>>(text: &str) -> Result<T, TileIdError> {
    parse_decimal(text)
        .and_then(|number| T::try_from(number).ok())
        .ok_or(TileIdError)
}
