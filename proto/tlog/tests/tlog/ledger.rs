//! The ledgers the stories are about.

use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Hash, KeyName, NoteSigner as _, SignedCheckpoint, StoredHashes,
    VerifierKey, tree::tree_hash,
};

pub(crate) const ORIGIN: &str = "example.com/ledger";

/// What three entries, "one", "two" and "three", and a key from 32 bytes of 7 give; and a witness
/// with a key from 32 bytes of 9. Computed apart from this crate, with Python's `cryptography`.
pub(crate) const LEDGER_KEY: &str =
    "example.com/ledger+ec4d6e6d+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
pub(crate) const WITNESS_KEY: &str =
    "witness.example.com/w1+4bdc7eaa+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
pub(crate) const TEXT: &str = "\
example.com/ledger
3
Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=
";
pub(crate) const NOTE: &str = "\
example.com/ledger
3
Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=

— example.com/ledger 7E1ubTHuko+80HkhkUcwUuzltYFmyFapf8y3cVy7h2aEf/0+lU/qAk8+5okNDHjn54OYA8yInhlENh5xZkXkYVpMlA8=
";
pub(crate) const WITNESS_LINE: &str = "— witness.example.com/w1 S9x+qgAAAABkGFDLmLz/Geif7HRnrGC6k+RrMmiLFRCv3EO29bEqyPjQZd+1viArhNjt2wA8IiXurWxsjuFX7iOiNZqZxt45wKUqDw==";
/// The ledger's private key as PKCS#8 version 1, as OpenSSL (under that Python) writes it.
pub(crate) const PKCS8: &str = "MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

pub(crate) fn signer() -> Ed25519Signer {
    signer_named(ORIGIN, 7)
}

pub(crate) fn signer_named(name: &str, seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(name).unwrap(), &[seed; 32]).unwrap()
}

pub(crate) fn key() -> VerifierKey {
    signer().verifier().clone()
}

/// The entry with this index in the made-up ledgers below.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A ledger with `size` made-up entries.
pub(crate) fn stored(size: u64) -> StoredHashes {
    (0..size)
        .map(|index| Hash::of_leaf(&entry(index)))
        .collect()
}

pub(crate) fn signed(size: u64, hashes: &StoredHashes) -> SignedCheckpoint {
    let head = Checkpoint::new(ORIGIN, size, tree_hash(size, hashes).unwrap()).unwrap();
    SignedCheckpoint::sign(&head, &signer()).unwrap()
}
