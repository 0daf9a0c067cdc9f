//! Proving, believing, and not believing.

use std::sync::LazyLock;

use breakglass_tlog::{
    ConsistencyProof, Hash, InclusionProof, StoredHashes,
    limits::MAX_PROOF_HASHES,
    proof::ProofError,
    tree::{ProveError, prove_consistency, prove_inclusion, tree_hash},
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use crate::ledger::{entry, stored};

const LARGEST: u64 = 2_000;
/// One tree for all stories: smaller trees are its beginnings.
static TREE: LazyLock<StoredHashes> = LazyLock::new(|| stored(LARGEST));

fn root(size: u64) -> Hash {
    tree_hash(size, &*TREE).unwrap()
}

fn leaf(index: u64) -> Hash {
    Hash::of_leaf(&entry(index))
}

fn inclusion(index: u64, size: u64) -> InclusionProof {
    prove_inclusion(index, size, &*TREE).unwrap()
}

fn consistency(old: u64, new: u64) -> ConsistencyProof {
    prove_consistency(old, new, &*TREE).unwrap()
}

#[test]
fn small_trees_have_the_proofs_of_ct_merkle_and_they_hold() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=130 {
        theirs.push(entry(size - 1));
        for index in 0..size {
            let ours = inclusion(index, size);
            assert_eq!(
                bytes(&ours.hashes),
                theirs.prove_inclusion(index as usize).as_bytes()
            );
            assert_eq!(ours.verify(&leaf(index), &root(size)), Ok(()));
        }
        for old in 1..size {
            let ours = consistency(old, size);
            let added = (size - old) as usize;
            assert_eq!(
                bytes(&ours.hashes),
                theirs.prove_consistency(added).as_bytes()
            );
            assert_eq!(ours.verify(&root(old), &root(size)), Ok(()));
        }
    }
}

#[test]
fn large_trees_have_the_proofs_of_ct_merkle_and_they_hold() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=LARGEST {
        theirs.push(entry(size - 1));
        // A step that meets odd and even sizes, and sizes around a power of two.
        if !(size % 97 == 0 || size.is_power_of_two() || (size - 1).is_power_of_two()) {
            continue;
        }
        for at in (0..size).step_by(61).chain([size - 1]) {
            let ours = inclusion(at, size);
            assert_eq!(
                bytes(&ours.hashes),
                theirs.prove_inclusion(at as usize).as_bytes()
            );
            assert_eq!(ours.verify(&leaf(at), &root(size)), Ok(()));
        }
        for old in (1..size).step_by(61) {
            let ours = consistency(old, size);
            let added = (size - old) as usize;
            assert_eq!(
                bytes(&ours.hashes),
                theirs.prove_consistency(added).as_bytes()
            );
            assert_eq!(ours.verify(&root(old), &root(size)), Ok(()));
        }
    }
}

#[test]
fn an_inclusion_proof_changed_anywhere_proves_nothing() {
    for size in 1..=18 {
        for index in 0..size {
            let proof = inclusion(index, size);
            for hashes in mutations(&proof.hashes) {
                let changed = InclusionProof {
                    hashes,
                    ..proof.clone()
                };
                assert!(
                    changed.verify(&leaf(index), &root(size)).is_err(),
                    "{changed:?}"
                );
            }
            for other in (0..=size).filter(|other| *other != index) {
                let moved = InclusionProof {
                    index: other,
                    ..proof.clone()
                };
                assert!(
                    moved.verify(&leaf(index), &root(size)).is_err(),
                    "{moved:?}"
                );
                assert!(proof.verify(&leaf(other), &root(size)).is_err());
            }
            assert_eq!(
                proof.verify(&leaf(index), &leaf(99)),
                Err(ProofError::RootMismatch)
            );
        }
    }
}

#[test]
fn a_consistency_proof_changed_anywhere_proves_nothing() {
    for new in 2..=18 {
        for old in 1..new {
            let proof = consistency(old, new);
            let (old_root, new_root) = (root(old), root(new));
            for hashes in mutations(&proof.hashes) {
                let changed = ConsistencyProof {
                    hashes,
                    ..proof.clone()
                };
                assert!(changed.verify(&old_root, &new_root).is_err(), "{changed:?}");
            }
            for other in (0..=new + 1).filter(|other| *other != old) {
                let moved = ConsistencyProof {
                    old: other,
                    ..proof.clone()
                };
                assert!(moved.verify(&old_root, &new_root).is_err(), "{moved:?}");
            }
            assert_eq!(
                proof.verify(&leaf(99), &new_root),
                Err(ProofError::RootMismatch)
            );
            assert_eq!(
                proof.verify(&old_root, &leaf(99)),
                Err(ProofError::RootMismatch)
            );
            assert!(proof.verify(&new_root, &old_root).is_err());
        }
    }
}

#[test]
fn a_ledger_that_rewrote_an_entry_cannot_prove_that_it_grew() {
    let seen = root(100);
    let mut rewritten: Vec<Hash> = (0..150).map(leaf).collect();
    rewritten[42] = Hash::of_leaf(b"nothing happened here");
    let rewritten: StoredHashes = rewritten.into_iter().collect();
    let proof = prove_consistency(100, 150, &rewritten).unwrap();
    let claimed = tree_hash(150, &rewritten).unwrap();
    assert_eq!(proof.verify(&seen, &claimed), Err(ProofError::RootMismatch));
}

