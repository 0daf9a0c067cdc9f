//! A laptop follows the ledger's key as far as it was handed over, and not a step further.

use std::sync::{Arc, RwLock};

use breakglass_tlog::{
    Checkpoint, ConsistencyProof, Ed25519Signer, Hash, KeyName, NoteSigner as _, SignedCheckpoint,
    StoredHashes,
    tree::{prove_consistency, prove_inclusion, tree_hash},
};
use serde_json::{Value, json};

use super::*;

const ORIGIN: &str = "glass.example/ledger";

fn key(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[seed; 32]).unwrap()
}

fn vkey(seed: u8) -> String {
    key(seed).verifier().to_string()
}

/// A ledger as its broker has it.
#[derive(Default)]
struct Ledger {
    lines: Vec<Vec<u8>>,
    tree: StoredHashes,
    /// Who signs, and the entries that say since when.
    now: u8,
    handed_over_at: Vec<u64>,
}

impl Ledger {
    fn of_key(seed: u8) -> Self {
        let mut ledger = Self {
            now: seed,
            ..Self::default()
        };
        ledger.writes(json!({"kind": "broker.started"}));
        ledger
    }

    fn writes(&mut self, body: Value) {
        let index = self.lines.len();
        let mut entry = json!({
            "v": 1, "index": index, "at": "2026-11-23T03:05:00.000Z", "by": "breakglass"
        });
        let fields = entry.as_object_mut().unwrap();
        fields.extend(body.as_object().unwrap().clone());
        let line = serde_json::to_vec(&entry).unwrap();
        self.tree.push(Hash::of_leaf(&line));
        self.lines.push(line);
    }

    fn hands_over_to(&mut self, seed: u8) {
        self.hands_over(&key(self.now), seed, json!({}));
    }

    fn hands_over(&mut self, old: &Ed25519Signer, seed: u8, over: Value) {
        let place = self.tree.size();
        let succession = Succession::sign(place + 1, old, &key(seed)).unwrap();
        let public = STANDARD.encode(key(seed).verifier().public_key());
        let mut body = json!({
            "kind": "key.added", "purpose": "ledger", "id": vkey(seed), "public": public,
            "succession": succession.note(),
        });
        let fields = body.as_object_mut().unwrap();
        fields.extend(over.as_object().unwrap().clone());
        self.writes(body);
        self.handed_over_at.push(place);
        self.now = seed;
        self.writes(json!({"kind": "broker.started"}));
    }

    fn head(&self) -> SignedCheckpoint {
        let size = self.tree.size();
        let root = tree_hash(size, &self.tree).unwrap();
        let head = Checkpoint::new(ORIGIN, size, root).unwrap();
        SignedCheckpoint::sign(&head, &key(self.now)).unwrap()
    }

    /// What the broker answers to who asks whose it is.
    fn receipts(&self) -> Vec<v1::Receipt> {
        let handed_over = self.handed_over_at.iter();
        handed_over.map(|index| self.receipt(*index)).collect()
    }

    fn receipt(&self, index: u64) -> v1::Receipt {
        let proof = prove_inclusion(index, self.tree.size(), &self.tree).unwrap();
        let hashes = proof.hashes.iter().map(|hash| hash.as_bytes().to_vec());
        v1::Receipt {
            index,
            entry: self.lines[usize::try_from(index).unwrap()].clone(),
            inclusion: hashes.collect(),
            checkpoint: self.head().note().to_owned(),
        }
    }
}

impl Prover for Ledger {
    async fn prove(&self, old: u64, new: u64) -> Result<ConsistencyProof, Error> {
        prove_consistency(old, new, &self.tree)
            .map_err(|error| Error::usage(error.to_string(), String::new()))
    }
}

struct Laptop {
    folder: tempfile::TempDir,
    trust: Trust,
}

impl Laptop {
    fn pinned_to(seed: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trust = Trust {
            keys: Arc::new(RwLock::new(key(seed).verifier().clone().into())),
            handed_over: Arc::default(),
            successions_file: folder.path().join("successions"),
            checkpoint_file: folder.path().join("checkpoint"),
            evidence_folder: folder.path().join("evidence"),
        };
        Self { folder, trust }
    }

