//! A start decides from what the ledger's key has signed, or from the ledger.

use std::path::Path;
use std::sync::Arc;

use breakglass_domain::Change;
use breakglass_tlog::{Ed25519Signer, KeyName, LedgerKeys, NoteSigner as _, Succession};

use super::super::seal;
use super::super::store::Store;
use super::{Nights, Sealer, line, night};
use crate::ports::Ledger as _;

/// Writes over what stands in the newest snapshot, as somebody who has the folder can.
fn edit(at: &Path, edits: impl Fn(&str) -> String) {
    let store = Store::open(at, "glass.example/ledger").unwrap();
    let part = [b"part".as_slice(), &0_u32.to_be_bytes()].concat();
    let before = store.meta.get(&part).unwrap().unwrap();
    let before = std::str::from_utf8(&before).unwrap();
    let after = edits(before);
    assert_ne!(after, before, "the edit finds what it looks for");
    store.meta.insert(part, after.as_bytes()).unwrap();
    store.sync().unwrap();
}

#[test]
fn decisions_come_from_the_ledger_though_somebody_edits_the_snapshot() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    let frozen = Change::PersonFrozen {
        person: "leon".parse().unwrap(),
        reason: line("laptop stolen"),
    };
    nights.write(vec![("mia", frozen)]);
    let lifts = |text: &str| {
        let (before, rest) = text.split_once("\"frozen\":").unwrap();
        let (_, after) = rest
            .split_once("\"]")
            .or_else(|| rest.split_once(']'))
            .unwrap();
        format!("{before}\"frozen\":null{after}")
    };
    let lengthens = |text: &str| text.replace("\"next_grant\":3", "\"next_grant\":9");
    for edits in [&lifts as &dyn Fn(&str) -> String, &lengthens] {
        nights.open().close();
        let (up_to, state, why) = nights.starts_at(&nights.at());
        assert_eq!((up_to, why), (8, None), "a start reads no history");
        assert_eq!(state, nights.told_by_the_ledger());
        edit(&nights.at(), edits);
        let (up_to, state, why) = nights.starts_at(&nights.at());
        assert_eq!(
            why.as_deref(),
            Some("its snapshot is not the one that was signed")
        );
        assert_eq!((up_to, state), (0, nights.told_by_the_ledger()));
    }
}

#[test]
fn an_index_of_another_history_is_made_again_though_name_key_and_size_are_the_same() {
    let mut ours = Nights::new("glass.example/ledger");
    ours.write(night(1, 1));
    let mut restored = Nights::new("glass.example/ledger");
    let mut other = night(1, 1);
    other.swap(2, 5);
    restored.write(other);
    ours.open().close();
    let (up_to, state, why) = restored.starts_at(&ours.at());
    let another = "it is of another history than this ledger's";
    assert_eq!((up_to, why.as_deref()), (0, Some(another)));
    assert_eq!(state, restored.told_by_the_ledger());

    // Also where both have grown since, and in the same way.
    ours.open().close();
    for nights in [&mut ours, &mut restored] {
        nights.write(night(2, 3));
    }
    let (up_to, _, why) = ours.starts_at(&ours.at());
    assert_eq!((up_to, why), (7, None));
    let (up_to, _, why) = restored.starts_at(&ours.at());
    assert_eq!((up_to, why.as_deref()), (0, Some(another)));
}

#[test]
fn an_index_that_another_key_signed_is_made_again() {
    let mut ours = Nights::new("glass.example/ledger");
    let mut forged = Nights::with_key("glass.example/ledger", 8);
    for nights in [&mut ours, &mut forged] {
        nights.write(night(1, 1));
    }
    forged.open_at(&ours.at()).close();
    let (up_to, state, why) = ours.starts_at(&ours.at());
    let unsigned = "its snapshot is not signed by the ledger's key: ";
    assert!(why.unwrap().starts_with(unsigned), "and says whose it is");
    assert_eq!((up_to, state), (0, ours.told_by_the_ledger()));
}

#[test]
fn what_an_older_key_of_the_ledger_signed_in_its_time_is_still_its_word() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    nights.open().close();
    let (old, new) = (key(7), key(8));
    // Entry 7 hands the ledger over: over 8 entries the old key signs for the last time.
    for (size, is_believed) in [(8, true), (7, true), (6, false)] {
        let mut keys = LedgerKeys::from(new.verifier().clone());
        let succession = Succession::sign(size, &*old, &*new).unwrap();
        keys.join([succession]).unwrap();
        nights.sealer = Sealer::new(new.clone(), keys);
        let why = nights.opens_at(&copied(&nights.at())).rebuilt_because;
        assert_eq!(why.is_none(), is_believed, "{size}: {why:?}");
    }
    // And what the new one signs is its word, of however many entries.
    nights.open().close();
    assert_eq!(nights.starts_at(&nights.at()).2, None);
}

fn key(seed: u8) -> Arc<Ed25519Signer> {
    let name = KeyName::parse("glass.example/ledger").unwrap();
    Arc::new(Ed25519Signer::from_seed(name, &[seed; 32]).unwrap())
}

/// A copy of a folder of an index beside it.
fn copied(folder: &Path) -> std::path::PathBuf {
    let copy = folder.with_extension("copy");
    let _ = std::fs::remove_dir_all(&copy);
    copy_all(folder, &copy);
    copy
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        match file.file_type().unwrap().is_dir() {
            true => copy_all(&file.path(), &to),
            false => drop(std::fs::copy(file.path(), to).unwrap()),
        }
    }
}

#[test]
fn an_index_from_before_snapshots_were_signed_is_made_again_once() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    nights.open().close();
    let store = Store::open(&nights.at(), "glass.example/ledger").unwrap();
    store
        .meta
        .insert("snapshot", r#"{"up_to":7,"parts":1}"#)
        .unwrap();
    store.sync().unwrap();
    drop(store);
    let (up_to, _, why) = nights.starts_at(&nights.at());
    let unsigned = "its snapshot is not signed by the ledger's key";
    assert_eq!((up_to, why.as_deref()), (0, Some(unsigned)));
    nights.open().close();
    let (up_to, _, why) = nights.starts_at(&nights.at());
    assert_eq!((up_to, why), (7, None));
}

/// What is signed once is read for ever.
#[test]
fn the_words_that_are_signed_are_these() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    let reader = nights.ledger.reader();
    let seal = seal::seal(&nights.sealer, &*reader, 7, b"a snapshot").unwrap();
    let root = reader.checkpoint().root();
    let text = format!(
        "breakglass.dev/snapshot/v1\nglass.example/ledger\n7\n{root}\n\
         4fd24382e6a60f42a9b4a85f8135fd29c109de63d8c604138b6817cdec77d3c0\n"
    );
    assert_eq!(seal.split_once("\n\n").unwrap().0.to_owned() + "\n", text);
}
