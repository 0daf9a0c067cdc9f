//! The broker went on from an older copy: the mark of it is true as far as it can be seen, and is told for ever.

use breakglass_client::export;
use breakglass_domain::{Act, Refusal};
use breakglass_tlog::{Checkpoint, Frontier, Hash, SignedCheckpoint};
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::house::{House, line};
use crate::night::{Night, ORIGIN, with};
use crate::verifiers::{head, lay_out, python_demanding, python_of_export, signer, verify, vkey};

/// A head of another history, of so many entries.
pub(crate) fn lost_head(size: u64) -> String {
    let root = Hash::of_leaf(format!("what was lost, {size}").as_bytes());
    let head = Checkpoint::new(ORIGIN, size, root).unwrap();
    let signed = SignedCheckpoint::sign(&head, &signer()).unwrap();
    signed.note().to_owned()
}

impl Night {
    /// A mark behind all there is, for a history that had so many more.
    pub(crate) fn is_restored(&mut self, more: u64, but: Value) {
        let kept = self.last() as u64 + 1;
        let size = kept + more;
        let body = json!({"kept": kept, "size": size, "checkpoint": lost_head(size),
            "operator": "Olaf", "reason": "the disk died"});
        self.by_broker("ledger.restored", with(body, but));
    }

    /// The head over the first entries of this very night.
    fn own_head(&self, size: usize) -> String {
        let mut tree = Frontier::new();
        for line in &self.lines[..size] {
            tree.push(Hash::of_leaf(line.as_bytes()));
        }
        head(&tree)
    }
}

/// The operator restores a copy, sometimes when the broker has gone on for a while.
pub(crate) fn happens(house: &mut House, about: u8, much: u8) -> Result<(), Refusal> {
    let own = house.lines.len() as u64;
    let kept = own - own.min(u64::from(about % 4));
    let size = kept + 1 + u64::from(much % 6);
    for _ in 0..u64::from(about / 4 % 3) {
        // The ledger's key was rotated in what is lost.
        house.broker_does(Act::PassOver)?;
    }
    house.broker_does(Act::NoteRestored {
        kept,
        size,
        checkpoint: lost_head(size),
        operator: line("Olaf"),
        reason: line("the \"disk\" died \\ again"),
    })
}

#[test]
fn what_is_lost_is_told_for_ever() {
    let mut night = Night::begins();
    let kept = night.last() as u64 + 1;
    night.is_restored(7, json!({}));
    night.asks("G-8", "restart");
    // And again, when the broker had gone on for a while before anybody knew.
    let size = night.last() as u64;
    night.is_restored(
        1,
        json!({"kept": size - 2, "size": size, "checkpoint": lost_head(size)}),
    );
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), &night.lines);
    let report = export::verify(folder.path(), vkey(), 0).unwrap().report;
    let told: Vec<_> = report
        .restored
        .iter()
        .map(|it| (it.entry, it.kept, it.size))
        .collect();
    assert_eq!(told, [(kept, kept, kept + 7), (size + 1, size - 2, size)]);
    assert_eq!(
        (
            report.restored[0].operator.as_str(),
            report.restored[0].reason.as_str()
        ),
        ("Olaf", "the disk died")
    );
    let python = python_demanding(folder.path(), &[]).unwrap();
    let says = format!(
        "RESTORED from a copy of {kept} entries, and entries {kept} to {} of before are lost: entry {kept}",
        kept + 6
    );
    assert!(python.contains(&says), "{python}");
    python_of_export(folder.path()).unwrap();
}

