//! What the ledger's tests share.

use std::sync::Arc;

use breakglass_tlog::{Ed25519Signer, Hash, KeyName, Receipt, VerifierKey};

use super::Signer;
use crate::ports::{Ledger, LedgerReader};

/// The key of the example team's ledger.
pub(super) fn signer() -> Signer {
    signer_of("shop.example/ledger", 7)
}

/// Another key.
pub(super) fn signer_of(name: &str, seed: u8) -> Signer {
    let name = KeyName::parse(name).expect("a name");
    Arc::new(Ed25519Signer::from_seed(name, &[seed; 32]).expect("any seed is a key"))
}

/// Its public half.
pub(super) fn vkey() -> VerifierKey {
    signer().verifier().clone()
}

/// Entries as no broker would write them: the ledger does not look into them.
pub(super) fn lines(from: u64, count: u64) -> Vec<Arc<[u8]>> {
    let line = |index| Arc::from(format!("{{\"entry\":{index}}}").into_bytes());
    (from..from + count).map(line).collect()
}

/// Appends entries in batches of these sizes, each known by its place.
pub(super) fn fill(ledger: &mut dyn Ledger, batches: &[u64]) {
    for &count in batches {
        let size = ledger.size();
        let checkpoint = ledger.append(&lines(size, count)).expect("appended");
        assert_eq!(checkpoint.size(), size + count);
    }
}

/// Everything a reader can see is what was appended, and is proven; `every` says how densely.
pub(super) fn walk(reader: &dyn LedgerReader, expected: &[Arc<[u8]>], every: usize) {
    let checkpoint = reader.checkpoint();
    let size = expected.len() as u64;
    assert_eq!(checkpoint.size(), size);
    assert_eq!(
        checkpoint.root(),
        root_of(expected),
        "the checkpoint is over other entries"
    );
    let found = reader.entries(0, expected.len() + 1).expect("readable");
    assert!(found == expected, "the entries are others");
    for index in (0..size).step_by(every).chain(size.checked_sub(1)) {
        let proof = reader.prove_inclusion(index, size).expect("provable");
        let line = Arc::clone(&expected[index as usize]);
        Receipt::verify(line, proof, &checkpoint).expect("a receipt");
    }
    for old in (0..=size).step_by(every) {
        let proof = reader.prove_consistency(old, size).expect("provable");
        let before = root_of(&expected[..old as usize]);
        proof
            .verify(&before, &checkpoint.root())
            .expect("consistent");
    }
}

/// The root, computed without anything of the ledger's.
pub(super) fn root_of(entries: &[Arc<[u8]>]) -> Hash {
    match entries {
        [] => Hash::EMPTY_TREE,
        [one] => Hash::of_leaf(one),
        more => {
            let left = more.len().next_power_of_two() / 2;
            Hash::of_node(&root_of(&more[..left]), &root_of(&more[left..]))
        }
    }
}
