//! No entry, no receipt.

use std::sync::Arc;

use breakglass_tlog::{
    Hash, InclusionProof, Receipt, TlogProof,
    checkpoint::CheckpointError,
    limits::{MAX_ENTRY_BYTES, MAX_TLOG_PROOF_BYTES},
    note::NoteError,
    proof::ProofError,
    receipt::ReceiptError,
    tlog_proof::TlogProofError,
    tree::prove_inclusion,
};
use proptest::prelude::*;

use crate::ledger::{NOTE, entry, key, signed, signer_named, stored};

/// The proof for the second of the three entries in `ledger.rs`, made apart from this crate.
const PROOF: &str = "\
c2sp.org/tlog-proof@v1
index 1
0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=
Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=

example.com/ledger
3
Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=

— example.com/ledger 7E1ubTHuko+80HkhkUcwUuzltYFmyFapf8y3cVy7h2aEf/0+lU/qAk8+5okNDHjn54OYA8yInhlENh5xZkXkYVpMlA8=
";

#[test]
fn a_batch_shares_one_checkpoint() {
    let hashes = stored(40);
    let checkpoint = Arc::new(signed(40, &hashes));
    let receipts: Vec<Receipt> = (32..40)
        .map(|index| {
            let proof = prove_inclusion(index, 40, &hashes).unwrap();
            Receipt::verify(entry(index), proof, &checkpoint).unwrap()
        })
        .collect();
    for (receipt, index) in receipts.iter().zip(32..) {
        assert_eq!(receipt.index(), index);
        assert_eq!(receipt.entry(), entry(index));
        assert_eq!(
            receipt.proof(),
            &prove_inclusion(index, 40, &hashes).unwrap()
        );
        assert!(Arc::ptr_eq(receipt.checkpoint(), &checkpoint));
    }
    let (one, copy) = (&receipts[0], receipts[0].clone());
    assert_eq!(one, &copy);
    assert!(Arc::ptr_eq(&one.shared_entry(), &copy.shared_entry()));
}

#[test]
fn an_entry_that_is_not_there_gets_no_receipt() {
    let hashes = stored(40);
    let checkpoint = Arc::new(signed(40, &hashes));
    let proof = || prove_inclusion(7, 40, &hashes).unwrap();
    assert!(Receipt::verify(entry(7), proof(), &checkpoint).is_ok());

    let not_included = Err(ReceiptError::NotIncluded(ProofError::RootMismatch));
    assert_eq!(
        Receipt::verify(entry(8), proof(), &checkpoint),
        not_included
    );
    let moved = InclusionProof {
        index: 8,
        ..proof()
    };
    assert_eq!(Receipt::verify(entry(7), moved, &checkpoint), not_included);
    let mut altered = proof();
    altered.hashes[2] = Hash::of_leaf(b"");
    assert_eq!(
        Receipt::verify(entry(7), altered, &checkpoint),
        not_included
    );
    let mut cut = proof();
    cut.hashes.pop();
    assert!(Receipt::verify(entry(7), cut, &checkpoint).is_err());
    let beyond = InclusionProof {
        index: 40,
        ..proof()
    };
    let error = Receipt::verify(entry(7), beyond, &checkpoint).unwrap_err();
    assert!(matches!(
        error,
        ReceiptError::NotIncluded(ProofError::OutOfRange { .. })
    ));
}

#[test]
fn a_proof_belongs_to_the_checkpoint_of_its_size() {
    let hashes = stored(40);
    let proof = prove_inclusion(7, 39, &hashes).unwrap();
    let checkpoint = Arc::new(signed(40, &hashes));
    let error = Receipt::verify(entry(7), proof, &checkpoint).unwrap_err();
    assert_eq!(
        error,
        ReceiptError::SizeMismatch {
            proof: 39,
            checkpoint: 40
        }
    );
}

#[test]
fn an_empty_ledger_gives_no_receipt() {
    let checkpoint = Arc::new(signed(0, &stored(0)));
    let proof = InclusionProof {
        index: 0,
        size: 0,
        hashes: vec![],
    };
    let error = Receipt::verify(entry(0), proof, &checkpoint).unwrap_err();
    assert!(matches!(
        error,
        ReceiptError::NotIncluded(ProofError::OutOfRange { .. })
    ));
}

#[test]
fn an_inner_node_does_not_pass_for_an_entry() {
    // The attack that leaf and node prefixes exist for: two hashes given as a 64-byte entry.
    let hashes = stored(4);
    let checkpoint = Arc::new(signed(4, &hashes));
    let node = [0, 1]
        .map(|index| *Hash::of_leaf(&entry(index)).as_bytes())
        .concat();
    let right = prove_inclusion(0, 4, &hashes).unwrap().hashes[1];
    let proof = InclusionProof {
        index: 0,
        size: 4,
        hashes: vec![right],
    };
    assert!(Receipt::verify(node, proof, &checkpoint).is_err());
}

