//! The signed tree head.

use breakglass_tlog::{
    Checkpoint, Hash, Note, NoteSigner, SignedCheckpoint, VerifierKey, checkpoint::CheckpointError,
    limits::MAX_TREE_SIZE, note::NoteError,
};
use proptest::prelude::*;

use crate::ledger::{
    NOTE, ORIGIN, TEXT, WITNESS_LINE, entry, key, signed, signer, signer_named, stored,
};

/// A tree head of Go's checksum database, and its key. Its origin is not the name of its key.
const SUMDB_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const SUMDB_NOTE: &str = "\
go.sum database tree
6476701
mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=

— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=
";

fn head(size: u64, root: Hash) -> Checkpoint {
    Checkpoint::new(ORIGIN, size, root).unwrap()
}

#[test]
fn the_bytes_that_are_signed_are_frozen() {
    let three: breakglass_tlog::StoredHashes = ["one", "two", "three"]
        .iter()
        .map(|entry| Hash::of_leaf(entry.as_bytes()))
        .collect();
    let root = breakglass_tlog::tree::tree_hash(3, &three).unwrap();
    assert_eq!(head(3, root).to_string(), TEXT);
    assert_eq!(Checkpoint::parse(TEXT).unwrap(), head(3, root));
    let signed = SignedCheckpoint::sign(&head(3, root), &signer()).unwrap();
    assert_eq!(signed.note(), NOTE);
    assert_eq!(signed.to_string(), NOTE);
    assert_eq!(SignedCheckpoint::verify(NOTE, &key()), Ok(signed.clone()));
    assert_eq!(
        (signed.origin(), signed.size(), signed.root()),
        (ORIGIN, 3, root)
    );
    assert_eq!(signed.checkpoint(), &head(3, root));
    assert_eq!(signed.key_id(), key().key_id());
}

#[test]
fn a_head_of_the_go_checksum_database_is_read_and_verified() {
    let key = VerifierKey::parse(SUMDB_KEY).unwrap();
    let note = Note::parse(SUMDB_NOTE).unwrap();
    assert_eq!(note.verify(&key), Ok(()));
    let head = Checkpoint::parse(note.text()).unwrap();
    assert_eq!(
        (head.origin(), head.size()),
        ("go.sum database tree", 6_476_701)
    );
    // It is genuine and yet no checkpoint of a ledger named "sum.golang.org".
    let error = SignedCheckpoint::verify(SUMDB_NOTE, &key).unwrap_err();
    let (expected, found) = (
        "sum.golang.org".to_owned(),
        "go.sum database tree".to_owned(),
    );
    assert_eq!(error, CheckpointError::WrongOrigin { expected, found });
}

#[test]
fn the_lines_of_witnesses_are_kept() {
    let cosigned = format!("{NOTE}{WITNESS_LINE}\n");
    let signed = SignedCheckpoint::verify(&cosigned, &key()).unwrap();
    assert_eq!(signed.note(), cosigned);
    let first = format!("{TEXT}\n{WITNESS_LINE}\n");
    let error = SignedCheckpoint::verify(&first, &key()).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::Note(NoteError::NotSigned { .. })
    ));
}

#[test]
fn a_checkpoint_of_another_ledger_is_not_ours() {
    let root = Hash::of_leaf(&entry(0));
    let theirs = Checkpoint::new("example.net/other", 1, root).unwrap();
    // Our key must not sign for another ledger ...
    let error = SignedCheckpoint::sign(&theirs, &signer()).unwrap_err();
    assert!(matches!(error, CheckpointError::WrongOrigin { .. }));
    // ... and if it did, nobody would take it.
    let note = Note::sign(&theirs.to_string(), &signer())
        .unwrap()
        .to_string();
    let error = SignedCheckpoint::verify(&note, &key()).unwrap_err();
    assert!(matches!(error, CheckpointError::WrongOrigin { .. }));
    // A stranger's key under our name is not our key.
    let impostor = signer_named(ORIGIN, 8);
    let note = SignedCheckpoint::sign(&head(1, root), &impostor).unwrap();
    let error = SignedCheckpoint::verify(note.note(), &key()).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::Note(NoteError::NotSigned { .. })
    ));
}

