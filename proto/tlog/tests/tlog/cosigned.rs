//! What several witnesses say together.

use breakglass_tlog::{
    CosignatureSigner, Cosigned, KeyName, Note, NoteSigner as _, Quorum, VerifierKey,
    cosigned::{CosignedError, QuorumError, cosignatures},
    note::SignatureType,
};

use crate::ledger::{NOTE, TEXT, WITNESS_KEY, WITNESS_LINE, key, signer};

/// When the witness of the other stories signed.
const THEN: u64 = 1_679_315_147;

fn witness(number: u8) -> CosignatureSigner {
    let name = KeyName::parse(&format!("witness.example.com/w{number}")).unwrap();
    CosignatureSigner::from_seed(name, &[8 + number; 32]).unwrap()
}

fn signed_by(numbers: &[u8]) -> String {
    let mut note = Note::parse(NOTE).unwrap();
    for number in numbers {
        note.add_signature(witness(*number).cosign(TEXT, THEN).unwrap())
            .unwrap();
    }
    note.to_string()
}

fn quorum(need: usize, numbers: &[u8]) -> Quorum {
    let keys = numbers.iter().map(|it| witness(*it).verifier().clone());
    Quorum::new(need, keys.collect()).unwrap()
}

#[test]
fn our_cosignature_is_the_one_python_makes() {
    let line = witness(1).cosign(TEXT, THEN).unwrap();
    assert_eq!(line.to_string(), WITNESS_LINE);
    assert_eq!(witness(1).verifier().to_string(), WITNESS_KEY);
    assert_eq!(signed_by(&[1]), format!("{NOTE}{WITNESS_LINE}\n"));
    witness(1).cosign(TEXT, u64::MAX).unwrap_err();
    assert_eq!(
        format!("{:?}", witness(1)),
        format!("CosignatureSigner({WITNESS_KEY})")
    );
}

#[test]
fn two_of_three_are_enough_and_one_is_not() {
    let quorum = quorum(2, &[1, 2, 3]);
    for enough in [&[1, 2][..], &[3, 1], &[1, 2, 3]] {
        let cosigned = Cosigned::verify(&signed_by(enough), &key(), &quorum).unwrap();
        assert_eq!(cosigned.size(), 3);
        assert_eq!(cosigned.cosignatures().len(), enough.len());
        assert_eq!(cosigned.cosignatures()[0].seconds, THEN);
        assert_eq!(cosigned.note(), signed_by(enough));
    }
    // The same witness twice is one witness, and a stranger is nobody.
    for (few, found) in [(&[][..], 0), (&[2], 1), (&[2, 2], 1), (&[2, 4, 5], 1)] {
        let verdict = Cosigned::verify(&signed_by(few), &key(), &quorum);
        assert_eq!(verdict, Err(CosignedError::TooFew { found, need: 2 }));
    }
}

#[test]
fn who_signed_what_is_told_without_a_quorum() {
    let keys = quorum(3, &[1, 2, 3]).keys().to_vec();
    let (checkpoint, found) = cosignatures(&signed_by(&[3]), &key(), &keys).unwrap();
    assert_eq!((checkpoint.size(), found.len()), (3, 1));
    assert_eq!(found[0].name.as_str(), "witness.example.com/w3");
}

#[test]
fn a_false_line_under_a_witnesss_name_spoils_the_note() {
    let other = witness(2).cosign(&TEXT.replace('3', "4"), THEN).unwrap();
    let mut note = Note::parse(&signed_by(&[1, 3])).unwrap();
    note.add_signature(other).unwrap();
    let verdict = Cosigned::verify(&note.to_string(), &key(), &quorum(2, &[1, 2, 3]));
    assert!(matches!(verdict, Err(CosignedError::Cosignature(_))));
    // Nobody asked that one, so what it bears means nothing.
    Cosigned::verify(&note.to_string(), &key(), &quorum(2, &[1, 3])).unwrap();
}

#[test]
fn witnesses_do_not_stand_in_for_the_ledger() {
    let note = signed_by(&[1, 2]);
    let ours = note
        .lines()
        .find(|line| line.contains("com/ledger 7E1"))
        .unwrap();
    let without = note.replace(&format!("{ours}\n"), "");
    let verdict = Cosigned::verify(&without, &key(), &quorum(2, &[1, 2]));
    assert!(matches!(verdict, Err(CosignedError::Checkpoint(_))));

    let name = KeyName::parse("witness.example.com/itself").unwrap();
    let itself = CosignatureSigner::from_seed(name, &[7; 32]).unwrap();
    let quorum = Quorum::new(1, vec![itself.verifier().clone()]).unwrap();
    let mut note = Note::parse(NOTE).unwrap();
    note.add_signature(itself.cosign(TEXT, THEN).unwrap())
        .unwrap();
    let verdict = Cosigned::verify(&note.to_string(), &key(), &quorum);
    assert!(matches!(verdict, Err(CosignedError::OwnKey(_))));
}

#[test]
fn a_quorum_is_of_different_witnesses_that_can_be_verified() {
    let one = witness(1).verifier().clone();
    for need in [0, 2] {
        let verdict = Quorum::new(need, vec![one.clone()]);
        assert_eq!(verdict, Err(QuorumError::Count { need, of: 1 }));
    }
    let many = (1..=16).map(|it| witness(it).verifier().clone()).collect();
    Quorum::new(1, many).unwrap_err();
    let renamed = KeyName::parse("another.example/name").unwrap();
    let renamed =
        VerifierKey::new(renamed, SignatureType::CosignatureV1, one.public_key()).unwrap();
    let verdict = Quorum::new(1, vec![one, renamed]);
    assert!(matches!(verdict, Err(QuorumError::Twice { .. })));
    let verdict = Quorum::new(1, vec![signer().verifier().clone()]);
    assert!(verdict.unwrap_err().to_string().contains("as of a ledger"));
}

#[test]
fn a_key_for_ml_dsa_44_is_known_and_verifies_nothing() {
    let name = KeyName::parse("witness.example.com/pq").unwrap();
    let kind = SignatureType::from_byte(0x06);
    assert_eq!(kind, SignatureType::MlDsa44Cosignature);
    VerifierKey::new(name.clone(), kind, &[1; 1_311]).unwrap_err();
    let key = VerifierKey::new(name, kind, &[1; 1_312]).unwrap();
    assert_eq!(VerifierKey::parse(&key.to_string()).as_ref(), Ok(&key));
    let mut line = witness(1).cosign(TEXT, THEN).unwrap();
    (line.name, line.key_id) = (key.name().clone(), key.key_id());
    key.verify(TEXT, &line).unwrap_err();
    let verdict = Quorum::new(1, vec![key]);
    assert!(verdict.unwrap_err().to_string().contains("ML-DSA-44"));
}
