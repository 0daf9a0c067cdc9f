//! Storing a tree as files.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_tlog::{
    Frontier, Hash, HashReader as _, TileId,
    limits::{MAX_ENTRY_BYTES, MAX_TREE_SIZE},
    tile::{
        BundleError, HashPlace, TileHashes, TileKind, TileReadError, TileReader, append_entry,
        decode_bundle, encode_bundle, grown_bundles, grown_tiles,
    },
    tree::{ProveError, prove_consistency, prove_inclusion, tree_hash},
};
use proptest::prelude::*;

use crate::ledger::{entry, stored};

/// A folder of tiles, written as a ledger would write it: batch by batch.
#[derive(Default)]
struct Folder {
    tree: Frontier,
    /// The hashes of each tile level, in one row.
    rows: BTreeMap<u8, Vec<u8>>,
    files: BTreeMap<TileId, Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no file {0}")]
struct NoFile(TileId);

impl Folder {
    fn append(&mut self, entries: u64) {
        let old = self.tree.size();
        for index in old..old + entries {
            self.tree
                .push_each(Hash::of_leaf(&entry(index)), |level, _, hash| {
                    if level % 8 == 0 {
                        self.rows
                            .entry(level / 8)
                            .or_default()
                            .extend(hash.as_bytes());
                    }
                });
        }
        for tile in grown_tiles(old, self.tree.size()) {
            let TileKind::Hashes(level) = tile.kind() else {
                panic!("{tile} holds entries")
            };
            let start = tile.index() as usize * 256 * 32;
            let bytes = &self.rows[&level][start..start + usize::from(tile.width()) * 32];
            self.files.insert(tile, bytes.to_vec());
        }
    }
}

impl TileReader for Folder {
    type Tile = Vec<u8>;
    type Error = NoFile;

    fn read_tile(&self, tile: TileId) -> Result<Vec<u8>, NoFile> {
        self.files.get(&tile).cloned().ok_or(NoFile(tile))
    }
}

#[test]
fn paths_are_those_of_the_specification() {
    for (path, kind, index, width) in [
        ("tile/0/x001/x234/067", TileKind::Hashes(0), 1_234_067, 256),
        ("tile/0/000", TileKind::Hashes(0), 0, 256),
        ("tile/0/273.p/112", TileKind::Hashes(0), 273, 112),
        ("tile/1/001.p/17", TileKind::Hashes(1), 1, 17),
        ("tile/63/x001/000.p/1", TileKind::Hashes(63), 1_000, 1),
        (
            "tile/entries/x001/x234/067",
            TileKind::Entries,
            1_234_067,
            256,
        ),
        ("tile/entries/999.p/255", TileKind::Entries, 999, 255),
        (
            "tile/0/x018/x446/x744/x073/x709/x551/615",
            TileKind::Hashes(0),
            u64::MAX,
            256,
        ),
    ] {
        let tile = TileId::parse(path).unwrap();
        assert_eq!(
            (tile.kind(), tile.index(), tile.width()),
            (kind, index, width),
            "{path}"
        );
        assert_eq!(tile.to_string(), path);
        assert_eq!(tile.is_full(), width == 256);
        assert_eq!(tile.full(), TileId::new(kind, index, 256).unwrap());
    }
}

#[test]
fn other_ways_to_write_a_path_are_refused() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/00/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/0/00a",
        "tile/0/+01",
        "tile/0/\u{661}\u{661}\u{661}",
        "tile/0/000/",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/65537",
        "tile/0/000.p/1/2",
        "tile/0/000.p/1.p/1",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/../../etc",
    ] {
        assert!(TileId::parse(path).is_err(), "{path}");
    }
    assert!(TileId::new(TileKind::Hashes(64), 0, 1).is_err());
    assert!(TileId::new(TileKind::Entries, 0, 0).is_err());
    assert!(TileId::new(TileKind::Entries, 0, 257).is_err());
}