#[test]
fn a_signature_damaged_on_the_way_is_caught_by_the_signer() {
    struct Faulty;
    impl NoteSigner for Faulty {
        fn verifier(&self) -> &VerifierKey {
            static KEY: std::sync::LazyLock<VerifierKey> = std::sync::LazyLock::new(key);
            &KEY
        }
        fn sign(&self, text: &str) -> Result<Vec<u8>, NoteError> {
            let mut bytes = signer().sign(text)?;
            bytes[40] ^= 4;
            Ok(bytes)
        }
    }
    let error = SignedCheckpoint::sign(&head(1, Hash::of_leaf(b"")), &Faulty).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::Note(NoteError::BadSignature { .. })
    ));
}

#[test]
fn there_is_one_way_to_write_a_checkpoint() {
    let root = "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=";
    let empty = Hash::EMPTY_TREE;
    let good = [
        format!("o\n3\n{root}\n"),
        format!("o\n0\n{empty}\n"),
        format!("o\n{MAX_TREE_SIZE}\n{root}\n"),
        format!("spaces and + are allowed\n3\n{root}\n"),
        format!("o\n3\n{root}\nan extension\nand another\n"),
    ];
    for text in good {
        assert_eq!(Checkpoint::parse(&text).unwrap().to_string(), text);
    }
    let bad = [
        String::new(),
        "\n".into(),
        "o\n3\n".into(),
        format!("o\n3\n{root}"),
        format!("\n3\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("o\n03\n{root}\n"),
        format!("o\n00\n{empty}\n"),
        format!("o\n+3\n{root}\n"),
        format!("o\n-3\n{root}\n"),
        format!("o\n 3\n{root}\n"),
        format!("o\n3 \n{root}\n"),
        format!("o\n3.0\n{root}\n"),
        format!("o\n0x3\n{root}\n"),
        format!("o\n٣\n{root}\n"),
        format!("o\n{}\n{root}\n", MAX_TREE_SIZE + 1),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n0\n{root}\n"),
        format!("o\n3\n{}\n", root.trim_end_matches('=')),
        format!("o\n3\n{root}=\n"),
        format!("o\n3\n{root}\n\n"),
        format!("o\n3\n{root}\n\nan extension\n"),
        format!("o\n3\n{root}\nan extension\n\n"),
        format!("o\r\n3\r\n{root}\r\n"),
        format!("o\t\n3\n{root}\n"),
    ];
    for text in bad {
        let error = Checkpoint::parse(&text).unwrap_err();
        assert!(matches!(error, CheckpointError::Malformed(_)), "{text:?}");
    }
}

#[test]
fn a_checkpoint_that_could_not_be_read_back_is_not_made() {
    let root = Hash::of_leaf(b"");
    assert!(Checkpoint::new("", 1, root).is_err());
    assert!(Checkpoint::new("two\nlines", 1, root).is_err());
    assert!(Checkpoint::new(ORIGIN, 0, root).is_err());
    assert!(Checkpoint::new(ORIGIN, MAX_TREE_SIZE + 1, root).is_err());
    assert!(head(1, root).with_extensions(["fine", ""]).is_err());
    assert!(head(1, root).with_extensions(["two\nlines"]).is_err());
    let extended = head(1, root).with_extensions(["fine"]).unwrap();
    assert_eq!(extended.extensions(), ["fine"]);
}

#[test]
fn a_client_sees_the_ledger_grow() {
    let hashes = stored(50);
    let (seen, now) = (signed(20, &hashes), signed(50, &hashes));
    let proof = breakglass_tlog::tree::prove_consistency(20, 50, &hashes).unwrap();
    assert_eq!((proof.old, proof.new), (seen.size(), now.size()));
    assert_eq!(proof.verify(&seen.root(), &now.root()), Ok(()));
}

proptest! {
    #[test]
    fn any_checkpoint_reads_back(
        origin in "[ -~é]{1,30}",
        size in 1..=MAX_TREE_SIZE,
        root: [u8; 32],
        lines in prop::collection::vec("[ -~]{1,30}", 0..4),
    ) {
        let made = Checkpoint::new(&origin, size, Hash::from_bytes(root)).unwrap();
        let made = made.with_extensions(lines).unwrap();
        prop_assert_eq!(Checkpoint::parse(&made.to_string()), Ok(made));
    }

    #[test]
    fn text_that_reads_is_written_the_same(text in "o\n[0-9+]{0,4}\nWqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n[ab\n]{0,5}") {
        if let Ok(read) = Checkpoint::parse(&text) {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
