//! A night, read back.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::output::{Format, Printer};

/// One entry, so many minutes into the night.
fn entry(minute: u32, kind: &str, by: &str, body: Value) -> Entry {
    let mut entry = json!({"v": 1, "index": minute, "kind": kind, "by": by,
        "at": format!("2026-11-23T03:{minute:02}:00.000Z")});
    let fields = entry.as_object_mut().unwrap();
    fields.extend(body.as_object().unwrap().clone());
    Entry::parse(entry.to_string().as_bytes()).unwrap()
}

fn about(grant: &str, person: &str, right: &str, more: Value) -> Value {
    let mut body = json!({"grant": grant, "person": person, "right": right, "incident": "INC-12"});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    body
}

fn asked(minute: u32, grant: &str, person: &str, right: &str, sentence: &str) -> Entry {
    let more = json!({"sentence": sentence, "reason": "the worker floods"});
    entry(
        minute,
        "grant.requested",
        person,
        about(grant, person, right, more),
    )
}

fn refused(minute: u32, by: &str, text: &str, more: Value) -> Entry {
    let mut body = json!({"act": "request", "reason": "NOT_ALLOWED", "text": text, "count": 1});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    entry(minute, "refused", by, body)
}

const DEPLOY: &str = "deploy the shop app";

fn night() -> Vec<Entry> {
    let of = |more| about("G-1", "mia", "deploy-shop", more);
    let alone = |more| about("G-2", "leon", "migrate-shop-db", more);
    vec![
        entry(
            0,
            "incident.opened",
            "support",
            json!({"incident": "INC-12",
            "severity": "sev2", "title": "orders fail", "closes_at": "2026-11-23T11:00:00.000Z"}),
        ),
        asked(1, "G-1", "mia", "deploy-shop", DEPLOY),
        entry(2, "grant.started", "leon", of(json!({"basis": "approved"}))),
        entry(
            2,
            "credential.issued",
            "mia",
            of(json!({"credential": "G-1.1"})),
        ),
        entry(3, "grant.used", "mia", of(json!({"program": "deploy"}))),
        entry(
            4,
            "session.opened",
            "target:web-1",
            of(json!({"session": "S-7"})),
        ),
        asked(
            5,
            "G-2",
            "leon",
            "migrate-shop-db",
            "change the shop database",
        ),
        entry(
            6,
            "grant.started",
            "leon",
            alone(json!({"basis": "self-granted"})),
        ),
        asked(7, "G-3", "leon", "read-secrets", "read the secrets"),
        entry(
            8,
            "grant.ended",
            "mia",
            about("G-3", "leon", "read-secrets", json!({"ending": "denied"})),
        ),
        entry(
            9,
            "grant.ended",
            "mia",
            of(json!({"ending": "incident-closed"})),
        ),
        entry(
            9,
            "grant.ended",
            "mia",
            alone(json!({"ending": "incident-closed"})),
        ),
        entry(
            9,
            "incident.closed",
            "mia",
            json!({"incident": "INC-12", "reason": "reverted"}),
        ),
        entry(
            9,
            "session.ended",
            "target:web-1",
            of(json!({"session": "S-7", "how": "killed",
            "target": "web-1", "took_ms": 41})),
        ),
        entry(
            30,
            "review.answered",
            "mia",
            of(json!({"needed": true, "width": "too-wide",
            "missing": "a rollback"})),
        ),
    ]
}

#[test]
fn that_nobody_answered_at_first_is_part_of_it() {
    let of = |more| about("G-1", "mia", "deploy-shop", more);
    let to = json!({"approvers": ["founder", "support"]});
    let mut night = vec![
        asked(1, "G-1", "mia", "deploy-shop", DEPLOY),
        entry(6, "grant.escalated", "breakglass", of(to)),
    ];
    let draft = Draft::read("INC-12", &night, &[]);
    let grant = &draft.grants[0];
    assert_eq!(grant.escalated_at, Some(night[1].at));
    assert_eq!(grant.escalated_to, ["founder", "support"]);
    night.pop();
    let unread = Draft::read("INC-12", &night, &[]);
    let json = serde_json::to_value(&unread.grants[0]).unwrap();
    assert_eq!(json.get("escalated_at"), None, "absent where it did not");
}

#[test]
fn who_had_what_why_on_whose_word_and_for_how_long() {
    let draft = Draft::read("INC-12", &night(), &[]);
    assert_eq!(draft.closing_reason.as_deref(), Some("reverted"));
    let [mia, alone, denied] = &draft.grants[..] else {
        panic!("three were asked for: {draft:#?}")
    };
    assert_eq!((&*mia.person, &*mia.sentence), ("mia", DEPLOY));
    assert_eq!(mia.approved_by.as_deref(), Some("leon"));
    assert_eq!((mia.had_seconds, mia.session_seconds), (Some(420), 300));
    assert_eq!((mia.used, mia.credentials), (Used::Yes, 1));
    assert_eq!(mia.programs, ["deploy"]);
    let answer = mia.answer.as_ref().unwrap();
    assert!(answer.needed && answer.by_holder && answer.width == "too-wide");
    assert_eq!(
        (alone.used, alone.approved_by.as_ref()),
        (Used::Never, None)
    );
    assert_eq!((denied.began_at, denied.had_seconds), (None, None));
    assert_eq!(draft.self_granted, ["G-2"]);
    assert_eq!(
        draft.never_used,
        ["G-2"],
        "what never began was never there to be used"
    );
    let [kill] = &draft.kills[..] else {
        panic!("one session was cut")
    };
    assert_eq!(
        (&*kill.what, kill.confirmed, kill.took_ms),
        ("S-7", true, Some(41))
    );
    assert_eq!(draft.unsure, Vec::<String>::new());
}