#[test]
fn no_mark_says_what_cannot_be() {
    each_is_found(forgeries! {
        "a head that somebody else signed", |night| {
            let broken = lost_head(12).replace("glass.example/ledger Z", "glass.example/ledger Y");
            night.is_restored(2, json!({"checkpoint": broken}));
        } => "the head of what is lost does not verify", "the checkpoint";
        "another size than the head's", |night| {
            night.is_restored(2, json!({"checkpoint": lost_head(4711)}));
        } => "it says another size than the head of what is lost, 4711", "another size than the head of what is lost, 4711";
        "nothing was lost", |night| {
            night.is_restored(0, json!({}));
        } => "is more than both histories have", "more was kept than both histories have";
        "more was kept than there is", |night| {
            let kept = night.last() as u64 + 2;
            night.is_restored(3, json!({"kept": kept}));
        } => "is more than both histories have", "more was kept than both histories have";
        "a head of this very ledger", |night| {
            let own = night.own_head(6);
            night.is_restored(1, json!({"kept": 4, "size": 6, "checkpoint": own}));
        } => "the head that it calls lost, of 6 entries, is one of this ledger", "the head that it calls lost is one of this ledger";
        "the head of all there is", |night| {
            let own = night.own_head(night.lines.len());
            let size = night.last() as u64 + 1;
            night.is_restored(1, json!({"kept": 4, "size": size, "checkpoint": own}));
        } => "is one of this ledger", "the head that it calls lost is one of this ledger";
        "a person says so", |night| {
            let body = json!({"kept": 3, "size": 12, "checkpoint": lost_head(12), "operator": "Olaf", "reason": "why"});
            night.adds("ledger.restored", "eve", body, None);
        } => "no ledger.restored is ever by eve", "no ledger.restored is ever by eve";
        "nobody says why", |night| {
            let body = json!({"kept": 3, "size": 12, "checkpoint": lost_head(12), "operator": "Olaf"});
            night.by_broker("ledger.restored", body);
        } => "the ledger.restored has no `reason`", "the ledger.restored has no `reason`";
        "no number of what was kept", |night| {
            night.is_restored(2, json!({"kept": "all"}));
        } => "the `kept` of the ledger.restored cannot be read", "`kept` is no number";
        "an incident is given an id that may have been given", |night| {
            night.is_restored(3, json!({}));
            night.opens("leon", "INC-4");
        } => "INC-4 may have been given before", "INC-4 may have been given before";
        "a grant is", |night| {
            let of = night.asks("G-1", "restart");
            night.begins_at_once(&of, json!({}));
            night.is_restored(3, json!({}));
            night.asks("G-4", "restart");
        } => "G-4 may have been given before", "G-4 may have been given before";
    });
}

/// The copy is from before a rotation of the ledger's key: places are passed over, and their mark stands behind them.
#[test]
fn places_that_are_passed_over_have_their_mark() {
    let mut night = Night::begins();
    let kept = night.last() as u64 + 1;
    for _ in 0..3 {
        night.by_broker("ledger.lost", json!({}));
    }
    night.is_restored(
        9,
        json!({"kept": kept, "size": kept + 20, "checkpoint": lost_head(kept + 20)}),
    );
    night.asks("G-24", "restart");
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}

#[test]
fn no_place_is_passed_over_without_one() {
    each_is_found(forgeries! {
        "something else comes behind it", |night| {
            night.by_broker("ledger.lost", json!({}));
            night.does_note("eve", "it is the worker");
        } => "are passed over, and no mark says what is lost", "are passed over, and no mark says what is lost";
        "a refusal comes behind it", |night| {
            night.by_broker("ledger.lost", json!({}));
            night.adds("refused", "eve", json!({"act": "note", "reason": "TOO_MANY", "text": "no", "count": 1}), None);
        } => "are passed over, and no mark says what is lost", "are passed over, and no mark says what is lost";
        "another key than the ledger's comes behind it", |night| {
            night.by_broker("ledger.lost", json!({}));
            night.by_broker("key.added", json!({"purpose": "issuing", "id": "k", "public": "AAAA"}));
        } => "are passed over, and no mark says what is lost", "are passed over, and no mark says what is lost";
        "the mark says that they were kept", |night| {
            night.by_broker("ledger.lost", json!({}));
            night.is_restored(3, json!({}));
        } => "are passed over, and it says that they were kept", "are passed over, and it says that they were kept";
        "an id that one of them may have given", |night| {
            let kept = night.last() as u64 + 1;
            night.by_broker("ledger.lost", json!({}));
            night.is_restored(9, json!({"kept": kept, "size": kept + 20, "checkpoint": lost_head(kept + 20)}));
            night.asks("G-21", "restart");
        } => "G-21 may have been given before", "G-21 may have been given before";
        "a person says so", |night| {
            night.adds("ledger.lost", "eve", json!({}), None);
        } => "no ledger.lost is ever by eve", "no ledger.lost is ever by eve";
    });
    let mut night = Night::begins();
    night.by_broker("ledger.lost", json!({}));
    let verdicts = verify(&night.lines);
    let told = (verdicts.glass.unwrap(), verdicts.python.unwrap());
    let reason = "are passed over, and no mark says what is lost";
    assert!(
        told.0.contains(reason) && told.1.contains(reason),
        "{told:?}"
    );
}

