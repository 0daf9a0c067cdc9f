//! What people had seen of the ledger when they signed: that it was this one, and what both verifiers say
//! where it was not.

use breakglass_client::{export, seen};
use breakglass_domain::{Act, Actor, Refusal};
use breakglass_proto::statement::{Act as Said, Seen};
use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Frontier, Hash, KeyName, NoteSigner as _, SignedCheckpoint,
};
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::house::{House, id, line};
use crate::night::{Night, ORIGIN};
use crate::verifiers::{lay_out, signer, verify, vkey};

/// A head as the ledger's key signs it.
pub(crate) fn head(size: u64, root: Hash) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap();
    SignedCheckpoint::sign(&checkpoint, &signer()).unwrap()
}

/// The same as a statement carries it.
pub(crate) fn seen_of(head: &SignedCheckpoint) -> Seen {
    seen::of(head, &vkey().into()).unwrap()
}

fn root<L: AsRef<[u8]>>(lines: &[L]) -> Hash {
    let mut tree = Frontier::new();
    lines
        .iter()
        .for_each(|line| tree.push(Hash::of_leaf(line.as_ref())));
    tree.root()
}

/// Somebody's laptop was shown another ledger, and the broker says so.
pub(crate) fn is_shown_another(house: &mut House, who: &str) {
    let other = head(house.lines.len() as u64, Hash::of_leaf(b"another story"));
    let noted = Act::NoteRefusal {
        by: Actor::Person(id(who)),
        act: "note".into(),
        reason: "LEDGER_FORKED".into(),
        text: "this laptop has seen another history".into(),
        count: 1,
        incident: None,
        checkpoint: Some(other.note().to_owned()),
    };
    house.broker_does(noted).unwrap();
}

/// The same, and what they do only ends something: it is done, and says so.
pub(crate) fn ends_all_the_same(house: &mut House, who: &str) -> Result<(), Refusal> {
    let other = seen_of(&head(
        house.lines.len() as u64,
        Hash::of_leaf(b"another story"),
    ));
    let Some(grant) = house.state.grants.keys().next().copied() else {
        return Ok(());
    };
    let why = "it is not ours";
    let said = Said::Revoke {
        grant: grant.to_string(),
        reason: why.into(),
    };
    let act = Act::Revoke {
        grant,
        reason: line(why),
    };
    house.having_seen(who, other, |house| house.does(who, said, act))
}

impl Night {
    /// Leon revokes, and his laptop had seen this.
    fn revokes_having_seen(&mut self, seen: Option<Seen>) {
        let of = self.asks("G-1", "restart");
        self.begins_at_once(&of, json!({}));
        self.seen = seen;
        let act = Said::Revoke {
            grant: "G-1".into(),
            reason: "not on this one".into(),
        };
        self.ends_signed("leon", act, &of, "revoked", "not on this one");
        self.seen = None;
    }

    /// The newest entry says that its signer had seen another history.
    fn says_so(&mut self, said: Value) {
        self.changes(self.last(), |entry| entry["signed"]["other_history"] = said);
    }

    /// A note by Eve, whose laptop has seen this.
    fn notes_having_seen(&mut self, seen: Seen) {
        self.seen = Some(seen);
        self.does_note("eve", "it is the worker");
        self.seen = None;
    }

    /// The head over the first entries.
    fn head_at(&self, size: usize) -> SignedCheckpoint {
        head(size as u64, root(&self.lines[..size]))
    }

    fn other_head(&self, back: usize) -> SignedCheckpoint {
        let size = self.lines.len() - back;
        head(size as u64, Hash::of_leaf(b"another story"))
    }

    fn is_refused_showing(&mut self, checkpoint: &str) {
        let body = json!({"act": "note", "reason": "LEDGER_FORKED", "text": "another history",
            "count": 1, "checkpoint": checkpoint});
        self.adds("refused", "eve", body, None);
    }
}

/// Every head there ever was may have been seen, however old.
#[test]
fn whoever_has_seen_this_ledger_says_so() {
    let mut night = Night::begins();
    for size in 1..150 {
        let size = size.min(night.lines.len());
        let seen = seen_of(&night.head_at(size));
        night.notes_having_seen(seen);
    }
    let (early, newest) = (night.head_at(65), night.head_at(night.lines.len()));
    for head in [early, newest] {
        night.notes_having_seen(seen_of(&head));
    }
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}

