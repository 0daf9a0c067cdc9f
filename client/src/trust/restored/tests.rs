//! Somebody at a laptop accepts that its broker went on from a copy, and nothing else accepts it.

use std::path::Path;

use serde_json::{Value, json};

use super::super::tests::{HONEST, Laptop, Ledger, REWRITTEN};
use super::*;
use crate::limits::EVIDENCE_KEPT;

/// What both begin with.
const KEPT: u64 = 3;

fn mark(lost: &SignedCheckpoint, but: Value) -> String {
    let mut entry = json!({"v": 1, "index": 3, "at": "2026-11-23T03:00:00.000Z",
        "kind": "ledger.restored", "by": "breakglass", "kept": KEPT, "size": lost.size(),
        "checkpoint": lost.note(), "operator": "Olaf", "reason": "the disk died"});
    for (name, value) in but.as_object().unwrap() {
        entry[name] = value.clone();
    }
    entry.to_string()
}

/// The copy, this mark, and what came after.
fn restored(mark: &str) -> Ledger {
    Ledger::of(&["a", "b", "c", mark, "x", "y", "z"])
}

impl Laptop {
    fn considers(&self, ledger: &Ledger) -> Result<GoingOn, Error> {
        let receipt = self.trust.verify_receipt(&ledger.receipt(KEPT, 5))?;
        self.trust.consider(receipt)
    }
}

#[tokio::test]
async fn a_mark_that_names_what_was_seen_is_gone_on_with_and_kept() {
    for seen in [4, 5] {
        let (laptop, honest) = (Laptop::new(), Ledger::of(HONEST));
        laptop.sees(&honest, seen).await.unwrap();
        let ledger = restored(&mark(&honest.head(5), json!({})));
        assert_eq!(laptop.sees(&ledger, 5).await.unwrap_err().exit_code(), 86);

        let going = laptop.considers(&ledger).unwrap();
        assert_eq!((going.seen.size(), going.size()), (seen, 5));
        assert_eq!(laptop.remembers(), seen, "looking changes nothing");
        let lost = ["at least 1", "2"][(seen == 5) as usize];
        assert_eq!(going.lost(), lost, "a root is known of the last head alone");
        let kept = laptop.trust.go_on(&going).unwrap();
        assert_eq!(
            laptop.trust.remembered().unwrap().unwrap().note(),
            ledger.head(5).note()
        );
        laptop.sees(&ledger, 7).await.unwrap();
        assert_eq!(
            laptop.sees(&honest, 5).await.unwrap_err().exit_code(),
            86,
            "never back"
        );

        let read = |name: &str| std::fs::read_to_string(kept.join(name)).unwrap();
        assert!(kept.starts_with(laptop.folder.path().join("evidence")));
        assert_eq!(read("lost.checkpoint"), honest.head(seen).note());
        assert_eq!(read("received.checkpoint"), ledger.head(5).note());
        assert!(read("entry.json").contains("ledger.restored"));
        assert!(read("README.txt").contains("accepted"));
        let again = laptop.considers(&ledger).unwrap_err();
        assert_eq!(again.exit_code(), 2);
        assert!(again.to_string().contains("already"), "{again}");
    }
}

/// The broker is restored once more, to before what was accepted: the same mark is no good for that.
#[tokio::test]
async fn what_was_accepted_once_is_not_accepted_for_another_loss() {
    let (laptop, honest) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&honest, 5).await.unwrap();
    let line = mark(&honest.head(5), json!({}));
    let ledger = restored(&line);
    laptop
        .trust
        .go_on(&laptop.considers(&ledger).unwrap())
        .unwrap();
    let other = Ledger::of(&["a", "b", "c", &line, "another", "story"]);
    assert_eq!(laptop.sees(&other, 6).await.unwrap_err().exit_code(), 86);
    let error = laptop.considers(&other).unwrap_err();
    assert!(error.to_string().contains("already"), "{error}");
}

/// The last file that is written is the one that says what was seen.
#[tokio::test]
async fn what_a_crash_left_half_accepted_is_accepted_again() {
    let (laptop, honest) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&honest, 5).await.unwrap();
    let ledger = restored(&mark(&honest.head(5), json!({})));
    for _ in 0..2 {
        laptop.sees(&ledger, 5).await.unwrap_err();
        let going = laptop.considers(&ledger).unwrap();
        laptop.trust.go_on(&going).unwrap();
        laptop.considers(&ledger).unwrap_err();
        std::fs::write(&laptop.trust.checkpoint_file, honest.head(5).note()).unwrap();
    }
    let kept = laptop.folder.path().join("evidence/accepted-3");
    assert_eq!(folders(&kept).len(), 2, "what was found each time");
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(of).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    all.filter(|path| path.is_dir()).collect()
}

