//! Growing a tree.

use breakglass_tlog::{
    Frontier, Hash, HashReader as _, StoredHashes,
    limits::MAX_TREE_SIZE,
    tree::{ProveError, tree_hash},
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use crate::ledger::{entry, stored};

#[test]
fn every_root_up_to_two_thousand_leaves_is_that_of_ct_merkle() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let (mut frontier, mut hashes) = (Frontier::new(), StoredHashes::new());
    for index in 0..2_000 {
        let leaf = Hash::of_leaf(&entry(index));
        theirs.push(entry(index));
        frontier.push(leaf);
        hashes.push(leaf);
        assert_eq!(
            theirs.root().as_bytes().as_slice(),
            frontier.root().as_ref(),
            "leaf {index}"
        );
        assert_eq!(
            Frontier::read(index + 1, &hashes).unwrap(),
            frontier,
            "leaf {index}"
        );
    }
    // The roots of the past can still be told from the hashes of today.
    assert_eq!(tree_hash(1_234, &hashes), tree_hash(1_234, &stored(1_234)));
}

#[test]
fn a_ledger_goes_on_after_a_restart_where_it_stopped() {
    let mut before = Frontier::new();
    (0..1_000).for_each(|index| before.push(Hash::of_leaf(&entry(index))));
    let mut after = Frontier::from_parts(before.size(), before.hashes().to_vec()).unwrap();
    for index in 1_000..1_100 {
        before.push(Hash::of_leaf(&entry(index)));
        after.push(Hash::of_leaf(&entry(index)));
    }
    assert_eq!(after, before);
    assert_eq!(after.root(), tree_hash(1_100, &stored(1_100)).unwrap());
}

#[test]
fn a_right_edge_has_one_hash_for_each_bit_of_the_size() {
    let some = Hash::of_leaf(b"");
    assert!(Frontier::from_parts(0, vec![]).is_ok());
    assert!(Frontier::from_parts(6, vec![some; 2]).is_ok());
    assert!(Frontier::from_parts(MAX_TREE_SIZE, vec![some; 63]).is_ok());
    for (size, hashes) in [(0, 1), (1, 0), (6, 1), (6, 3), (u64::MAX, 64), (1 << 63, 1)] {
        let error = Frontier::from_parts(size, vec![some; hashes]).unwrap_err();
        assert_eq!((error.size, error.hashes), (size, hashes));
    }
}

#[test]
fn appending_names_every_hash_that_will_never_change_again() {
    let hashes = stored(300);
    let (mut frontier, mut named) = (Frontier::new(), 0);
    for index in 0..300 {
        frontier.push_each(Hash::of_leaf(&entry(index)), |level, index, hash| {
            assert_eq!(hashes.read_hash(level, index), Ok(hash));
            named += 1;
        });
    }
    // 300 leaves, 150 pairs, 75 fours and so on.
    assert_eq!(named, (0..9).map(|level| 300 >> level).sum::<u32>());
}

#[test]
fn a_tree_is_not_told_beyond_what_is_stored() {
    let hashes = stored(5);
    let error = tree_hash(6, &hashes).unwrap_err();
    assert!(matches!(error, ProveError::Read(missing) if (missing.level, missing.index) == (1, 2)));
    let error = tree_hash(u64::MAX, &hashes).unwrap_err();
    assert!(matches!(
        error,
        ProveError::OutOfRange { size: u64::MAX, .. }
    ));
    assert!(hashes.read_hash(2, 1).is_err());
    assert!(hashes.read_hash(u8::MAX, u64::MAX).is_err());
}

#[test]
fn a_hash_is_written_in_one_way() {
    let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(Hash::EMPTY_TREE.to_string(), empty);
    assert_eq!(Hash::from_base64(empty), Ok(Hash::EMPTY_TREE));
    assert_eq!(format!("{:?}", Hash::EMPTY_TREE), format!("Hash({empty})"));
    for wrong in [
        "",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFVVVVVVVVVVVVVVVVVVVVVV",
        " 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ] {
        assert!(Hash::from_base64(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn entries_of_any_bytes_hash_as_ct_merkle_hashes_them(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..60),
    ) {
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut ours = Frontier::new();
        for entry in entries {
            ours.push(Hash::of_leaf(&entry));
            theirs.push(entry);
            let (theirs, ours) = (theirs.root(), ours.root());
            prop_assert_eq!(theirs.as_bytes().as_slice(), ours.as_ref());
        }
    }

    #[test]
    fn base64_of_a_hash_reads_back(bytes: [u8; 32]) {
        let hash = Hash::from_bytes(bytes);
        prop_assert_eq!(Hash::from_base64(&hash.to_string()), Ok(hash));
    }
}