#[test]
fn ids_go_on_behind_what_is_lost() {
    let mut night = Night::begins();
    night.is_restored(3, json!({}));
    night.opens("leon", "INC-5");
    night.asks("G-4", "restart");
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}

/// What a verifier keeps to tell is bounded, so what is lost ended not long before its mark.
#[test]
fn what_is_lost_ended_lately() {
    use breakglass_client::audit::Auditor;
    const WITHIN: u64 = 65_536;
    let mark = |entries: u64, size: u64| {
        let mut auditor = Auditor::new(vkey());
        let entry = |index: u64, kind: &str, body: Value| {
            let head = json!({"v": 1, "index": index, "at": "2026-11-23T03:00:00.000Z", "kind": kind, "by": "breakglass"});
            with(head, body).to_string()
        };
        for index in 0..entries {
            let line = entry(index, "ledger.repaired", json!({"cut_bytes": 1}));
            auditor.check(line.as_bytes()).unwrap();
        }
        let body = json!({"kept": size - 1, "size": size, "checkpoint": lost_head(size),
            "operator": "Olaf", "reason": "why"});
        let marked = auditor.check(entry(entries, "ledger.restored", body).as_bytes());
        marked.map_err(|error| error.to_string())
    };
    assert_eq!(mark(WITHIN + 10, 10), Ok(()));
    let error = mark(WITHIN + 10, 9).unwrap_err();
    assert!(error.contains("which is not of lately"), "{error}");
}

/// Whoever judges a head that a laptop brings can tell a known loss from a new fork; both verifiers say the same.
#[test]
fn a_head_of_what_is_lost_is_known_to_both() {
    use breakglass_client::audit::Auditor;
    let mut night = Night::begins();
    night.is_restored(7, json!({}));
    let mut auditor = Auditor::new(vkey());
    for line in &night.lines {
        auditor.check(line.as_bytes()).unwrap();
    }
    let kept = night.last() as u64;
    let root = |size: u64| Hash::of_leaf(format!("what was lost, {size}").as_bytes());
    let asked = [
        (kept, root(kept), false),
        (kept + 1, root(0), true),
        (kept + 6, root(0), true),
        (kept + 7, root(kept + 7), true),
        (kept + 7, root(0), false),
        (kept + 8, root(kept + 8), false),
    ];
    for (size, root, is_known) in asked {
        assert_eq!(auditor.lost(size, root).is_some(), is_known, "{size}");
    }
    let lost = (kept, kept + 7, root(kept + 7).to_string());
    let heads = asked.map(|(size, root, _)| (size, root.to_string()));
    let script = format!(
        "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n\
         from verify_restored import Marks\n\
         marks = Marks(None, None); marks.lost = [{lost:?}]\n\
         print([marks.names(size, root) for size, root in {heads:?}])"
    );
    let told = std::process::Command::new("/usr/bin/python3")
        .args(["-c", &script, env!("CARGO_MANIFEST_DIR")])
        .output()
        .unwrap();
    let told = (
        String::from_utf8(told.stdout).unwrap(),
        String::from_utf8(told.stderr).unwrap(),
    );
    let expected = asked.map(|(_, _, is_known)| if is_known { "True" } else { "False" });
    assert_eq!(
        told.0.trim(),
        format!("[{}]", expected.join(", ")),
        "{}",
        told.1
    );
}