#[test]
fn nobody_had_seen_another_ledger() {
    each_is_found(forgeries! {
        "the newest head, with another root", |night| {
            let seen = seen_of(&night.other_head(0));
            night.notes_having_seen(seen);
        } => "eve had seen another history when they signed: its first", "eve had seen another history when they signed";
        "an old one", |night| {
            for _ in 0..130 {
                night.does_note("leon", "it is the queue");
            }
            let seen = seen_of(&night.other_head(70));
            night.notes_having_seen(seen);
        } => "eve had seen another history when they signed: its first", "eve had seen another history when they signed";
        "a head of this ledger, but of its root elsewhere", |night| {
            let (size, root) = (night.lines.len() as u64, root(&night.lines[..night.lines.len() - 1]));
            night.notes_having_seen(seen_of(&head(size, root)));
        } => "eve had seen another history when they signed: its first", "eve had seen another history when they signed";
        "more than there was", |night| {
            let size = night.lines.len() as u64 + 1;
            night.notes_having_seen(seen_of(&head(size, Hash::of_leaf(b"another story"))));
        } => "entries when they signed, and there were", "entries when they signed, and there were";
        "a head nobody signed", |night| {
            let mut seen = seen_of(&night.head_at(night.lines.len()));
            seen.signature[40] ^= 1;
            night.notes_having_seen(seen);
        } => "are not signed by the ledger's key", "signature is not under it";
        "a head that a thief signed, under the ledger's name", |night| {
            let thief = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[8; 32]).unwrap();
            let root = root(&night.lines);
            let checkpoint = Checkpoint::new(ORIGIN, night.lines.len() as u64, root).unwrap();
            let signed = SignedCheckpoint::sign(&checkpoint, &thief).unwrap();
            night.notes_having_seen(seen::of(&signed, &thief.verifier().clone().into()).unwrap());
        } => "are not signed by the ledger's key", "is not signed by glass.example/ledger";
        "on an approval", |night| {
            let of = night.asks("G-1", "drop-db");
            night.seen = Some(seen_of(&night.other_head(0)));
            night.approves(&of);
        } => "leon had seen another history when they signed", "leon had seen another history when they signed";
        "on something a newer broker writes", |night| {
            night.seen = Some(seen_of(&night.other_head(0)));
            let act = Said::Note { incident: "INC-1".into(), text: "look at the moon".into() };
            night.does("eve", act, "moon.landed", json!({"incident": "INC-1"}));
        } => "eve had seen another history when they signed", "eve had seen another history when they signed";
        "what only ends something, and nothing says so", |night| {
            let seen = seen_of(&night.other_head(0));
            night.revokes_having_seen(Some(seen));
        } => "leon had seen another history when they signed", "leon had seen another history when they signed";
        "a note that says so is done all the same", |night| {
            let seen = seen_of(&night.other_head(0));
            night.notes_having_seen(seen);
            night.says_so(json!(true));
        } => "what was done does not only end something", "what was done does not only end something";
        "this history is called another", |night| {
            let seen = seen_of(&night.head_at(night.lines.len()));
            night.revokes_having_seen(Some(seen));
            night.says_so(json!(true));
        } => "is said to have seen another history when they signed, and it is this one", "is said to have seen another history when they signed, and it is this one";
        "it is said of who said nothing of it", |night| {
            night.revokes_having_seen(None);
            night.says_so(json!(true));
        } => "is said to have seen another history, and they signed nothing of it", "is said to have seen another history, and they signed nothing of it";
        "it is said not to be so", |night| {
            let seen = seen_of(&night.other_head(0));
            night.revokes_having_seen(Some(seen));
            night.says_so(json!(false));
        } => "is said to have seen another history, and they signed nothing of it", "is said to have seen another history, and they signed nothing of it";
        "another one that nobody signed", |night| {
            let mut seen = seen_of(&night.other_head(0));
            seen.signature[40] ^= 1;
            night.revokes_having_seen(Some(seen));
            night.says_so(json!(true));
        } => "are not signed by the ledger's key", "signature is not under it";
        "a refusal that shows this very ledger as another", |night| {
            let note = night.head_at(night.lines.len() - 2).note().to_owned();
            night.is_refused_showing(&note);
        } => "the checkpoint is of this one", "the checkpoint is of this one";
        "a refusal that shows what nobody signed", |night| {
            let size = night.lines.len();
            let note = night.other_head(0).note().replacen(&size.to_string(), "9000", 1);
            night.is_refused_showing(&note);
        } => "the checkpoint that is said to have been seen", "signature is not under it";
    });
}

/// One act, one truth: what only ends something is done for who had seen another history, and its entry says so.
#[test]
fn what_was_done_all_the_same_says_so_and_is_told() {
    let mut night = Night::begins();
    let seen = seen_of(&night.other_head(1));
    night.revokes_having_seen(Some(seen));
    night.says_so(json!(true));
    let told = night.last() as u64;
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), &night.lines);
    let report = export::verify(folder.path(), vkey(), 0).unwrap().report;
    assert_eq!(report.other_histories, [told]);
    let python = crate::verifiers::python_demanding(folder.path(), &[]).unwrap();
    let line =
        format!("ANOTHER HISTORY, signed by the same key, was seen on laptops: entries {told}");
    assert!(python.contains(&line), "{python}");
}

/// A broker that found out says so, and its ledger is whole: it tells that there is another.
#[test]
fn a_refusal_for_another_history_is_no_forgery_and_is_told() {
    let mut night = Night::begins();
    let other = night.other_head(1).note().to_owned();
    night.is_refused_showing(&other);
    let told = night.last() as u64;
    let ahead = head(9_000, Hash::of_leaf(b"another story"));
    night.is_refused_showing(ahead.note());
    night.does_note("leon", "who has the right one?");
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), &night.lines);
    let report = export::verify(folder.path(), vkey(), 0).unwrap().report;
    assert_eq!(report.other_histories, [told, told + 1]);
    let python = crate::verifiers::python_demanding(folder.path(), &[]).unwrap();
    let line =
        format!("ANOTHER HISTORY, signed by the same key, was seen on laptops: entries {told}");
    assert!(python.contains(&line), "{python}");
}
