//! Why somebody was refused: for each reason it is decided again from the ledger, or it is said which thing
//! the ledger does not hold.

mod rows;
mod words;

use std::collections::BTreeSet;

use breakglass_client::story::why::Why;
use breakglass_domain::{Refusal, Time};
use breakglass_tests::REASONS;
use breakglass_tlog::{Checkpoint, Hash, SignedCheckpoint};
use serde_json::{Value, json};

use self::words::{at, debt, not_witnessed};
use crate::night::{Night, ORIGIN, POLICY, with};
use crate::shelf::Shelf;
use crate::verifiers::signer;
use crate::witnesses;

/// A night on which one of everything has happened, long enough ago. What is signed in it matters to
/// nobody here: whether it holds is not asked.
fn eventful() -> Night {
    let mut night = Night::begins();
    night.loads(&format!("{POLICY}\n[review]\ndays = 1\n"));
    let mut lays = |kind: &str, by: &str, body: Value| night.adds(kind, by, body, None);
    let over = "2026-11-23T10:00:00.000Z";
    let opened = |incident: &str, but: Value| {
        let opened =
            json!({"incident": incident, "severity": "sev2", "title": "slow", "closes_at": over});
        with(opened, but)
    };
    lays("incident.opened", "leon", opened("INC-2", json!({})));
    let alert = json!({"source": "pager", "alert": "queue"});
    lays("incident.opened", "source:pager", opened("INC-3", alert));
    lays(
        "incident.opened",
        "mia",
        opened("INC-4", json!({"drill": true})),
    );
    let asks = |grant: &str, (person, right, incident): (&str, &str, &str), but: Value| {
        let asked = json!({"grant": grant, "person": person, "right": right, "incident": incident,
            "sentence": "drop the database", "rule": "database", "approvers": ["leon"],
            "lapses_at": over});
        with(asked, but)
    };
    let pinned = json!({"self_grant": {"from": over, "longest_ms": 600_000}});
    let begins = |grant: &str, person: &str, right: &str, basis: &str| {
        json!({"grant": grant, "person": person, "right": right, "incident": "INC-1", "basis": basis,
            "ends_at": over})
    };
    // G-1 waits, and may be begun alone, later.
    lays(
        "grant.requested",
        "mia",
        asks("G-1", ("mia", "drop-db", "INC-1"), pinned.clone()),
    );
    // G-2 runs on the fast path.
    let restart = json!({"sentence": "restart the shop", "rule": "alone", "approvers": []});
    lays(
        "grant.requested",
        "mia",
        asks("G-2", ("mia", "restart", "INC-1"), restart),
    );
    lays(
        "grant.started",
        "breakglass",
        begins("G-2", "mia", "restart", "fast-path"),
    );
    // G-3 was begun alone, and runs.
    lays(
        "grant.requested",
        "mia",
        asks("G-3", ("mia", "drop-db", "INC-1"), pinned.clone()),
    );
    lays(
        "grant.started",
        "mia",
        begins("G-3", "mia", "drop-db", "self-granted"),
    );
    // G-4 needs a call, which mia had; G-5 a yes as well, which mia gave.
    let call =
        json!({"call": ["mia"], "approvers": [], "rule": "keys", "sentence": "rotate the keys"});
    lays(
        "grant.requested",
        "leon",
        asks("G-4", ("leon", "rotate-keys", "INC-1"), call),
    );
    lays(
        "call.recorded",
        "mia",
        json!({"grant": "G-4", "person": "leon", "spoke_at": over}),
    );
    let both = json!({"call": ["mia"], "approvers": ["mia"], "rule": "vault"});
    lays(
        "grant.requested",
        "leon",
        asks("G-5", ("leon", "open-vault", "INC-1"), both),
    );
    lays(
        "grant.approved",
        "mia",
        json!({"grant": "G-5", "person": "leon", "until": over}),
    );
    // G-6 was vetoed.
    lays(
        "grant.requested",
        "mia",
        asks("G-6", ("mia", "restore", "INC-1"), pinned.clone()),
    );
    let vetoed = json!({"grant": "G-6", "person": "mia", "right": "restore", "incident": "INC-1",
        "ending": "vetoed", "reason": "no"});
    lays("grant.ended", "leon", vetoed);
    // G-7 goes to eve as well if nobody answers.
    let later = json!({"escalation": {"at": over, "approvers": ["eve"]}});
    lays(
        "grant.requested",
        "mia",
        asks("G-7", ("mia", "restore", "INC-1"), later),
    );
    // G-8 was handed over, and G-9 approved.
    let handed = json!({"from": "G-2", "since": "2026-11-23T02:05:00.000Z", "until": over});
    lays(
        "grant.requested",
        "mia",
        asks("G-8", ("leon", "restart", "INC-1"), handed),
    );
    lays(
        "grant.requested",
        "mia",
        asks("G-9", ("mia", "read-secrets", "INC-1"), json!({})),
    );
    lays(
        "grant.started",
        "leon",
        begins("G-9", "mia", "read-secrets", "approved"),
    );
    // INC-2 is over: nobody has answered for G-10, and somebody for G-11.
    for grant in ["G-10", "G-11"] {
        let begun = with(
            begins(grant, "mia", "restart", "fast-path"),
            json!({"incident": "INC-2"}),
        );
        lays(
            "grant.requested",
            "mia",
            asks(grant, ("mia", "restart", "INC-2"), json!({})),
        );
        lays("grant.started", "breakglass", begun);
    }
    lays(
        "incident.closed",
        "leon",
        json!({"incident": "INC-2", "reason": "well"}),
    );
    lays(
        "review.answered",
        "leon",
        json!({"grant": "G-11", "person": "mia", "incident": "INC-2"}),
    );
    let over = json!({"incident": "INC-3", "closes_at": over});
    lays("incident.resolved", "source:pager", over);
    lays(
        "person.frozen",
        "leon",
        json!({"person": "eve", "reason": "stolen"}),
    );
    lays("ledger.unwitnessed", "breakglass", json!({"witnessed": 3}));
    night.minutes_pass(5);
    night
}

