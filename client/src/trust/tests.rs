//! A ledger that grows, one that is rewritten, and several `glass` at once.

use breakglass_tlog::{
    Checkpoint, Ed25519Signer, KeyName, NoteSigner as _, StoredHashes,
    tree::{prove_consistency, prove_inclusion, tree_hash},
};

use super::*;
use crate::error::Refusal;

const ORIGIN: &str = "glass.example/ledger";

/// A ledger in memory that proves what it is asked to.
pub(super) struct Ledger {
    tree: StoredHashes,
    lines: Vec<Vec<u8>>,
    signer: Ed25519Signer,
}

impl Ledger {
    pub(super) fn of(lines: &[&str]) -> Self {
        let signer = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap();
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        let tree = lines.iter().map(|line| Hash::of_leaf(line)).collect();
        Self {
            tree,
            lines,
            signer,
        }
    }

    pub(super) fn head(&self, size: u64) -> SignedCheckpoint {
        let root = tree_hash(size, &self.tree).unwrap();
        SignedCheckpoint::sign(&Checkpoint::new(ORIGIN, size, root).unwrap(), &self.signer).unwrap()
    }

    pub(super) fn receipt(&self, index: u64, size: u64) -> v1::Receipt {
        let proof = prove_inclusion(index, size, &self.tree).unwrap();
        v1::Receipt {
            index,
            entry: self.lines[index as usize].clone(),
            inclusion: proof
                .hashes
                .iter()
                .map(|hash| hash.as_bytes().to_vec())
                .collect(),
            checkpoint: self.head(size).note().to_owned(),
        }
    }
}

impl Prover for Ledger {
    async fn prove(&self, old: u64, new: u64) -> Result<ConsistencyProof, Error> {
        prove_consistency(old, new, &self.tree)
            .map_err(|error| Error::usage(error.to_string(), String::new()))
    }
}

/// The network is gone.
struct Nobody;

impl Prover for Nobody {
    async fn prove(&self, _: u64, _: u64) -> Result<ConsistencyProof, Error> {
        Err(Error::Unreachable {
            what: "gone".into(),
            next: String::new(),
        })
    }
}

pub(super) struct Laptop {
    pub(super) folder: tempfile::TempDir,
    pub(super) trust: Trust,
}

impl Laptop {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trust = Trust {
            keys: Arc::new(RwLock::new(
                Ledger::of(&[]).signer.verifier().clone().into(),
            )),
            handed_over: Arc::default(),
            successions_file: folder.path().join("successions"),
            checkpoint_file: folder.path().join("checkpoint"),
            evidence_folder: folder.path().join("evidence"),
        };
        Self { folder, trust }
    }

    pub(super) async fn sees(&self, ledger: &Ledger, size: u64) -> Result<(), Error> {
        self.trust.accept(&ledger.head(size), ledger).await
    }

    /// The one piece of evidence that was kept.
    fn evidence(&self) -> PathBuf {
        let kept = std::fs::read_dir(self.folder.path().join("evidence")).unwrap();
        let kept: Vec<_> = kept.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(kept.len(), 1);
        kept[0].clone()
    }

    pub(super) fn remembers(&self) -> u64 {
        self.trust
            .remembered()
            .unwrap()
            .map_or(0, |checkpoint| checkpoint.size())
    }
}

pub(super) const HONEST: &[&str] = &["a", "b", "c", "d", "e"];
pub(super) const REWRITTEN: &[&str] = &["a", "B", "c", "d", "e"];

#[tokio::test]
async fn a_growing_ledger_is_followed() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    for size in [1, 2, 2, 5] {
        laptop.sees(&ledger, size).await.unwrap();
        assert_eq!(laptop.remembers(), size);
    }
}

#[tokio::test]
async fn an_older_answer_is_checked_and_does_not_take_the_memory_back() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&ledger, 5).await.unwrap();
    laptop.sees(&ledger, 3).await.unwrap();
    assert_eq!(laptop.remembers(), 5);
    assert_eq!(
        laptop
            .sees(&Ledger::of(REWRITTEN), 3)
            .await
            .unwrap_err()
            .exit_code(),
        86
    );
}

#[tokio::test]
async fn a_rewritten_ledger_is_a_loud_error_with_evidence() {
    for size in [3, 5] {
        let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
        laptop.sees(&ledger, 3).await.unwrap();
        let error = laptop.sees(&Ledger::of(REWRITTEN), size).await.unwrap_err();
        assert_eq!(error.exit_code(), 86);
        assert!(error.to_string().contains("rewritten or forked"), "{error}");
        assert_eq!(laptop.remembers(), 3, "what was believed stays");

        let Error::Unverified {
            evidence: Some(folder),
            ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert!(folder.starts_with(laptop.folder.path().join("evidence")));
        let kept = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(kept("remembered.checkpoint"), ledger.head(3).note());
        assert_eq!(
            kept("received.checkpoint"),
            Ledger::of(REWRITTEN).head(size).note()
        );
        assert_eq!(
            kept("consistency-proof.txt").starts_with("old 3\nnew 5\n"),
            size == 5
        );
        assert!(kept("README.txt").contains("contradicted itself"));
    }
}

#[tokio::test]
async fn a_broker_without_a_proof_is_caught() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&ledger, 5).await.unwrap();
    // Restored from an old copy: its tree ends before what was seen.
    let error = laptop.sees(&Ledger::of(&HONEST[..4]), 4).await.unwrap_err();
    assert!(error.to_string().contains("has no proof"), "{error}");
    assert_eq!(laptop.remembers(), 5);
}

