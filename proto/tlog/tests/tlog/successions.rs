//! How a ledger's key follows another, and who is believed when.

use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Hash, KeyName, LedgerKeys, Note, NoteSigner as _, SignedCheckpoint,
    Succession,
    succession::{SuccessionError, from_text, to_text},
};

const ORIGIN: &str = "example.com/ledger";

fn key(seed: u8) -> Ed25519Signer {
    of(ORIGIN, seed)
}

fn of(name: &str, seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(name).unwrap(), &[seed; 32]).unwrap()
}

fn after(size: u64, old: u8, new: u8) -> Succession {
    Succession::sign(size, &key(old), &key(new)).unwrap()
}

fn keys(seed: u8) -> LedgerKeys {
    key(seed).verifier().clone().into()
}

fn joined(seed: u8, all: impl IntoIterator<Item = Succession>) -> LedgerKeys {
    let mut keys = keys(seed);
    keys.join(all).unwrap();
    keys
}

fn checkpoint(size: u64, by: u8) -> String {
    let head = Checkpoint::new(ORIGIN, size, Hash::of_leaf(b"x")).unwrap();
    let signed = SignedCheckpoint::sign(&head, &key(by)).unwrap();
    signed.note().to_owned()
}

/// Signs a text as both keys, whatever it says.
fn forged(text: &str, old: u8, new: u8) -> Result<Succession, SuccessionError> {
    let mut note = Note::sign(text, &key(old)).unwrap();
    let second = Note::sign(text, &key(new)).unwrap();
    note.add_signature(second.signatures()[0].clone()).unwrap();
    Succession::parse(&note.to_string())
}

/// The bytes that are signed: they can never be written otherwise.
#[test]
fn a_succession_is_written_like_this() {
    let note = after(4161, 1, 2);
    assert_eq!(
        note.to_string(),
        "breakglass.dev/succession/v1\n\
         example.com/ledger\n\
         4161\n\
         example.com/ledger+3481d542+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n\
         example.com/ledger+edb3e1ea+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\n\
         \n\
         \u{2014} example.com/ledger NIHVQuL9tHLp34A36JGpwWmPtbuJ3Xc/NPVOJ+p5S3KxuH+tOPkXPYzWiUT3ERzOruLU/C8EIak3KHHuboUYJzzQuwE=\n\
         \u{2014} example.com/ledger 7bPh6rMTazcAp7cINUE7Y57sT4jFKg+vLG3tF+UqgB+Xrt6fihnNKfWVyRSszag1fQhf+6HPYjmqJ1kyqjkkoZm2cg0=\n"
    );
    assert_eq!(Succession::parse(note.note()).unwrap(), note);
}

#[test]
fn each_checkpoint_is_by_the_one_key_that_signs_so_many_entries() {
    let keys = joined(1, [after(10, 1, 2), after(20, 2, 3)]);
    for (size, by) in [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3), (1 << 40, 3)] {
        assert_eq!(keys.at(size), key(by).verifier(), "{size}");
        assert_eq!(keys.verify(&checkpoint(size, by)).unwrap().size(), size);
        for other in [1, 2, 3].into_iter().filter(|other| *other != by) {
            assert!(
                keys.verify(&checkpoint(size, other)).is_err(),
                "{size} {other}"
            );
        }
    }
    assert_eq!(keys.newest(), key(3).verifier());
    assert_eq!(keys.all().count(), 3);
}

#[test]
fn what_an_entry_brings_is_by_no_key_beyond_its_turn() {
    let keys = joined(1, [after(10, 1, 2), after(20, 2, 3)]);
    for (place, size, by) in [
        (5, 3, 1),
        // More than there was: whose turn it was then.
        (5, 99, 1),
        (15, 8, 1),
        (15, 12, 2),
        (15, 99, 2),
        (25, 99, 3),
    ] {
        let note = checkpoint(size, by);
        assert_eq!(keys.verify_at(&note, place).unwrap().size(), size);
        for other in (1..=3).filter(|other| *other != by) {
            let note = checkpoint(size, other);
            assert!(
                keys.verify_at(&note, place).is_err(),
                "{place} {size} {other}"
            );
            assert!(keys.verify_any(&note).is_ok());
        }
    }
}

#[test]
fn whoever_trusts_any_of_the_keys_learns_the_others_in_any_order() {
    let all = [after(10, 1, 2), after(20, 2, 3), after(30, 3, 4)];
    let expected = joined(1, all.clone());
    for seed in 1..=4 {
        let mut shuffled = all.clone();
        shuffled.reverse();
        assert_eq!(joined(seed, shuffled), expected, "{seed}");
    }
    let mut known = joined(2, [all[1].clone()]);
    assert_eq!(known.join(all.clone()).unwrap(), 2);
    assert_eq!(known.join(all).unwrap(), 0, "nothing of it is new");
}

