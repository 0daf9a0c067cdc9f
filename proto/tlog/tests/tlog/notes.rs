//! Signing text and believing it.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use breakglass_tlog::{
    Ed25519Signer, KeyId, KeyName, Note, NoteSigner, SignatureLine, VerifierKey,
    limits::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES},
    note::{KeyError, NoteError, SignatureType},
};
use proptest::prelude::*;

use crate::ledger::{
    LEDGER_KEY, NOTE, ORIGIN, PKCS8, TEXT, WITNESS_KEY, WITNESS_LINE, key, signer, signer_named,
};

/// The example in the documentation of Go's `sumdb/note`.
const NEUMANN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NEUMANN_NOTE: &str = "\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
";

fn reason(result: Result<impl std::fmt::Debug, NoteError>) -> &'static str {
    match result.unwrap_err() {
        NoteError::Malformed(reason) | NoteError::TooLarge(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_published_example_verifies() {
    let note = Note::parse(NEUMANN_NOTE).unwrap();
    let key = VerifierKey::parse(NEUMANN_KEY).unwrap();
    assert_eq!(note.verify(&key), Ok(()));
    assert!(note.text().ends_with("what your problem is.\n"));
    assert_eq!(note.to_string(), NEUMANN_NOTE);
    assert_eq!(key.to_string(), NEUMANN_KEY);
    assert_eq!(key.key_id().to_string(), "c74f20a3");

    let altered = NEUMANN_NOTE.replace("answer", "solution");
    let verdict = Note::parse(&altered).unwrap().verify(&key);
    assert!(matches!(verdict, Err(NoteError::BadSignature { .. })));
}

#[test]
fn our_signature_is_the_one_python_makes() {
    let note = Note::sign(TEXT, &signer()).unwrap();
    assert_eq!(note.to_string(), NOTE);
    assert_eq!(signer().verifier().to_string(), LEDGER_KEY);
    assert_eq!(signer().name().as_str(), ORIGIN);
    assert_eq!(signer().key_id().to_string(), "ec4d6e6d");
}

#[test]
fn a_key_made_by_openssl_is_taken() {
    let pkcs8 = BASE64.decode(PKCS8).unwrap();
    let name = KeyName::parse(ORIGIN).unwrap();
    let signer = Ed25519Signer::from_pkcs8(name.clone(), &pkcs8).unwrap();
    assert_eq!(signer.verifier(), &key());
    assert!(Ed25519Signer::from_pkcs8(name, &pkcs8[1..]).is_err());
    // What is printed by accident is the public key.
    assert_eq!(
        format!("{signer:?}"),
        format!("Ed25519Signer({LEDGER_KEY})")
    );
}

#[test]
fn a_witness_adds_its_line_and_says_when() {
    let mut note = Note::parse(NOTE).unwrap();
    note.add_signature(SignatureLine::parse(WITNESS_LINE).unwrap())
        .unwrap();
    let witness = VerifierKey::parse(WITNESS_KEY).unwrap();
    assert_eq!(witness.kind(), SignatureType::CosignatureV1);
    assert_eq!(witness.to_string(), WITNESS_KEY);
    assert_eq!(note.verify(&witness), Ok(()));
    assert_eq!(note.verify(&key()), Ok(()));
    assert_eq!(note.signatures()[1].cosigned_at(), Some(1_679_315_147));
    assert_eq!(note.to_string(), format!("{NOTE}{WITNESS_LINE}\n"));

    let mut later = note.signatures()[1].clone();
    later.bytes[7] ^= 1;
    assert!(witness.verify(TEXT, &later).is_err());
    later.bytes[0] = 0x80;
    assert_eq!(later.cosigned_at(), None);
    later.bytes.truncate(7);
    assert!(witness.verify(TEXT, &later).is_err());
}

#[test]
fn a_witness_key_does_not_pass_for_a_ledger_key() {
    // The same 32 bytes under both types are two keys with two ids.
    let name = KeyName::parse(ORIGIN).unwrap();
    let bytes = key().public_key().to_vec();
    let cosigner = VerifierKey::new(name, SignatureType::CosignatureV1, &bytes).unwrap();
    assert_ne!(cosigner.key_id(), key().key_id());
    let verdict = Note::parse(NOTE).unwrap().verify(&cosigner);
    assert!(matches!(verdict, Err(NoteError::NotSigned { .. })));
}

#[test]
fn signatures_of_strangers_are_ignored_and_false_ones_are_not() {
    let mut note = Note::parse(NOTE).unwrap();
    note.add_signature(SignatureLine::parse("— example.net/x AAAAAQID").unwrap())
        .unwrap();
    assert_eq!(note.verify(&key()), Ok(()));
    let stranger = signer_named("example.net/x", 1);
    let verdict = note.verify(stranger.verifier());
    let (name, key_id) = (stranger.name().clone(), stranger.key_id());
    assert_eq!(verdict, Err(NoteError::NotSigned { name, key_id }));

    // Nor can a stranger's line be passed off as ours by calling it by our key.
    let ours = &note.signatures()[0];
    let renamed = SignatureLine {
        name: stranger.name().clone(),
        ..ours.clone()
    };
    assert!(matches!(
        key().verify(TEXT, &renamed),
        Err(NoteError::NotSigned { .. })
    ));

    // A second line in our name, which is not ours, spoils the note: somebody is lying.
    let mut lie = note.signatures()[0].clone();
    lie.bytes[10] ^= 1;
    note.add_signature(lie).unwrap();
    assert!(matches!(
        note.verify(&key()),
        Err(NoteError::BadSignature { .. })
    ));
}

#[test]
fn a_key_of_unknown_type_is_read_and_verifies_nothing() {
    // Type 0x09, which nobody has assigned, with an id of its own.
    let vkey = format!("{ORIGIN}+01020304+{}", BASE64.encode([9; 1313]));
    let key = VerifierKey::parse(&vkey).unwrap();
    assert_eq!(key.kind(), SignatureType::Unknown(9));
    assert_eq!(key.key_id(), KeyId::from_bytes([1, 2, 3, 4]));
    assert_eq!(key.to_string(), vkey);
    let mut note = Note::parse(NOTE).unwrap();
    let line = SignatureLine {
        name: key.name().clone(),
        key_id: key.key_id(),
        bytes: vec![1],
    };
    note.add_signature(line).unwrap();
    assert!(matches!(
        note.verify(&key),
        Err(NoteError::BadSignature { .. })
    ));
    assert_eq!(SignatureType::from_byte(9).byte(), 9);
}

#[test]
fn keys_that_contradict_themselves_are_refused() {
    let parse = |vkey: &str| VerifierKey::parse(vkey).unwrap_err();
    assert_eq!(
        parse(&LEDGER_KEY.replace("ec4d", "ec4e")),
        KeyError::WrongId
    );
    assert_eq!(
        parse(&LEDGER_KEY.replace("ledger", "lodger")),
        KeyError::WrongId
    );
    assert_eq!(parse(&LEDGER_KEY.replace(ORIGIN, "")), KeyError::Name);
    assert_eq!(parse(&LEDGER_KEY.replace(ORIGIN, "a b")), KeyError::Name);
    for wrong in [
        "",
        "name",
        "name+00000000",
        "name+00000000+",
        "name+00000000+AQ==",
        "name+00000000+!",
        "name+0000000+BgE=",
        "name+000000000+BgE=",
        "name+0000000g+BgE=",
        "name++1234567+BgE=",
        &LEDGER_KEY[..LEDGER_KEY.len() - 4],
        &format!("{LEDGER_KEY}\n"),
    ] {
        assert!(matches!(parse(wrong), KeyError::Malformed(_)), "{wrong}");
    }
    assert_eq!(
        VerifierKey::parse(&LEDGER_KEY.replace("ec4d6e6d", "EC4D6E6D")),
        Ok(key())
    );
}

#[test]
fn names_have_no_spaces_plus_signs_or_control_characters() {
    for good in [
        "example.com/ledger",
        "PeterNeumann",
        "é",
        "oid/1.2.3",
        "a-b_c~",
    ] {
        assert_eq!(KeyName::parse(good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "a b",
        "a+b",
        "a\n",
        "\ta",
        "a\u{a0}b",
        "a\u{2003}b",
        "a\u{1b}[1m",
        "\u{9b}",
    ] {
        assert_eq!(KeyName::parse(bad), Err(KeyError::Name), "{bad:?}");
    }
}

#[test]
fn what_is_not_a_note_is_refused() {
    let cases = [
        ("", "no blank line"),
        ("text\n", "no blank line"),
        ("text\n— a AAAAAQ==\n", "no blank line"),
        ("text\n\n", "no newline at the end, or no signature"),
        (
            "text\n\n— a AAAAAAE=",
            "no newline at the end, or no signature",
        ),
        ("te\rxt\n\n— a AAAAAAE=\n", "a control character"),
        ("te\0xt\n\n— a AAAAAAE=\n", "a control character"),
        (
            "text\n\n- a AAAAAAE=\n",
            "a signature line without dash, name and signature",
        ),
        (
            "text\n\n—a AAAAAAE=\n",
            "a signature line without dash, name and signature",
        ),
        (
            "text\n\n— AAAAAAE=\n",
            "a signature line without dash, name and signature",
        ),
        (
            "text\n\n— a AAAAAAE=\nmore\n",
            "a signature line without dash, name and signature",
        ),
        ("text\n\n— a+b AAAAAAE=\n", "a key name that is not one"),
        ("text\n\n—  AAAAAAE=\n", "a key name that is not one"),
        ("text\n\n— a AAAAAAE\n", "a signature that is not base64"),
        ("text\n\n— a AAAAAAE= \n", "a signature that is not base64"),
        ("text\n\n— a b AAAAAAE=\n", "a signature that is not base64"),
        ("text\n\n— a AAAAAAE=\r\n", "a signature that is not base64"),
        (
            "text\n\n— a AAAAAA==\n",
            "a signature without key id or bytes",
        ),
        ("text\n\n— a AAA=\n", "a signature without key id or bytes"),
        ("text\n\n— a \n", "a signature without key id or bytes"),
    ];
    for (note, why) in cases {
        assert_eq!(reason(Note::parse(note)), why, "{note:?}");
    }
}

#[test]
fn the_text_may_have_blank_lines_and_be_empty() {
    for text in [
        "one\n\ntwo\n",
        "\n",
        "\n\n\n",
        "ends blank\n\n",
        "— a AAAAAAE=\n",
    ] {
        let note = Note::sign(text, &signer()).unwrap();
        let read = Note::parse(&note.to_string()).unwrap();
        assert_eq!(read.text(), text);
        assert_eq!(read.verify(&key()), Ok(()));
    }
}

#[test]
fn what_could_not_be_read_back_is_not_signed() {
    assert_eq!(
        reason(Note::sign("no newline", &signer())),
        "the text does not end in a newline"
    );
    assert_eq!(
        reason(Note::sign("", &signer())),
        "the text does not end in a newline"
    );
    assert_eq!(
        reason(Note::sign("a\tb\n", &signer())),
        "a control character"
    );
    let long = "x".repeat(MAX_NOTE_BYTES) + "\n";
    assert_eq!(reason(Note::sign(&long, &signer())), "too many bytes");
    assert_eq!(reason(Note::parse(&long)), "too many bytes");
}

#[test]
fn a_note_has_at_most_a_hundred_signatures() {
    let mut note = Note::parse(NOTE).unwrap();
    let line = SignatureLine::parse(WITNESS_LINE).unwrap();
    for _ in 1..MAX_NOTE_SIGNATURES {
        note.add_signature(line.clone()).unwrap();
    }
    let full = note.to_string();
    assert_eq!(Note::parse(&full).unwrap(), note);
    assert_eq!(reason(note.add_signature(line)), "too many signatures");
    assert_eq!(
        reason(Note::parse(&format!("{full}{WITNESS_LINE}\n"))),
        "too many signatures"
    );
    assert_eq!(note.to_string(), full);
}

#[test]
fn a_signature_that_could_not_be_read_back_is_not_added() {
    let mut note = Note::parse(NOTE).unwrap();
    let line = SignatureLine::parse(WITNESS_LINE).unwrap();
    let empty = SignatureLine {
        bytes: vec![],
        ..line.clone()
    };
    assert_eq!(
        reason(note.add_signature(empty)),
        "a signature without bytes"
    );
    let huge = SignatureLine {
        bytes: vec![0; MAX_NOTE_BYTES],
        ..line
    };
    assert_eq!(reason(note.add_signature(huge)), "too many bytes");
    assert_eq!(note.to_string(), NOTE);
}

#[test]
fn a_signer_that_fails_is_reported() {
    struct Unplugged(VerifierKey);
    impl NoteSigner for Unplugged {
        fn verifier(&self) -> &VerifierKey {
            &self.0
        }
        fn sign(&self, _: &str) -> Result<Vec<u8>, NoteError> {
            Err(NoteError::SigningFailed("the token was pulled out".into()))
        }
    }
    let signer: Box<dyn NoteSigner> = Box::new(Unplugged(key()));
    let error = Note::sign(TEXT, signer.as_ref()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the note could not be signed: the token was pulled out"
    );
}

#[test]
fn one_changed_bit_is_noticed_wherever_it_is() {
    for at in 0..NOTE.len() {
        for bit in 0..8 {
            let mut bytes = NOTE.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let believed = Note::parse(&text).is_ok_and(|note| note.verify(&key()).is_ok());
            assert!(!believed, "{text}");
        }
    }
}

proptest! {
    #[test]
    fn a_note_that_reads_is_written_the_same(
        text in "[ -~—é\n]{0,40}\n",
        lines in prop::collection::vec(("[a-z.é]{1,8}", any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 1..80)), 1..6),
    ) {
        let mut note = Note::sign(&text, &signer()).unwrap();
        for (name, id, bytes) in lines {
            let (name, key_id) = (KeyName::parse(&name).unwrap(), KeyId::from_bytes(id));
            note.add_signature(SignatureLine { name, key_id, bytes }).unwrap();
        }
        let written = note.to_string();
        let read = Note::parse(&written).unwrap();
        prop_assert_eq!(read.verify(&key()), Ok(()));
        prop_assert_eq!(read.to_string(), written);
        prop_assert_eq!(read, note);
    }

    #[test]
    fn any_text_is_refused_or_written_the_same(text in "[ a—+=\n\r]{0,30}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }
}