#[test]
fn what_somebody_was_refused_and_somebody_else_then_did_was_borrowed() {
    let text = "no rule lets support deploy the shop app";
    let names = json!({"incident": "INC-12"});
    let asks = |minute, by, text, more: &Value| {
        Draft::read(
            "INC-12",
            &night(),
            &[refused(minute, by, text, more.clone())],
        )
    };
    let draft = asks(1, "support", text, &names);
    let [borrowed] = &draft.borrowed[..] else {
        panic!("support borrowed it: {draft:#?}")
    };
    assert_eq!((&*borrowed.done_by, &*borrowed.grant), ("mia", "G-1"));
    // Too late, for something else, or one's own.
    assert_eq!(asks(5, "support", text, &names).borrowed, []);
    let other = "no rule lets support deploy the shop";
    assert_eq!(asks(1, "support", other, &names).borrowed, []);
    let own = "no rule lets mia deploy the shop app";
    assert_eq!(asks(1, "mia", own, &names).borrowed, []);
    let elsewhere = asks(1, "support", text, &json!({"incident": "INC-13"}));
    assert_eq!((elsewhere.borrowed, elsewhere.refused), (vec![], vec![]));
}

#[test]
fn what_the_ledger_cannot_tell_is_said() {
    let text = "no rule lets support deploy the shop app";
    let unnamed = refused(1, "support", text, json!({"count": 3}));
    let mut entries = night();
    entries.retain(|entry| !["grant.used", "session.opened"].contains(&entry.kind.as_str()));
    let draft = Draft::read("INC-12", &entries, &[unnamed]);
    let unsure = draft.unsure.join("\n");
    assert!(unsure.contains("may belong to another"), "{unsure}");
    assert!(unsure.contains("keeps the newest one's words"), "{unsure}");
    assert!(
        unsure.contains("Under G-1 a credential was taken"),
        "{unsure}"
    );
    assert_eq!(draft.borrowed.len(), 1);
}

/// What the draft says for people.
fn told(draft: &Draft) -> String {
    let (out, err) = <(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Vec<u8>>>)>::default();
    let printer = Printer::to_buffers(Format::Text, out.clone(), err);
    crate::review::say(&printer, draft, "2026-11-23T04:00:00Z".parse().unwrap());
    String::from_utf8(out.lock().unwrap().clone()).unwrap()
}

/// One grant that began on this basis, after these entries.
fn begun_on(basis: &str, before: &[(&str, &str)]) -> Draft {
    let of = |more| about("G-1", "mia", "deploy-shop", more);
    let mut entries = vec![asked(1, "G-1", "mia", "deploy-shop", DEPLOY)];
    for (kind, by) in before {
        entries.push(entry(2, kind, by, of(json!({}))));
    }
    let by = if basis == "approved" { "leon" } else { "mia" };
    entries.push(entry(3, "grant.started", by, of(json!({"basis": basis}))));
    entries.push(entry(
        4,
        "incident.closed",
        "mia",
        json!({"reason": "over"}),
    ));
    Draft::read("INC-12", &entries, &[])
}

#[test]
fn only_what_nobody_said_yes_to_is_called_self_granted() {
    let call = ("call.recorded", "founder");
    let agreed = ("grant.approved", "leon");
    for (basis, before, yes) in [
        ("approved", &[][..], "leon"),
        ("fast-path", &[], "nobody needed"),
        ("self-granted", &[], "NOBODY: SELF-GRANTED"),
        ("called", &[call], "a call with founder"),
        ("called", &[call, agreed], "leon, after a call with founder"),
        ("of-a-later-version", &[], "of-a-later-version"),
    ] {
        let told = told(&begun_on(basis, before));
        assert!(told.contains(&format!("  yes from   {yes}\n")), "{told}");
        let is_alone = basis == "self-granted";
        assert_eq!(told.contains("SELF-GRANTED"), is_alone, "{told}");
    }
}

#[test]
fn of_a_drill_and_of_what_is_open_nothing_is_owed() {
    let of = |more| about("G-1", "mia", "deploy-shop", more);
    let mut entries = vec![
        entry(
            0,
            "incident.opened",
            "mia",
            json!({"incident": "INC-12", "severity": "sev3", "title": "practice", "drill": true}),
        ),
        asked(1, "G-1", "mia", "deploy-shop", DEPLOY),
        entry(2, "grant.started", "mia", of(json!({"basis": "fast-path"}))),
        entry(4, "incident.closed", "mia", json!({"reason": "over"})),
    ];
    let draft = Draft::read("INC-12", &entries, &[]);
    let screen = told(&draft);
    assert!(
        screen.starts_with("DRILL INC-12  sev3  practice\n"),
        "{screen}"
    );
    assert!(
        screen.contains("  review     nothing is owed: it is a drill\n"),
        "{screen}"
    );
    entries[0].body.remove("drill");
    let screen = told(&Draft::read("INC-12", &entries, &[]));
    assert!(screen.starts_with("INC-12  sev3"), "{screen}");
    assert!(screen.contains("  review     not answered\n"), "{screen}");
    let screen = told(&Draft::read("INC-12", &entries[..3], &[]));
    assert!(screen.contains("nothing is owed: it is open\n"), "{screen}");
}