#[test]
fn a_key_that_was_never_handed_over_is_not_believed() {
    let refused = keys(1).join([after(10, 5, 6)]).unwrap_err();
    assert!(
        matches!(refused, SuccessionError::Unconnected { .. }),
        "{refused}"
    );
    // The thief signs for both ends, and for a ledger of another name.
    let stranger = Succession::sign(
        10,
        &of("other.example/ledger", 1),
        &of("other.example/ledger", 2),
    );
    assert!(keys(1).join([stranger.unwrap()]).is_err());
    // One that does not fit takes nothing along.
    let mut unchanged = keys(1);
    unchanged
        .join([after(10, 1, 2), after(20, 7, 8)])
        .unwrap_err();
    assert_eq!(unchanged, keys(1));
}

#[test]
fn a_key_is_followed_once_and_never_comes_back() {
    let contradicts = |mut keys: LedgerKeys, one: Succession| {
        let refused = keys.join([one]).unwrap_err();
        assert!(
            matches!(refused, SuccessionError::Contradicts(_)),
            "{refused}"
        );
    };
    let two = || joined(1, [after(10, 1, 2)]);
    contradicts(two(), after(10, 1, 3)); // handed over twice
    contradicts(two(), after(11, 1, 2)); // the same one, from elsewhere on
    contradicts(two(), after(12, 3, 2)); // it followed somebody else
    contradicts(two(), after(20, 2, 1)); // back to the stolen one
    contradicts(two(), after(10, 2, 3)); // before it signed anything
    contradicts(two(), after(9, 2, 3));
    contradicts(joined(2, [after(10, 2, 3)]), after(10, 1, 2)); // backwards, too
    contradicts(joined(2, [after(10, 2, 3)]), after(5, 3, 2));
}

#[test]
fn both_keys_have_to_sign_just_this() {
    let name = ORIGIN;
    let (old, new) = (key(1).verifier().to_string(), key(2).verifier().to_string());
    let domain = "breakglass.dev/succession/v1";
    let good = format!("{domain}\n{name}\n10\n{old}\n{new}\n");
    assert!(forged(&good, 1, 2).is_ok());
    // By one of them only, by another, in the wrong order.
    assert!(Succession::parse(&Note::sign(&good, &key(1)).unwrap().to_string()).is_err());
    for (first, second) in [(1, 3), (3, 2), (2, 1), (1, 1)] {
        assert!(forged(&good, first, second).is_err(), "{first} {second}");
    }
    for text in [
        format!("breakglass.dev/succession/v2\n{name}\n10\n{old}\n{new}\n"),
        format!("{domain}\nother.example/ledger\n10\n{old}\n{new}\n"),
        format!("{domain}\n{name}\n0\n{old}\n{new}\n"),
        format!("{domain}\n{name}\n010\n{old}\n{new}\n"),
        format!("{domain}\n{name}\n-1\n{old}\n{new}\n"),
        format!("{domain}\n{name}\n10\n{new}\n{old}\n"),
        format!("{domain}\n{name}\n10\n{old}\n{old}\n"),
        format!("{domain}\n{name}\n10\n{old}\n{new}\nmore\n"),
        format!("{domain}\n{name}\n10\n{old}\n"),
        checkpoint(10, 1).split("\n\n").next().unwrap().to_owned() + "\n",
    ] {
        assert!(forged(&text, 1, 2).is_err(), "{text}");
    }
    assert!(Succession::sign(10, &key(1), &key(1)).is_err());
    assert!(Succession::sign(10, &key(1), &of("other.example/ledger", 2)).is_err());
}

/// What one key signs as a succession is no checkpoint, and the other way round.
#[test]
fn no_checkpoint_reads_like_one() {
    assert!(SignedCheckpoint::verify(after(10, 1, 2).note(), key(1).verifier()).is_err());
    assert!(Succession::parse(&checkpoint(10, 1)).is_err());
}

#[test]
fn several_stand_behind_one_another_in_a_file() {
    let all = vec![after(10, 1, 2), after(20, 2, 3)];
    let text = to_text(&all);
    assert_eq!(text.lines().count(), 16);
    assert_eq!(from_text(&text).unwrap(), all);
    assert_eq!(from_text("").unwrap(), []);
    for damaged in [&text[1..], &text[..text.len() - 1], "\n", "hello\n"] {
        assert!(from_text(damaged).is_err(), "{damaged}");
    }
    assert!(from_text(&"\n".repeat(8_008)).is_err(), "too many");
}