#[test]
fn every_tree_extends_the_empty_one_and_itself() {
    let some = leaf(0);
    assert_eq!(
        consistency(0, 7).verify(&Hash::EMPTY_TREE, &root(7)),
        Ok(())
    );
    assert_eq!(
        consistency(0, 0).verify(&Hash::EMPTY_TREE, &Hash::EMPTY_TREE),
        Ok(())
    );
    assert_eq!(consistency(7, 7).verify(&root(7), &root(7)), Ok(()));
    assert_eq!(
        consistency(7, 7).verify(&root(7), &some),
        Err(ProofError::RootMismatch)
    );
    assert_eq!(
        consistency(0, 7).verify(&some, &root(7)),
        Err(ProofError::RootMismatch)
    );
    assert_eq!(
        consistency(0, 0).verify(&some, &some),
        Err(ProofError::RootMismatch)
    );
    for (old, new) in [(0, 0), (0, 7), (7, 7)] {
        let padded = ConsistencyProof {
            old,
            new,
            hashes: vec![some],
        };
        let result = padded.verify(&root(old), &root(new));
        assert_eq!(result, Err(ProofError::WrongLength { hashes: 1 }));
    }
}

#[test]
fn what_is_out_of_range_is_neither_proven_nor_believed() {
    let some = leaf(0);
    for (index, size) in [(0, 0), (1, 1), (7, 3), (u64::MAX, u64::MAX), (0, u64::MAX)] {
        let asked = prove_inclusion(index, size, &*TREE).unwrap_err();
        assert!(
            matches!(asked, ProveError::OutOfRange { .. }),
            "{index} {size}"
        );
        let told = InclusionProof {
            index,
            size,
            hashes: vec![],
        }
        .verify(&some, &some);
        assert!(
            matches!(told, Err(ProofError::OutOfRange { .. })),
            "{index} {size}"
        );
    }
    for (old, new) in [(1, 0), (7, 3), (u64::MAX, u64::MAX), (1, u64::MAX)] {
        let asked = prove_consistency(old, new, &*TREE).unwrap_err();
        assert!(
            matches!(asked, ProveError::OutOfRange { .. }),
            "{old} {new}"
        );
        let told = ConsistencyProof {
            old,
            new,
            hashes: vec![],
        }
        .verify(&some, &some);
        assert!(
            matches!(told, Err(ProofError::OutOfRange { .. })),
            "{old} {new}"
        );
    }
    assert!(matches!(
        prove_inclusion(0, LARGEST + 1, &*TREE),
        Err(ProveError::Read(_))
    ));
}

#[test]
fn the_longest_proofs_fit_the_limit() {
    let some = leaf(0);
    let size = i64::MAX as u64;
    let hashes = vec![some; MAX_PROOF_HASHES - 1];
    let proof = InclusionProof {
        index: 0,
        size,
        hashes,
    };
    assert_eq!(proof.verify(&some, &some), Err(ProofError::RootMismatch));
    let hashes = vec![some; MAX_PROOF_HASHES];
    let proof = ConsistencyProof {
        old: 3,
        new: size,
        hashes,
    };
    assert_eq!(proof.verify(&some, &some), Err(ProofError::RootMismatch));
    let hashes = vec![some; 100_000];
    let proof = ConsistencyProof {
        old: 4,
        new: size,
        hashes,
    };
    let result = proof.verify(&some, &some);
    assert_eq!(result, Err(ProofError::WrongLength { hashes: 100_000 }));
}

proptest! {
    #[test]
    fn honest_proofs_hold(new in 1..LARGEST, at in any::<prop::sample::Index>()) {
        let at = at.index(new as usize) as u64;
        prop_assert_eq!(inclusion(at, new).verify(&leaf(at), &root(new)), Ok(()));
        prop_assert_eq!(consistency(at, new).verify(&root(at), &root(new)), Ok(()));
    }

    #[test]
    fn proofs_of_nonsense_are_refused_without_a_panic(
        small: u64,
        large: u64,
        shift in 0..64_u32,
        count in 0..70_usize,
    ) {
        let (at, size) = (small >> shift, large >> (shift / 2));
        let hashes: Vec<Hash> = (0..count as u64).map(leaf).collect();
        let (one, two) = (leaf(1_000), leaf(1_001));
        let inclusion = InclusionProof { index: at, size, hashes: hashes.clone() };
        prop_assert!(inclusion.verify(&one, &two).is_err());
        let consistency = ConsistencyProof { old: at, new: size, hashes };
        prop_assert!(consistency.verify(&one, &two).is_err());
    }
}

/// Every small change to a list of hashes: a bit flipped in each, each left out, doubled or
/// swapped with the next, and one put before or behind.
fn mutations(hashes: &[Hash]) -> Vec<Vec<Hash>> {
    let edit = |change: &dyn Fn(&mut Vec<Hash>)| {
        let mut changed = hashes.to_vec();
        change(&mut changed);
        changed
    };
    let mut all = vec![
        edit(&|list| list.push(leaf(77))),
        edit(&|list| list.insert(0, leaf(77))),
    ];
    for at in 0..hashes.len() {
        all.push(edit(&|list| {
            let mut bytes = *list[at].as_bytes();
            bytes[at] ^= 1 << (at % 8);
            list[at] = Hash::from_bytes(bytes);
        }));
        all.push(edit(&|list| {
            list.remove(at);
        }));
        all.push(edit(&|list| list.insert(at, list[at])));
        if at > 0 {
            all.push(edit(&|list| list.swap(at - 1, at)));
        }
    }
    all
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}