    /// Opens a session with the broker of this ledger.
    async fn meets(&self, ledger: &Ledger) -> Result<(), Error> {
        let receipts = ledger.receipts();
        let said = vkey(ledger.now);
        self.trust.follow(&said, &receipts, ledger).await?;
        let head = self.trust.verify_checkpoint(ledger.head().note())?;
        self.trust.accept(&head, ledger).await
    }

    async fn refuses(&self, ledger: &Ledger) -> Error {
        let before = self.trust.keys();
        let error = self.meets(ledger).await.unwrap_err();
        assert_eq!(error.exit_code(), 86, "{error}");
        assert_eq!(self.trust.keys(), before, "nothing was learnt");
        assert!(!self.folder.path().join("successions").exists());
        error
    }
}

/// What a key proves that was followed depends on when it was; a context of before learns it at the next call.
#[tokio::test]
async fn when_the_ledger_was_handed_over_is_kept_beside_the_keys() {
    let mut ledger = Ledger::of_key(1);
    ledger.hands_over_to(2);
    let laptop = Laptop::pinned_to(1);
    laptop.meets(&ledger).await.unwrap();
    let successions = laptop.folder.path().join("successions");
    let file = laptop.folder.path().join("handed-over");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(kept, "2 2026-11-23T03:05:00.000Z\n");
    for text in [None, Some("damaged")] {
        match text {
            None => std::fs::remove_file(&file).unwrap(),
            Some(text) => std::fs::write(&file, text).unwrap(),
        }
        let times = known_times(&successions).unwrap();
        let before = Laptop {
            trust: Trust {
                handed_over: Arc::new(RwLock::new(times)),
                ..laptop.trust.clone()
            },
            folder: tempfile::tempdir().unwrap(),
        };
        before.meets(&ledger).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), kept);
    }
}

#[tokio::test]
async fn a_laptop_that_was_away_for_two_rotations_follows_both_and_keeps_the_way() {
    let mut ledger = Ledger::of_key(1);
    let laptop = Laptop::pinned_to(1);
    laptop.meets(&ledger).await.unwrap();
    ledger.hands_over_to(2);
    ledger.hands_over_to(3);
    laptop.meets(&ledger).await.unwrap();
    assert_eq!(laptop.trust.key().to_string(), vkey(3));
    assert_eq!(laptop.trust.remembered().unwrap().unwrap().size(), 5);
    // The next `glass` on it, without a network.
    let file = laptop.folder.path().join("successions");
    let known = known(key(1).verifier().clone(), &file).unwrap();
    assert_eq!(known, laptop.trust.keys());
    // And again: nothing is new.
    laptop.meets(&ledger).await.unwrap();
    // What the old key signs is no more of this ledger.
    ledger.now = 1;
    laptop.meets(&ledger).await.unwrap_err();
}

#[tokio::test]
async fn one_that_was_enrolled_between_learns_who_signed_before_and_who_signs_now() {
    let mut ledger = Ledger::of_key(1);
    ledger.hands_over_to(2);
    ledger.hands_over_to(3);
    let laptop = Laptop::pinned_to(2);
    laptop.meets(&ledger).await.unwrap();
    let keys = laptop.trust.keys();
    assert_eq!(
        (keys.oldest(), keys.newest()),
        (key(1).verifier(), key(3).verifier())
    );
}

#[tokio::test]
async fn a_key_that_was_never_handed_the_ledger_is_refused() {
    let laptop = Laptop::pinned_to(1);
    let mut ledger = Ledger::of_key(1);
    ledger.now = 2;
    let error = laptop.refuses(&ledger).await.to_string();
    assert!(error.contains("no entry hands the ledger over"), "{error}");
    // By somebody who never had it.
    let mut ledger = Ledger::of_key(1);
    ledger.hands_over(&key(9), 2, json!({}));
    laptop.refuses(&ledger).await;
    // Of whom the entry says nothing, or another, or that stands elsewhere.
    for over in [
        json!({"kind": "key.retired"}),
        json!({"purpose": "issuing"}),
        json!({"id": vkey(3)}),
        json!({"public": "AAAA"}),
        json!({"succession": Succession::sign(9, &key(1), &key(2)).unwrap().note()}),
        json!({"succession": "hello"}),
    ] {
        let mut ledger = Ledger::of_key(1);
        ledger.hands_over(&key(1), 2, over);
        laptop.refuses(&ledger).await;
    }
    // Both keys have signed, and the ledger does not say it.
    let mut ledger = Ledger::of_key(1);
    ledger.hands_over_to(2);
    let mut other = Ledger::of_key(1);
    other.writes(json!({"kind": "broker.started"}));
    other.writes(json!({"kind": "broker.started"}));
    let mut receipts = ledger.receipts();
    for receipt in &mut receipts {
        other.now = 2;
        receipt.checkpoint = other.head().note().to_owned();
    }
    let followed = laptop.trust.follow(&vkey(2), &receipts, &other).await;
    assert!(followed.unwrap_err().to_string().contains("receipt"));
}