#[test]
fn a_tree_of_seventy_thousand_has_the_tiles_the_specification_counts() {
    let tiles: Vec<TileId> = grown_tiles(0, 70_000).collect();
    let count = |level, full| {
        let wanted =
            |tile: &&TileId| tile.kind() == TileKind::Hashes(level) && tile.is_full() == full;
        tiles.iter().filter(wanted).count()
    };
    assert_eq!((count(0, true), count(0, false)), (273, 1));
    assert_eq!((count(1, true), count(1, false)), (1, 1));
    assert_eq!((count(2, true), count(2, false)), (0, 1));
    assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);
    for partial in ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"] {
        assert!(
            tiles.contains(&TileId::parse(partial).unwrap()),
            "{partial}"
        );
    }
}

#[test]
fn a_batch_writes_only_what_it_changed() {
    let names = |old, new| {
        grown_tiles(old, new)
            .map(|tile| tile.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(0, 0), [""; 0]);
    assert_eq!(names(5, 5), [""; 0]);
    assert_eq!(names(6, 5), [""; 0]);
    assert_eq!(names(0, 1), ["tile/0/000.p/1"]);
    assert_eq!(names(254, 255), ["tile/0/000.p/255"]);
    assert_eq!(names(255, 256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(names(256, 257), ["tile/0/001.p/1"]);
    assert_eq!(
        names(200, 600),
        [
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/88",
            "tile/1/000.p/2"
        ]
    );
    assert_eq!(
        names(65_535, 65_536),
        ["tile/0/255", "tile/1/000", "tile/2/000.p/1"]
    );
    assert_eq!(
        names((1 << 56) - 1, 1 << 56).last().unwrap(),
        "tile/7/000.p/1"
    );
    let bundles: Vec<_> = grown_bundles(200, 600)
        .map(|tile| tile.to_string())
        .collect();
    assert_eq!(
        bundles,
        [
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/88"
        ]
    );
    let last = grown_tiles(MAX_TREE_SIZE - 1, MAX_TREE_SIZE)
        .last()
        .unwrap();
    assert_eq!(
        last.to_string(),
        "tile/0/x036/x028/x797/x018/x963/967.p/255"
    );
}

#[test]
fn a_tree_read_from_tiles_is_the_tree_that_was_stored() {
    let mut folder = Folder::default();
    let mut sizes = Vec::new();
    for batch in [1, 3, 250, 1, 1, 1, 255, 400, 88, 1_000] {
        folder.append(batch);
        sizes.push(folder.tree.size());
    }
    let largest = folder.tree.size();
    let memory = stored(largest);
    for size in sizes {
        let tiles = TileHashes::new(&folder, size);
        assert_eq!(
            tree_hash(size, &tiles).unwrap(),
            tree_hash(size, &memory).unwrap()
        );
        assert_eq!(
            Frontier::read(size, &tiles).unwrap(),
            Frontier::read(size, &memory).unwrap()
        );
        for at in (0..size).step_by(67) {
            let proof = prove_inclusion(at, size, &tiles).unwrap();
            assert_eq!(proof, prove_inclusion(at, size, &memory).unwrap());
            let proof = prove_consistency(at, size, &tiles).unwrap();
            assert_eq!(proof, prove_consistency(at, size, &memory).unwrap());
        }
    }
    let tiles = TileHashes::new(&folder, largest);
    for level in 0..11 {
        for index in 0..largest >> level {
            assert_eq!(
                tiles.read_hash(level, index).ok(),
                memory.read_hash(level, index).ok()
            );
        }
        let beyond = tiles.read_hash(level, largest >> level);
        assert!(matches!(beyond, Err(TileReadError::NotStored { .. })));
    }
    assert!(tiles.read_hash(u8::MAX, u64::MAX).is_err());
    assert!(tiles.read_hash(62, u64::MAX).is_err());
}

#[test]
fn a_missing_or_short_tile_is_named() {
    let mut folder = Folder::default();
    folder.append(300);
    let partial = TileId::parse("tile/0/001.p/44").unwrap();
    folder.files.get_mut(&partial).unwrap().truncate(100);
    let error = tree_hash(300, &TileHashes::new(&folder, 300)).unwrap_err();
    assert_eq!(error, ProveError::Read(TileReadError::ShortTile(partial)));
    folder.files.remove(&partial);
    let error = tree_hash(300, &TileHashes::new(&folder, 300)).unwrap_err();
    assert_eq!(
        error,
        ProveError::Read(TileReadError::Read(NoFile(partial)))
    );
}

#[test]
fn a_hash_between_tile_levels_is_computed_within_one_tile() {
    // The parent of the first two tiles of level 0 is the pair at the start of tile 0, level 1.
    let place = HashPlace::of(9, 0).unwrap();
    assert_eq!(place.tile_in(512).unwrap().to_string(), "tile/1/000.p/2");
    assert!(place.tile_in(511).is_err());
    let (left, right) = (Hash::of_leaf(b"left"), Hash::of_leaf(b"right"));
    let tile = [*left.as_bytes(), *right.as_bytes()].concat();
    assert_eq!(place.read(&tile), Ok(Hash::of_node(&left, &right)));
    assert!(place.read(&tile[..63]).is_err());
    assert!(place.read(&[]).is_err());
    assert_eq!(HashPlace::of(63, 0), None);
    assert_eq!(HashPlace::of(0, u64::MAX), None);
    assert_eq!(HashPlace::of(0, MAX_TREE_SIZE), None);
    let last = HashPlace::of(0, MAX_TREE_SIZE - 1).unwrap();
    assert!(last.tile_in(MAX_TREE_SIZE).is_ok());
    assert!(last.tile_in(MAX_TREE_SIZE - 1).is_err());
}

#[test]
fn a_bundle_is_entries_after_their_lengths() {
    let bundle = encode_bundle(["", "ab", "{}"]).unwrap();
    assert_eq!(bundle, b"\0\0\0\x02ab\0\x02{}");
    assert_eq!(
        decode_bundle(&bundle).unwrap(),
        [b"".as_slice(), b"ab", b"{}"]
    );
    assert!(decode_bundle(b"").unwrap().is_empty());
    for cut in [b"\0".as_slice(), b"\0\x01", b"\0\x02a", b"\0\x01ab"] {
        assert_eq!(decode_bundle(cut), Err(BundleError::CutShort));
    }
}

#[test]
fn a_bundle_has_256_entries_and_an_entry_65535_bytes() {
    let longest = vec![b'x'; MAX_ENTRY_BYTES];
    let full = encode_bundle([&longest; 256]).unwrap();
    assert_eq!(decode_bundle(&full).unwrap().len(), 256);
    assert_eq!(encode_bundle([""; 257]), Err(BundleError::TooManyEntries));
    assert_eq!(
        decode_bundle(&[0; 2 * 257]),
        Err(BundleError::TooManyEntries)
    );
    let mut bundle = b"\0\0".to_vec();
    let too_long = vec![b'x'; MAX_ENTRY_BYTES + 1];
    let error = append_entry(&mut bundle, &too_long).unwrap_err();
    assert_eq!(error, BundleError::EntryTooLong(65_536));
    assert_eq!(bundle, b"\0\0");
}

proptest! {
    #[test]
    fn any_tile_is_read_back_from_its_path(index: u64, level in 0..=64_u8, width in 1..=256_u16) {
        let kind = if level == 64 { TileKind::Entries } else { TileKind::Hashes(level) };
        let tile = TileId::new(kind, index, width).unwrap();
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
    }

    #[test]
    fn a_path_that_reads_is_written_the_same(path in "tile/([0-9]{1,2}|entries)/[x0-9/.p]{0,20}") {
        if let Ok(tile) = TileId::parse(&path) {
            prop_assert_eq!(tile.to_string(), path);
        }
    }

    #[test]
    fn growing_in_steps_writes_the_tiles_of_growing_at_once(
        batches in prop::collection::vec(0..5_000_u64, 1..20),
    ) {
        let (mut size, mut full) = (0, BTreeSet::new());
        for batch in batches {
            full.extend(grown_tiles(size, size + batch).filter(TileId::is_full));
            size += batch;
        }
        let at_once: BTreeSet<_> = grown_tiles(0, size).filter(TileId::is_full).collect();
        prop_assert_eq!(full, at_once);
    }

    #[test]
    fn bytes_that_read_as_a_bundle_are_written_the_same(bytes: Vec<u8>) {
        if let Ok(entries) = decode_bundle(&bytes) {
            prop_assert_eq!(encode_bundle(entries), Ok(bytes.clone()));
        }
    }
}