/// What has to come of it.
#[derive(Debug)]
enum Comes {
    /// It is refused again, and this is said.
    Again(&'static str),
    /// This is said not to be in the ledger.
    NotHeld(&'static str),
    /// It does not follow.
    Wrong,
}

/// An entry of a refusal, and why.
fn why(mut night: Night, who: &str, act: &str, (reason, text): (&str, &str), but: Value) -> Why {
    let body = json!({"act": act, "reason": reason, "text": text, "count": 1});
    night.adds("refused", who, with(body, but), None);
    let shelf = Shelf::of(&night.lines);
    let entry = shelf.refusals().last().unwrap();
    shelf.why_refused(entry)
}

fn came(row: &str, why: &Why, comes: &Comes) {
    assert_eq!(amiss(why, comes), None, "{row}");
}

/// What is not as it has to be.
fn amiss(why: &Why, comes: &Comes) -> Option<String> {
    let because = why.decisions[0].because.join("\n");
    let (follows, said) = match *comes {
        Comes::Again(said) => (Some(true), said),
        Comes::NotHeld(said) => (None, said),
        Comes::Wrong => (Some(false), ""),
    };
    let is_left = because.contains("was not decided again");
    let exit = why.wrong.as_ref().map(|wrong| wrong.error().exit_code());
    let is_so = why.follows == follows
        && because.contains(said)
        && is_left == follows.is_none()
        && exit == (follows == Some(false)).then_some(86);
    (!is_so).then(|| format!("not {comes:?}: {:?} {because} {:?}", why.follows, why.wrong))
}

fn told(night: Night, who: &str, act: &str, refusal: &Refusal) -> Why {
    why(
        night,
        who,
        act,
        (refusal.code(), &refusal.to_string()),
        json!({}),
    )
}

/// When a refusal behind such a night is written.
fn asked_at() -> Time {
    let at = eventful().at + jiff::SignedDuration::from_mins(1);
    Time::from_millis(at.as_millisecond())
}

#[test]
fn every_refusal_is_decided_again_or_says_what_the_ledger_does_not_hold() {
    let each = rows::all(asked_at()).into_iter();
    let amiss = each.filter_map(|(who, act, refusal, comes)| {
        let amiss = amiss(&told(eventful(), who, act, &refusal), &comes)?;
        Some(format!("{who} {act} {refusal:?}: {amiss}"))
    });
    let amiss: Vec<_> = amiss.collect();
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
}

/// What the rules never see: found at the edge, and an entry all the same.
const AT_THE_EDGE: [(&str, &str); 18] = [
    ("TARGET_UNAVAILABLE", "what a database server said"),
    ("STATEMENT_INVALID", "the statement that was refused"),
    ("SIGNATURE_INVALID", "the signature that did not verify"),
    ("WRONG_BROKER", "the statement that was refused"),
    ("INVALID_TEXT", "the text that was refused"),
    ("INVALID_ARGUMENT", "what was sent"),
    ("TOO_MANY", "in the broker's memory"),
    ("LEDGER_UNAVAILABLE", "the broker's disk"),
    ("LEDGER_FULL", "the broker's disk"),
    ("NO_CERTIFICATE", "the certificate of a connection"),
    ("CERTIFICATE_INVALID", "the certificate of a connection"),
    ("NOT_FOUND", "what was asked for"),
    ("SHUTTING_DOWN", "when a broker stops"),
    ("INTERNAL", "in its tracing"),
    ("ALERT_MALFORMED", "what an alert source sent"),
    ("ALERT_UNKNOWN", "what an alert source sent"),
    ("ALERT_STALE", "what an alert source sent"),
    ("A_NEW_ONE", "does not know the reason `A_NEW_ONE`"),
];

#[test]
fn no_reason_is_without_an_answer_of_its_own() {
    for (reason, said) in AT_THE_EDGE {
        let words = (reason, "as it was told");
        let why = why(eventful(), "mia", "request", words, json!({}));
        came(reason, &why, &Comes::NotHeld(said));
    }
    let of_rules = rows::all(asked_at());
    let mut tried: BTreeSet<_> = of_rules.iter().map(|(_, _, it, _)| it.code()).collect();
    tried.extend(AT_THE_EDGE.map(|(reason, _)| reason));
    tried.insert("REVIEW_DEBT");
    let all: BTreeSet<_> = REASONS.into_iter().collect();
    let untried: Vec<_> = all.difference(&tried).collect();
    assert!(untried.is_empty(), "not in the table: {untried:?}");
    // Words that none of our brokers ever told are not guessed at.
    for reason in all {
        let words = (reason, "something else");
        let why = why(eventful(), "mia", "request", words, json!({}));
        let is_bare = ["NO_OPEN_INCIDENT", "NO_DRILLS"].contains(&reason);
        assert!(why.follows.is_none() || is_bare, "{reason}: {why:?}");
    }
}

/// A day later answers are late, and nothing is open any more.
#[test]
fn what_time_has_brought_about_counts() {
    let closed = eventful().lines.into_iter().find_map(|line| {
        let entry: Value = serde_json::from_str(&line).unwrap();
        (entry["kind"] == "incident.closed").then(|| entry["at"].as_str().unwrap().to_owned())
    });
    let closed: jiff::Timestamp = closed.unwrap().parse().unwrap();
    let closed = Time::from_millis(closed.as_millisecond());
    let late = || {
        let mut night = eventful();
        night.minutes_pass(26 * 60);
        night
    };
    for (night, refusal, comes) in [
        (
            late(),
            debt(2, closed, 1),
            Comes::Again("nobody had answered for G-10"),
        ),
        (eventful(), debt(2, closed, 1), Comes::Wrong),
        (late(), debt(2, at("01:00:00"), 1), Comes::Wrong),
        (late(), debt(1, closed, 1), Comes::Wrong),
        (
            late(),
            Refusal::NoOpenIncident,
            Comes::Again("no incident was opened within a day"),
        ),
    ] {
        came(
            &format!("{refusal:?}"),
            &told(night, "mia", "request", &refusal),
            &comes,
        );
    }
}

/// What another policy refuses, and what its rules came to ask.
#[test]
fn the_policy_in_force_is_the_one_that_counts() {
    let under = |policy: &str| {
        let mut night = eventful();
        night.loads(policy);
        night.minutes_pass(5);
        night
    };
    let without = POLICY.split("[drills]").next().unwrap();
    let refusal = Refusal::NoDrills;
    let why = told(under(without), "mia", "open-drill", &refusal);
    came("no drills", &why, &Comes::Again("has no `[drills]`"));

    let stricter = POLICY.replace("approvers = [\"job:engineer\"]", "approvers = [\"eve\"]");
    let who = "leon is not an approver of G-1; these people are: eve";
    let words = ("NOT_APPROVER", who);
    let asks = why_of(under(&stricter), "leon", "approve", words);
    came("no longer", &asks, &Comes::Again("does not any more"));

    let asked = POLICY.replace("grace = \"5m\"\n", witnesses::WITNESSED);
    let refuses = "[rights.restart]\nwithout_witnesses = \"refuse\"\n";
    let asked = asked.replace("[rights.restart]\n", refuses);
    let why = told(under(&asked), "mia", "issue-credential", &not_witnessed());
    came(
        "witnesses",
        &why,
        &Comes::Again("too few of them signed since entry"),
    );
}

fn why_of(night: Night, who: &str, act: &str, words: (&str, &str)) -> Why {
    why(night, who, act, words, json!({}))
}

/// A laptop had seen a head that is not of this ledger: the entry has it, and its signature is checked.
#[test]
fn the_head_that_was_seen_is_checked() {
    let night = eventful();
    let (had, seen) = (night.lines.len() as u64, night.lines.len() as u64 + 40);
    let head = Checkpoint::new(ORIGIN, seen, Hash::of_leaf(b"elsewhere")).unwrap();
    let note = SignedCheckpoint::sign(&head, &signer()).unwrap();
    let note = note.note();
    let forged = note.replacen(&seen.to_string(), &(seen + 1).to_string(), 1);
    let behind = |seen, size| Refusal::LedgerBehind { seen, size };
    for (refusal, note, comes) in [
        (
            behind(seen, had),
            note,
            Comes::Again("has signed a head of"),
        ),
        (behind(seen + 1, had), note, Comes::Wrong),
        (behind(seen, had + 5), note, Comes::Wrong),
        (behind(seen, had), &*forged, Comes::Wrong),
        (
            Refusal::LedgerForked { seen },
            note,
            Comes::NotHeld("glass ledger verify"),
        ),
        (Refusal::LedgerForked { seen }, &*forged, Comes::Wrong),
    ] {
        let words = (refusal.code(), refusal.to_string());
        let but = json!({"checkpoint": note});
        let why = why(eventful(), "mia", "request", (words.0, &words.1), but);
        came(&format!("{refusal:?}"), &why, &comes);
    }
}

/// How much a grant had left is counted again, where the entry says under which incident it was.
#[test]
fn what_a_grant_had_left_is_counted_again() {
    let extends = |minutes: u32, left: u32, incident: &str| {
        let mut night = Night::begins();
        let of = night.asks("G-1", "drop-db");
        night.approves(&of);
        let refusal = words::too_long(minutes, left);
        let words = (refusal.code(), refusal.to_string());
        let but = json!({"incident": incident});
        why(night, "leon", "extend", (words.0, &words.1), but)
    };
    // It may last half an hour, and was given ten minutes.
    let had = Comes::Again("so 30m more was too much");
    came("what was left", &extends(30, 20, "INC-1"), &had);
    let ahead = Comes::Again("it was to end at");
    came("when it was to end", &extends(30, 20, "INC-1"), &ahead);
    let named = Comes::NotHeld("which grant was to have more time");
    came("another length", &extends(30, 19, "INC-1"), &named);
    came("another incident", &extends(30, 20, "INC-2"), &named);
}
