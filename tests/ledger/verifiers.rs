//! The two verifiers, and a ledger laid out for both.

use std::fs;
use std::path::Path;
use std::process::Command;

use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Frontier, Hash, KeyName, NoteSigner as _, SignedCheckpoint, TileId,
    VerifierKey,
    tile::{TileKind, encode_bundle, grown_bundles, grown_tiles},
};
use serde_json::json;

use crate::night::ORIGIN;

/// What each verifier says of a ledger: nothing where it is whole, else its complaint.
pub(crate) struct Verdicts {
    pub(crate) glass: Option<String>,
    pub(crate) python: Option<String>,
}

/// Signs the tree over these entries, lays them out, and asks both.
pub(crate) fn verify<L: AsRef<[u8]>>(lines: &[L]) -> Verdicts {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), lines);
    Verdicts {
        glass: glass(folder.path()).err(),
        python: python(folder.path()).err(),
    }
}

pub(crate) fn vkey() -> VerifierKey {
    signer().verifier().clone()
}

pub(crate) fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap()
}

/// An export and a journal of the same entries in one folder.
pub(crate) fn lay_out<L: AsRef<[u8]>>(folder: &Path, lines: &[L]) {
    let (mut tree, mut text) = (Frontier::new(), Vec::new());
    let first = commit(&head(&tree));
    for line in lines {
        tree.push(Hash::of_leaf(line.as_ref()));
        text.extend_from_slice(line.as_ref());
        text.push(b'\n');
    }
    let note = head(&tree);
    let journal = [first.as_bytes(), &text, commit(&note).as_bytes()].concat();
    fs::create_dir(folder.join("journal")).unwrap();
    let file = folder.join(format!("journal/{:020}.jsonl", 0));
    fs::write(file, journal).unwrap();
    fs::write(folder.join("entries.jsonl"), text).unwrap();
    fs::write(folder.join("checkpoint"), note).unwrap();
}

/// The same entries as a mirror has them: tiles and a checkpoint, and nothing else.
pub(crate) fn lay_out_tiles<L: AsRef<[u8]>>(folder: &Path, lines: &[L]) {
    let mut tree = Frontier::new();
    let mut rows = vec![Vec::new(); 64];
    for line in lines {
        tree.push_each(Hash::of_leaf(line.as_ref()), |level, _, hash| {
            rows[usize::from(level)].extend_from_slice(hash.as_bytes());
        });
    }
    let put = |tile: TileId, bytes: &[u8]| {
        let path = folder.join(tile.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let places = |tile: TileId| {
        let first = 256 * usize::try_from(tile.index()).unwrap();
        first..first + usize::from(tile.width())
    };
    for tile in grown_tiles(0, tree.size()) {
        let TileKind::Hashes(level) = tile.kind() else {
            unreachable!("a hash tile")
        };
        let places = places(tile);
        let row = &rows[8 * usize::from(level)];
        put(tile, &row[32 * places.start..32 * places.end]);
    }
    for tile in grown_bundles(0, tree.size()) {
        put(tile, &encode_bundle(&lines[places(tile)]).unwrap());
    }
    fs::write(folder.join("checkpoint"), head(&tree)).unwrap();
}

pub(crate) fn head(tree: &Frontier) -> String {
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    let signed = SignedCheckpoint::sign(&checkpoint, &signer()).unwrap();
    signed.note().to_owned()
}

fn commit(note: &str) -> String {
    format!("{}\n", json!({ "commit": note }))
}

pub(crate) fn glass(folder: &Path) -> Result<(), String> {
    let report = breakglass_client::export::verify(folder, vkey(), 0);
    report.map(drop).map_err(|error| {
        assert_eq!(error.exit_code(), 86);
        error.to_string()
    })
}

pub(crate) fn python(folder: &Path) -> Result<(), String> {
    python_demanding(folder, &[]).map(drop)
}

/// The reader of exports.
pub(crate) fn python_of_export(folder: &Path) -> Result<(), String> {
    let told = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/verify_export.py"))
        .arg(vkey().to_string())
        .arg(folder)
        .output()
        .unwrap();
    match told.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8(told.stderr).unwrap()),
    }
}

/// The same as of a ledger, where these witnesses must have signed; what it says where it is whole.
pub(crate) fn python_demanding(folder: &Path, witnesses: &[VerifierKey]) -> Result<String, String> {
    let told = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/verify_ledger.py"))
        .arg(folder)
        .arg(vkey().to_string())
        .args(witnesses.iter().map(ToString::to_string))
        .output()
        .unwrap();
    match told.status.success() {
        true => Ok(String::from_utf8(told.stdout).unwrap()),
        false => Err(String::from_utf8(told.stderr).unwrap().trim().to_owned()),
    }
}