#[tokio::test]
async fn a_lost_network_is_no_accusation() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&ledger, 2).await.unwrap();
    let error = laptop
        .trust
        .accept(&ledger.head(4), &Nobody)
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 84);
    assert_eq!(laptop.remembers(), 2);
    assert!(!laptop.folder.path().join("evidence").exists());
}

/// The caller froze themselves, and is refused everything from then on.
struct Frozen;

impl Prover for Frozen {
    async fn prove(&self, _: u64, _: u64) -> Result<ConsistencyProof, Error> {
        Err(Error::Refused(Box::new(Refusal {
            reason: "PERSON_FROZEN".into(),
            message: "mia is frozen".into(),
            next: None,
        })))
    }
}

#[tokio::test]
async fn a_frozen_caller_is_no_accusation_and_accepts_nothing() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&ledger, 2).await.unwrap();
    let error = laptop
        .trust
        .accept(&ledger.head(4), &Frozen)
        .await
        .unwrap_err();
    assert_eq!((error.reason(), error.exit_code()), ("PERSON_FROZEN", 82));
    assert_eq!(laptop.remembers(), 2);
    // It may have been a broker without a proof: both heads are kept, as what could not be compared.
    let kept = laptop.evidence();
    assert!(error.to_string().contains(&kept.display().to_string()));
    let readme = std::fs::read_to_string(kept.join("README.txt")).unwrap();
    assert!(readme.contains("could not be compared"), "{readme}");
    assert!(kept.join("received.checkpoint").exists());
}

#[tokio::test]
async fn a_copy_goes_on_from_what_was_seen_or_is_evidence() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&ledger, 2).await.unwrap();
    let remembered = laptop.trust.remembered().unwrap().unwrap();
    let honest = ledger.head(2).root();
    let copy = ledger.head(4);
    laptop.trust.check_copy(&remembered, &copy, honest).unwrap();
    let error = laptop
        .trust
        .check_copy(&remembered, &copy, copy.root())
        .unwrap_err();
    assert_eq!(error.exit_code(), 86);
    assert!(error.to_string().contains("rewritten or forked"), "{error}");
    assert!(laptop.evidence().join("remembered.checkpoint").exists());
}

#[tokio::test]
async fn many_at_once_end_at_the_newest() {
    let lines: Vec<_> = (0..40).map(|n| format!("entry {n}")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (laptop, ledger) = (Laptop::new(), Arc::new(Ledger::of(&lines)));
    let tasks: Vec<_> = (1..=12)
        .map(|step| {
            let (trust, ledger) = (laptop.trust.clone(), Arc::clone(&ledger));
            tokio::spawn(async move {
                trust
                    .accept(&ledger.head(step * 3), &*ledger)
                    .await
                    .unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(laptop.remembers(), 36);
}

#[tokio::test]
async fn what_another_glass_wrote_meanwhile_is_not_overwritten() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&ledger, 2).await.unwrap();
    let (two, three) = (ledger.head(2), ledger.head(3));
    laptop.sees(&ledger, 5).await.unwrap();
    assert!(!laptop.trust.replace(Some(&two), &three).unwrap());
    assert!(!laptop.trust.replace(None, &three).unwrap());
    assert_eq!(laptop.remembers(), 5);
}

#[test]
fn receipts_are_checked() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    let receipt = ledger.receipt(3, 5);
    assert_eq!(laptop.trust.verify_receipt(&receipt).unwrap().entry(), b"d");

    let other_entry = v1::Receipt {
        entry: b"D".to_vec(),
        ..receipt.clone()
    };
    let other_place = v1::Receipt {
        index: 2,
        ..receipt.clone()
    };
    let no_hash = v1::Receipt {
        inclusion: vec![vec![1, 2]],
        ..receipt.clone()
    };
    let other_note = receipt.checkpoint.replacen("\n5\n", "\n6\n", 1);
    let other_head = v1::Receipt {
        checkpoint: other_note,
        ..receipt
    };
    for forged in [
        other_entry,
        other_place,
        no_hash,
        other_head,
        v1::Receipt::default(),
    ] {
        assert_eq!(
            laptop
                .trust
                .verify_receipt(&forged)
                .unwrap_err()
                .exit_code(),
            86
        );
    }
}

#[tokio::test]
async fn a_damaged_memory_is_said_and_kept() {
    let (laptop, ledger) = (Laptop::new(), Ledger::of(HONEST));
    std::fs::write(&laptop.trust.checkpoint_file, "garbage").unwrap();
    let error = laptop.sees(&ledger, 2).await.unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(
        std::fs::read(&laptop.trust.checkpoint_file).unwrap(),
        b"garbage"
    );
}