/// Of each fork the first evidence stays, however much there was of what was accepted before it.
#[tokio::test]
async fn a_fork_after_an_accepted_loss_is_kept_as_well() {
    let (laptop, honest) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&honest, 5).await.unwrap();
    let mark = mark(&honest.head(5), json!({}));
    let more = (0..100).map(|number| number.to_string());
    let lines: Vec<_> = ["a", "b", "c", &mark]
        .map(str::to_owned)
        .into_iter()
        .chain(more)
        .collect();
    let ledger = Ledger::of(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    for size in 5..100 {
        laptop.sees(&ledger, size).await.unwrap_err();
    }
    let evidence = laptop.folder.path().join("evidence");
    assert_eq!(folders(&evidence).len(), EVIDENCE_KEPT);
    let kept = laptop
        .trust
        .go_on(&laptop.considers(&ledger).unwrap())
        .unwrap();
    assert_eq!(folders(&evidence), std::slice::from_ref(&kept));
    assert_eq!(folders(&kept).len(), EVIDENCE_KEPT);

    laptop.sees(&ledger, 8).await.unwrap();
    let forked = Ledger::of(&["a", "b", "c", &mark, "0", "another", "story", "of", "it"]);
    let found = laptop.sees(&forked, 9).await.unwrap_err();
    assert!(!found.to_string().contains("evidence enough"), "{found}");
    let Error::Unverified {
        evidence: Some(place),
        ..
    } = found
    else {
        panic!("{found}")
    };
    assert_eq!(place.parent(), Some(evidence.as_path()));
    for (name, head) in [("remembered", ledger.head(8)), ("received", forked.head(9))] {
        let note = std::fs::read_to_string(place.join(format!("{name}.checkpoint")));
        assert_eq!(note.unwrap(), head.note());
    }
}

#[tokio::test]
async fn what_no_mark_names_stays_a_fork() {
    let honest = Ledger::of(HONEST);
    let ledger = restored(&mark(&honest.head(5), json!({})));
    // Of the same size and another history; of more entries than anybody had brought.
    let longer: Vec<_> = HONEST.iter().copied().chain(["f"]).collect();
    for (other, size) in [(Ledger::of(REWRITTEN), 5), (Ledger::of(&longer), 6)] {
        let laptop = Laptop::new();
        laptop.sees(&other, size).await.unwrap();
        let error = laptop.considers(&ledger).unwrap_err();
        assert_eq!(error.exit_code(), 86);
        assert!(
            error.to_string().contains("glassd recover --lost"),
            "{error}"
        );
        assert_eq!(laptop.remembers(), size);
    }
}

#[tokio::test]
async fn where_nothing_that_was_seen_is_lost_nothing_is_accepted() {
    let honest = Ledger::of(HONEST);
    let ledger = restored(&mark(&honest.head(5), json!({})));
    let laptop = Laptop::new();
    let error = laptop.considers(&ledger).unwrap_err();
    assert!(error.to_string().contains("has seen nothing"), "{error}");
    laptop.sees(&honest, KEPT).await.unwrap();
    let error = laptop.considers(&ledger).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("of what is lost it has seen nothing"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 2);
    laptop.sees(&ledger, 7).await.unwrap();
}

#[tokio::test]
async fn a_false_mark_is_no_mark() {
    let honest = Ledger::of(HONEST);
    let head = honest.head(5);
    for (but, code, word) in [
        (
            json!({"kind": "ledger.repaired"}),
            2,
            "is no mark of a restored ledger",
        ),
        (json!({"by": "mia"}), 86, "is ever by mia"),
        (json!({"index": 4}), 86, "calls itself entry 4"),
        (json!({"size": 6}), 86, "another size"),
        (json!({"kept": 4}), 86, "more than both histories have"),
        (json!({"kept": -1}), 86, "more than both histories have"),
        (json!({"checkpoint": "nothing"}), 86, "does not verify"),
        (json!({"v": 2}), 86, "cannot be read"),
    ] {
        let laptop = Laptop::new();
        laptop.sees(&honest, 5).await.unwrap();
        let error = laptop
            .considers(&restored(&mark(&head, but.clone())))
            .unwrap_err();
        assert_eq!(error.exit_code(), code, "{but}: {error}");
        assert!(error.to_string().contains(word), "{but}: {error}");
    }
}

#[tokio::test]
async fn what_another_glass_saw_meanwhile_is_not_given_up() {
    let (laptop, honest) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&honest, 4).await.unwrap();
    let ledger = restored(&mark(&honest.head(5), json!({})));
    let going = laptop.considers(&ledger).unwrap();
    laptop.sees(&honest, 5).await.unwrap();
    laptop.trust.go_on(&going).unwrap_err();
    assert_eq!(laptop.remembers(), 5);
    // It does not count as accepted.
    laptop
        .trust
        .go_on(&laptop.considers(&ledger).unwrap())
        .unwrap();
}

/// Two marks name what was seen: one by its root, and a later one only as what may lie before its own.
#[tokio::test]
async fn the_mark_that_names_the_very_head_is_meant_and_later_ones_are_told_apart() {
    let (laptop, honest) = (Laptop::new(), Ledger::of(HONEST));
    laptop.sees(&honest, 4).await.unwrap();
    let exact = mark(&honest.head(4), json!({}));
    let later = mark(&honest.head(5), json!({"index": 4}));
    let ledger = Ledger::of(&["a", "b", "c", &exact, &later, "x"]);
    let considers = |index| {
        let receipt = laptop.trust.verify_receipt(&ledger.receipt(index, 6))?;
        laptop.trust.consider(receipt)
    };
    let both = vec![considers(4).unwrap(), considers(3).unwrap()];
    assert_eq!(GoingOn::nearest(both).unwrap().restored.entry, 3);
    let going = GoingOn::nearest(vec![considers(4).unwrap()]).unwrap();
    assert!(GoingOn::nearest(Vec::new()).is_none());

    laptop.trust.go_on(&going).unwrap();
    let said = |index| considers(index).unwrap_err().to_string();
    assert!(
        said(4).contains("has accepted entry 4 already"),
        "{}",
        said(4)
    );
    assert!(
        said(3).contains("has accepted a later mark (4) already"),
        "{}",
        said(3)
    );
}