#[tokio::test]
async fn one_key_that_is_followed_by_two_is_kept_as_evidence() {
    let laptop = Laptop::pinned_to(1);
    let mut ledger = Ledger::of_key(1);
    ledger.hands_over_to(2);
    laptop.meets(&ledger).await.unwrap();
    let mut forked = Ledger::of_key(1);
    forked.writes(json!({"kind": "broker.started"}));
    forked.hands_over_to(3);
    let error = laptop.meets(&forked).await.unwrap_err();
    let Error::Unverified {
        evidence: Some(folder),
        ..
    } = error
    else {
        panic!("no evidence: {error}")
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let [kept, came] = ["remembered.succession", "received.succession"].map(read);
    for note in [&kept, &came] {
        assert_eq!(Succession::parse(note).unwrap().old(), key(1).verifier());
    }
    assert_ne!(kept, came);
    assert!(read("README.txt").contains("which key follows another"));
}

/// A stolen old key can hand over in its own name alone: another history has to come with it.
#[tokio::test]
async fn another_history_that_is_handed_over_rightly_is_still_another_history() {
    let laptop = Laptop::pinned_to(1);
    let mut ledger = Ledger::of_key(1);
    ledger.writes(json!({"kind": "grant.started"}));
    laptop.meets(&ledger).await.unwrap();
    let mut rewritten = Ledger::of_key(1);
    rewritten.writes(json!({"kind": "nothing.happened"}));
    rewritten.hands_over_to(2);
    let error = laptop.refuses(&rewritten).await.to_string();
    assert!(error.contains("rewritten or forked"), "{error}");
}

/// What a laptop has seen of the first key's history, and what the broker went on with from a copy of one entry:
/// a mark, and then another key.
fn lost_and_rotated() -> (Ledger, Ledger) {
    let mut lost = Ledger::of_key(1);
    for number in 0..9 {
        lost.writes(json!({"kind": "grant.started", "number": number}));
    }
    let (mut ledger, head) = (Ledger::of_key(1), lost.head());
    ledger.writes(
        json!({"kind": "ledger.restored", "kept": 1, "size": head.size(),
        "checkpoint": head.note(), "operator": "Olaf", "reason": "the disk died"}),
    );
    ledger.hands_over_to(2);
    (lost, ledger)
}

#[tokio::test]
async fn a_loss_is_accepted_after_its_ledger_was_handed_over() {
    let (lost, ledger) = lost_and_rotated();
    let laptop = Laptop::pinned_to(1);
    laptop.meets(&lost).await.unwrap();
    laptop.refuses(&ledger).await;

    let receipts = ledger.receipts();
    laptop.trust.supposes(&vkey(2), &receipts).unwrap();
    let file = laptop.folder.path().join("successions");
    assert!(!file.exists(), "looking keeps nothing");
    let mark = laptop.trust.verify_receipt(&ledger.receipt(1)).unwrap();
    let going = laptop.trust.consider(mark).unwrap();
    let is_one = laptop.trust.is_handed_over_in(&going, &receipts, &ledger);
    is_one.await.unwrap();
    laptop.trust.go_on(&going).unwrap();

    // The next `glass` on it knows the keys and goes on.
    let keys = known(key(1).verifier().clone(), &file).unwrap();
    assert_eq!(keys.newest(), key(2).verifier());
    let next = Laptop {
        trust: Trust {
            keys: Arc::new(RwLock::new(keys)),
            ..laptop.trust.clone()
        },
        folder: laptop.folder,
    };
    let remembered = next.trust.remembered().unwrap().unwrap();
    assert_eq!(remembered.note(), ledger.head().note());
    next.meets(&ledger).await.unwrap();
}

/// Between the two files that are written: the keys are known, and what is lost is still what was seen.
#[tokio::test]
async fn one_that_knows_the_key_and_has_seen_what_is_lost_is_stopped_and_can_accept() {
    let (lost, ledger) = lost_and_rotated();
    let laptop = Laptop::pinned_to(1);
    laptop.meets(&lost).await.unwrap();
    let notes: String = handed_over(&ledger);
    laptop.trust.supposes_noted(&notes, 4).unwrap();
    std::fs::write(laptop.folder.path().join("successions"), &notes).unwrap();
    let error = laptop.meets(&ledger).await.unwrap_err().to_string();
    assert!(error.contains("rewritten or forked"), "{error}");
    let mark = laptop.trust.verify_receipt(&ledger.receipt(1)).unwrap();
    laptop.trust.consider(mark).unwrap();
}

#[tokio::test]
async fn a_ledger_that_is_handed_over_in_another_history_than_its_mark_is_not_accepted() {
    let (lost, ledger) = lost_and_rotated();
    let laptop = Laptop::pinned_to(1);
    laptop.meets(&lost).await.unwrap();
    laptop.trust.supposes(&vkey(2), &ledger.receipts()).unwrap();
    let mark = laptop.trust.verify_receipt(&ledger.receipt(1)).unwrap();
    let going = laptop.trust.consider(mark).unwrap();
    let mut other = Ledger::of_key(1);
    other.writes(json!({"kind": "nothing.happened"}));
    other.hands_over_to(2);
    let receipts = other.receipts();
    let error = laptop.trust.is_handed_over_in(&going, &receipts, &other);
    assert_eq!(error.await.unwrap_err().exit_code(), 86);
}

/// Of a mark in a file.
#[test]
fn notes_alone_are_taken_as_far_as_they_follow_and_are_needed() {
    let (_, ledger) = lost_and_rotated();
    let notes = handed_over(&ledger);
    let laptop = Laptop::pinned_to(1);
    laptop.trust.supposes_noted(&notes, 3).unwrap();
    assert_eq!(laptop.trust.key(), *key(1).verifier(), "not its turn yet");
    laptop.trust.supposes_noted("hello", 4).unwrap_err();
    let stranger = after(8, 9);
    laptop.trust.supposes_noted(stranger.note(), 4).unwrap_err();
    assert_eq!(laptop.trust.key(), *key(1).verifier());
    laptop.trust.supposes_noted(&notes, 4).unwrap();
    assert_eq!(laptop.trust.key(), *key(2).verifier());
}

fn handed_over(ledger: &Ledger) -> String {
    let receipts = ledger.receipts();
    let notes = receipts
        .iter()
        .map(|it| entry_of(it).unwrap().0.to_string());
    notes.collect()
}

#[tokio::test]
async fn a_glass_that_runs_beside_takes_up_what_another_has_followed() {
    let mut ledger = Ledger::of_key(1);
    let laptop = Laptop::pinned_to(1);
    laptop.meets(&ledger).await.unwrap();
    let beside = Trust {
        keys: Arc::new(RwLock::new(key(1).verifier().clone().into())),
        ..laptop.trust.clone()
    };
    ledger.hands_over_to(2);
    laptop.meets(&ledger).await.unwrap();
    assert_eq!(beside.remembered().unwrap().unwrap().size(), 3);
    assert_eq!(beside.key(), *key(2).verifier());
}

#[test]
fn a_file_that_is_damaged_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("successions");
    let pinned = || key(1).verifier().clone();
    assert_eq!(known(pinned(), &file).unwrap(), pinned().into());
    for damaged in ["hello\n", after(8, 9).note()] {
        std::fs::write(&file, damaged).unwrap();
        assert!(known(pinned(), &file).is_err());
    }
}

fn after(old: u8, new: u8) -> Succession {
    Succession::sign(3, &key(old), &key(new)).unwrap()
}
