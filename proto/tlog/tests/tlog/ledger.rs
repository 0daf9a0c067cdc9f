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
/// The ledger's private key as PKCS#8 version 1, as OpenSSL writes it.
pub(crate) const PKCS8: &str = "MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

/// Every prefix of the published Certificate Transparency test tree: its leaves.
pub(crate) const CT_LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
/// And its roots, from that of no leaf to that of eight.
pub(crate) const CT_ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

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

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

pub(crate) fn hash(digits: &str) -> Hash {
    Hash::try_from(hex(digits).as_slice()).unwrap()
}