#[test]
fn an_entry_that_no_bundle_can_hold_gets_no_receipt() {
    let longest = vec![b'x'; MAX_ENTRY_BYTES + 1];
    let hashes = [Hash::of_leaf(&longest)].into_iter().collect();
    let checkpoint = Arc::new(signed(1, &hashes));
    let proof = prove_inclusion(0, 1, &hashes).unwrap();
    let error = Receipt::verify(longest, proof, &checkpoint).unwrap_err();
    assert_eq!(error, ReceiptError::EntryTooLong(65_536));
}

#[test]
fn a_receipt_can_be_carried_around_as_a_file() {
    let read = TlogProof::parse(PROOF).unwrap();
    assert_eq!(read.checkpoint, NOTE);
    let receipt = read.clone().receipt(b"two".as_slice(), &key()).unwrap();
    assert_eq!((receipt.index(), receipt.entry()), (1, b"two".as_slice()));
    assert_eq!(TlogProof::from(&receipt), read);
    assert_eq!(TlogProof::from(&receipt).to_string(), PROOF);
}

#[test]
fn a_file_convinces_nobody_of_another_entry_or_under_another_key() {
    let proof = || TlogProof::parse(PROOF).unwrap();
    let error = proof().receipt(b"three".as_slice(), &key()).unwrap_err();
    assert!(matches!(
        error,
        TlogProofError::Receipt(ReceiptError::NotIncluded(_))
    ));
    let stranger = signer_named("example.net/x", 1);
    use breakglass_tlog::NoteSigner as _;
    let error = proof()
        .receipt(b"two".as_slice(), stranger.verifier())
        .unwrap_err();
    let not_signed = |error: &CheckpointError| {
        matches!(error, CheckpointError::Note(NoteError::NotSigned { .. }))
    };
    assert!(matches!(error, TlogProofError::Checkpoint(inner) if not_signed(&inner)));
}

#[test]
fn extra_data_is_carried_and_not_believed() {
    let with = |line: &str| PROOF.replace("index", &format!("{line}\nindex"));
    let read = TlogProof::parse(&with("extra AQID")).unwrap();
    assert_eq!(read.extra.as_deref(), Some([1, 2, 3].as_slice()));
    assert_eq!(read.to_string(), with("extra AQID"));
    assert!(read.receipt(b"two".as_slice(), &key()).is_ok());
    let empty = TlogProof::parse(&with("extra ")).unwrap();
    assert_eq!(empty.extra.as_deref(), Some([].as_slice()));
    assert_eq!(empty.to_string(), with("extra "));
    for wrong in [
        "extra",
        "extra !",
        "extra AQI",
        "extra extra AQID",
        "extra AQID\nextra AQID",
    ] {
        assert!(TlogProof::parse(&with(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_not_a_proof_is_refused() {
    let hash = Hash::EMPTY_TREE;
    let longest = format!("{hash}\n").repeat(65);
    for text in [
        String::new(),
        "c2sp.org/tlog-proof@v1\n".into(),
        "c2sp.org/tlog-proof@v1\n\nnote\n".into(),
        "c2sp.org/tlog-proof@v1\nindex 0\n".into(),
        "c2sp.org/tlog-proof@v1\nindex \n\nnote\n".into(),
        "c2sp.org/tlog-proof@v1\nindex 01\n\nnote\n".into(),
        "c2sp.org/tlog-proof@v1\nindex -1\n\nnote\n".into(),
        "c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\nnote\n".into(),
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nnote\n".into(),
        format!("c2sp.org/tlog-proof@v1\n{hash}\nindex 0\n\nnote\n"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{longest}\nnote\n"),
        PROOF.replace("@v1", "@v2"),
        PROOF.replace('\n', "\r\n"),
        format!("\n{PROOF}"),
        PROOF.to_owned() + &"x".repeat(MAX_TLOG_PROOF_BYTES),
    ] {
        let error = TlogProof::parse(&text).unwrap_err();
        assert!(matches!(error, TlogProofError::Malformed(_)), "{text:.99}");
    }
    // The checkpoint is taken as it is, and refused when it is to be believed.
    let read = TlogProof::parse("c2sp.org/tlog-proof@v1\nindex 0\n\nnote\n").unwrap();
    let error = read.receipt(b"".as_slice(), &key()).unwrap_err();
    assert!(matches!(error, TlogProofError::Checkpoint(_)));
}

proptest! {
    #[test]
    fn only_the_entry_itself_gets_the_receipt(
        size in 1..200_u64,
        at in any::<prop::sample::Index>(),
        other in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let at = at.index(size as usize) as u64;
        let hashes = stored(size);
        let checkpoint = Arc::new(signed(size, &hashes));
        let proof = prove_inclusion(at, size, &hashes).unwrap();
        let genuine = Receipt::verify(entry(at), proof.clone(), &checkpoint);
        prop_assert!(genuine.is_ok());
        let file = TlogProof::from(&genuine.unwrap()).to_string();
        let again = TlogProof::parse(&file).unwrap().receipt(entry(at), &key());
        prop_assert!(again.is_ok());
        prop_assume!(other != entry(at));
        prop_assert!(Receipt::verify(other, proof, &checkpoint).is_err());
    }
}
