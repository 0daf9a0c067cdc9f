//! A receipt without a broker around it: a ledger of one entry, for stories about one credential.

use std::sync::Arc;

use breakglass_broker::ledger::entry;
use breakglass_domain::Event;
use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Hash, KeyName, Receipt, SignedCheckpoint, StoredHashes, tree,
};

const ORIGIN: &str = "glass.example/ledger";

/// Records an event as the first entry, and proves it.
///
/// # Panics
/// Where no entry can say it.
#[must_use]
pub fn receipt(event: &Event) -> Receipt {
    let name = KeyName::parse(ORIGIN).expect("a name");
    let signer = Ed25519Signer::from_seed(name, &[7; 32]).expect("a seed is a key");
    let line = entry::encode(0, event).expect("it can be written");
    let mut hashes = StoredHashes::new();
    hashes.push(Hash::of_leaf(&line));
    let root = tree::tree_hash(1, &hashes).expect("a tree of one");
    let head = Checkpoint::new(ORIGIN, 1, root).expect("a head");
    let signed = SignedCheckpoint::sign(&head, &signer).expect("our own key signs");
    let proof = tree::prove_inclusion(0, 1, &hashes).expect("it is in there");
    Receipt::verify(line, proof, &Arc::new(signed)).expect("it was proven")
}
