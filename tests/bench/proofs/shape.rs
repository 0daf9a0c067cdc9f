//! A receipt for an entry in a ledger of any size.

use std::sync::Arc;

use breakglass_tlog::cosigned::{Cosigned, Quorum};
use breakglass_tlog::{
    Checkpoint, CosignatureSigner, Ed25519Signer, Hash, InclusionProof, KeyName, NoteSigner as _,
    Receipt, SignedCheckpoint,
};

use crate::Outcome;

/// The ledger's name, as long as real ones are.
pub(super) const ORIGIN: &str = "glass.shop.example/ledger";

pub(super) fn ledger() -> Outcome<Ed25519Signer> {
    Ok(Ed25519Signer::from_seed(KeyName::parse(ORIGIN)?, &[7; 32])?)
}

/// The place in a ledger of so many entries from which the way up is as long as any.
pub(super) fn deepest(entries: u64) -> u64 {
    entries.next_power_of_two() / 2
}

/// The entry at its place, proven under a signed checkpoint. None of its neighbours is one.
pub(super) fn receipt(line: &[u8], index: u64, entries: u64) -> Outcome<Receipt> {
    let hashes = neighbours(index, entries);
    let root = root(Hash::of_leaf(line), index, entries, &hashes);
    let head = Checkpoint::new(ORIGIN, entries, root)?;
    let signed = Arc::new(SignedCheckpoint::sign(&head, &ledger()?)?);
    let proof = InclusionProof {
        index,
        size: entries,
        hashes,
    };
    Ok(Receipt::verify(line.to_vec(), proof, &signed)?)
}

/// The same checkpoint with the signatures of so many witnesses.
pub(super) fn cosigned(receipt: &Receipt, witnesses: u8) -> Outcome<Cosigned> {
    let mut note = receipt.checkpoint().note().to_owned();
    let (text, _) = note.rsplit_once("\n\n").ok_or("a note")?;
    let (text, mut keys) = (format!("{text}\n"), Vec::new());
    for number in 0..witnesses {
        let name = KeyName::parse(&format!("witness-{number}.shop.example/w"))?;
        let signer = CosignatureSigner::from_seed(name, &[20 + number; 32])?;
        note.push_str(&format!("{}\n", signer.cosign(&text, 1_795_402_200)?));
        keys.push(signer.verifier().clone());
    }
    let quorum = Quorum::new(keys.len(), keys)?;
    Ok(Cosigned::verify(&note, ledger()?.verifier(), &quorum)?)
}

/// As many as RFC 9162 section 2.1.3.2 goes up.
fn neighbours(index: u64, entries: u64) -> Vec<Hash> {
    let (mut at, mut last, mut found) = (index, entries - 1, Vec::new());
    while last > 0 {
        if at % 2 == 1 || at < last {
            found.push(Hash::of_leaf(
                &[last.to_be_bytes(), at.to_be_bytes()].concat(),
            ));
        }
        (at, last) = (at / 2, last / 2);
    }
    found
}

/// RFC 9162 section 2.1.3.2, without the comparison.
fn root(leaf: Hash, index: u64, entries: u64, hashes: &[Hash]) -> Hash {
    let (mut at, mut last, mut root) = (index, entries - 1, leaf);
    let mut hashes = hashes.iter();
    while last > 0 {
        let is_right = at % 2 == 1;
        if is_right || at < last {
            // There are just as many.
            let Some(other) = hashes.next() else { break };
            root = match is_right {
                true => Hash::of_node(other, &root),
                false => Hash::of_node(&root, other),
            };
        }
        (at, last) = (at / 2, last / 2);
    }
    root
}
