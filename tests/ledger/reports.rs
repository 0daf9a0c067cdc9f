//! An auditor's questions, answered from periods whose story is known.

use std::collections::BTreeMap;

use breakglass_client::report::{self, Report, Section, Span, Topic, html, markdown};
use proptest::test_runner::TestRunner;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::exports::{at, ledger, seams, take};
use crate::house::House;
use crate::night::Night;
use crate::verifiers::vkey;

/// What is reported of these entries, taken away from one on.
fn reported<L: AsRef<[u8]>>(lines: &[L], from: usize, to: usize) -> Report {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("export");
    take(&folder, lines, from, to).unwrap();
    report::of(&folder, vkey(), Span::default(), None).unwrap()
}

fn answer(report: &Report, topic: Topic) -> &Section {
    let mut sections = report.sections.iter();
    sections.find(|section| section.topic == topic).unwrap()
}

/// The row of a grant, cell by cell.
fn row<'a>(section: &'a Section, grant: &str) -> BTreeMap<&'static str, &'a str> {
    let mut rows = section.rows.iter();
    let row = rows.find(|row| row.cells[0] == grant);
    let row = row.unwrap_or_else(|| panic!("{grant} is not in {section:#?}"));
    let cells = row.cells.iter().map(String::as_str);
    section.columns.iter().copied().zip(cells).collect()
}

fn says(section: &Section, what: &str) {
    let told = section.answer.join(" ");
    assert!(told.contains(what), "`{what}` is not in: {told}");
}

/// A night of which every answer is known.
fn known() -> (Night, usize) {
    let mut night = Night::begins();
    night.by_broker("ledger.repaired", json!({"cut_bytes": 17}));
    let early = night.approved("G-1");
    night.issues(&early);
    let from = night.lines.len();
    // Extended, and ended by nobody for a minute after it had run out.
    let ends_at = night.minutes(15);
    night.extends("leon", &early, 600, ends_at);
    night.minutes_pass(15);
    night.ends(&early, "expired");
    // Begun alone, used, and cut at its target a minute after its ending.
    let alone = night.asks("G-2", "drop-db");
    night.minutes_pass(10);
    night.begins_alone(&alone, json!({}));
    night.issues_but(
        "mia",
        &alone,
        json!({"credential_kind": "postgres", "subject":
        {"target": "shop-db", "role": "bg_g2_1", "member_of": "shop_owner"}}),
    );
    let role = json!({"target": "shop-db", "role": "bg_g2_1"});
    let of_role =
        |more: Value| crate::night::with(crate::night::with(alone.clone(), role.clone()), more);
    night.by_broker("role.created", of_role(json!({})));
    night.vetoes("leon", &alone);
    night.by_broker(
        "role.dropped",
        of_role(json!({"sessions": 1, "took_ms": 5})),
    );
    // Asked for and refused, by somebody who writes what they like.
    let hostile = "</td><script>alert(1)</script> | [x](http://evil.example)";
    night.adds(
        "refused",
        "eve",
        json!({"act": "request", "reason": "NO_RULE", "text": hostile,
        "count": 3, "incident": "INC-1"}),
        None,
    );
    let asked = night.asks("G-3", "read-secrets");
    night.approves(&asked);
    night.closes("mia", &[&asked]);
    // Who said yes leaves.
    night.about("mia", "person.removed", "leon");
    night.by_broker("broker.started", json!({"version": "0.1.0"}));
    (night, from)
}

#[test]
fn every_question_is_answered_with_the_entries_it_stands_on() {
    let (night, from) = known();
    let to = night.lines.len();
    let report = reported(&night.lines, from, to);
    assert_eq!(report.entries, [from as u64, to as u64]);
    // The last entry is from after the period.
    let population = answer(&report, Topic::Population);
    says(
        population,
        &format!(
            "Entries: {}, from {from} to {} without a gap",
            to - 1 - from,
            to - 2
        ),
    );
    says(
        population,
        "Grants asked for: 2, begun: 2, ended: 3. Entries of refusals: 1.",
    );

    let sample = answer(&report, Topic::Sample);
    says(sample, "Grants: 2 of the 2 that began");
    let of = row(sample, "G-3");
    assert_eq!(
        (of["person"], of["on whose word"], of["how"]),
        ("mia", "approved leon", "incident-closed by mia")
    );

    let endings = answer(&report, Topic::Endings);
    says(
        endings,
        "Grants that had begun and ended: 3 (expired 1, incident-closed 1, vetoed 1)",
    );
    assert_eq!(row(endings, "G-2")["over at every target after"], "1m");
    assert_eq!(row(endings, "G-3")["over at every target after"], "0 ms");
    // G-1 had a token for five minutes from its beginning, and a role of G-2 cannot be copied.
    let until = |grant| row(endings, grant)["a copy could be taken until"].to_owned();
    assert_eq!((until("G-1"), until("G-2")), (String::new(), String::new()));
    let late = endings
        .rows
        .iter()
        .find(|row| row.cells[0] == "G-2")
        .unwrap();
    let entry: Value = serde_json::from_str(&night.lines[late.entries[0] as usize]).unwrap();
    assert_eq!(
        (&entry["kind"], &entry["grant"]),
        (&"grant.requested".into(), &"G-2".into())
    );

    let refused = answer(&report, Topic::Refused);
    says(
        refused,
        "Tried and refused: 4 (NO_RULE 3, vetoed 1), in entries: 2",
    );
    assert_eq!(refused.rows[0].cells[1], "leon", "the veto came first");

    let approvals = answer(&report, Topic::Approvals);
    says(
        approvals,
        "Approvals and calls: 1; by people who have left since, as far as this export goes: 1",
    );
    assert_eq!(approvals.rows[0].cells[0], "leon");

    let lengths = answer(&report, Topic::Lengths);
    says(
        lengths,
        "Extended: 0. Longer than was asked for: 0. Begun without anybody's yes: 1",
    );
    assert_eq!(row(lengths, "G-2")["why it is here"], "nobody agreed");

    let changes = answer(&report, Topic::Changes);
    assert_eq!(changes.rows.len(), 1);
    assert_eq!(
        changes.rows[0].cells[1..4],
        ["person.removed", "mia", "leon"]
    );

    let trouble = answer(&report, Topic::Trouble);
    says(
        trouble,
        "Cut back after a crash: 0. Starts of the broker: 0",
    );
    says(answer(&report, Topic::Drills), "No drill");
    let reviews = answer(&report, Topic::Reviews);
    says(
        reviews,
        "Incidents that closed: 1. Grants that had begun under them: 3; answered for: 0; open: 3",
    );
}

#[test]
fn what_came_before_the_period_is_not_of_it_and_all_of_it_is_of_the_whole() {
    let (night, _) = known();
    let report = reported(&night.lines, 0, night.lines.len());
    says(
        answer(&report, Topic::Trouble),
        "Cut back after a crash: 1. Starts of the broker: 1",
    );
    says(
        answer(&report, Topic::Approvals),
        "Approvals and calls: 2; by people who have left since, as far as this export goes: 2",
    );
    let lengths = answer(&report, Topic::Lengths);
    says(lengths, "Extended: 1. Longer than was asked for: 1");
    assert_eq!(row(lengths, "G-1")["extended by"], "leon");
    assert_eq!(
        answer(&report, Topic::Changes).rows.len(),
        8,
        "a policy, three people twice, and one leaves"
    );
}

#[test]
fn words_that_people_typed_are_words() {
    let (night, from) = known();
    let report = reported(&night.lines, from, night.lines.len());
    let html = html::render(&report);
    assert!(
        !html.contains("<script") && html.contains("&lt;script&gt;"),
        "{html}"
    );
    assert!(html.contains("default-src 'none'") && !html.contains("http-equiv=\"refresh"));
    let markdown = markdown::render(&report);
    let line = markdown
        .lines()
        .find(|line| line.contains("alert(1)"))
        .unwrap();
    assert!(
        line.contains(r"\</td\>\<script\>") && line.contains(r"\| \[x\](http\://evil"),
        "{line}"
    );
    let bars = line.replace(r"\|", "").matches('|').count();
    assert_eq!(bars, 9, "seven cells and the entries: {line}");
}

#[test]
fn a_grant_at_which_something_is_left_is_told_first() {
    let mut night = Night::begins();
    let from = night.lines.len();
    let of = night.asks("G-1", "restart");
    night.begins_at_once(&of, json!({}));
    night.issues(&of);
    night.guard_enrols("web-1");
    let session =
        json!({"session": "S-1", "target": "web-1", "credential": "G-1.1", "login": "deploy"});
    night.adds(
        "session.opened",
        "target:web-1",
        crate::night::with(of.clone(), session),
        None,
    );
    night.closes("leon", &[&of]);
    night.by_broker(
        "session.unconfirmed",
        crate::night::with(of, json!({"session": "S-1", "target": "web-1"})),
    );
    night.by_broker("broker.started", json!({"version": "0.1.0"}));
    let report = reported(&night.lines, from, night.lines.len());
    let endings = answer(&report, Topic::Endings);
    says(endings, "no entry says that it is over: 1");
    assert_eq!(
        row(endings, "G-1")["over at every target after"],
        "not known: S-1"
    );
    says(
        endings,
        "a copy of a credential could still be taken, by who checks nothing else: 1",
    );
    let issued = night
        .lines
        .iter()
        .find(|line| line.contains("credential.issued"));
    let issued: Value = serde_json::from_str(issued.unwrap()).unwrap();
    assert_eq!(
        row(endings, "G-1")["a copy could be taken until"],
        issued["expires_at"].as_str().unwrap()
    );
    says(
        answer(&report, Topic::Trouble),
        "Failed or not confirmed at a target: 1",
    );
}

/// Anybody draws the same sample with what the report says about how it is drawn, and no other; what is
/// counted is counted again.
fn is_as_counted<L: AsRef<[u8]>>(lines: &[L], from: usize, to: usize) -> Report {
    let report = reported(lines, from, to);
    let (since, until) = (at(&lines[from]), at(&lines[to - 1]));
    let entries = lines[..to]
        .iter()
        .map(|line| serde_json::from_slice::<Value>(line.as_ref()).unwrap());
    let within: Vec<_> = entries
        .filter(|entry| {
            let at: jiff::Timestamp = entry["at"].as_str().unwrap().parse().unwrap();
            (since..until).contains(&at)
        })
        .collect();
    let population = format!("Entries: {}, ", within.len());
    says(answer(&report, Topic::Population), &population);
    let began = within
        .iter()
        .filter(|entry| entry["kind"] == "grant.started");
    let root = breakglass_tlog::Hash::from_base64(&report.root).unwrap();
    let mut drawn: Vec<_> = began
        .map(|entry| {
            let id = entry["grant"].as_str().unwrap();
            let seeded = [root.as_bytes().as_slice(), id.as_bytes()].concat();
            (digest(&SHA256, &seeded).as_ref().to_vec(), id.to_owned())
        })
        .collect();
    let count = drawn.len();
    drawn.sort();
    drawn.truncate(25);
    let sample = answer(&report, Topic::Sample);
    says(
        sample,
        &format!("{} of the {count} that began", drawn.len()),
    );
    let rows: Vec<_> = sample.rows.iter().map(|row| row.cells[0].clone()).collect();
    let drawn: Vec<_> = drawn.into_iter().map(|(_, id)| id).collect();
    assert_eq!(rows, drawn);
    let refusals = within.iter().filter(|entry| {
        entry["kind"] == "refused"
            || ["denied", "vetoed"].contains(&entry["ending"].as_str().unwrap_or_default())
    });
    let refused = answer(&report, Topic::Refused);
    let told = refused.rows.len() as u64 + refused.more;
    assert_eq!(told, refusals.count() as u64);
    report
}

#[test]
fn a_sample_is_drawn_as_it_says() {
    let mut house = House::burning();
    for _ in 0..40 {
        house.passes(600_000);
        house.has_a_night();
    }
    house.passes(600_000);
    let report = is_as_counted(&house.lines, 20, house.lines.len());
    let sample = answer(&report, Topic::Sample);
    assert_eq!((sample.rows.len(), sample.more), (25, 0));
}

#[test]
fn what_is_reported_of_any_period_is_as_counted() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeMap::<String, u64>::new();
    for _ in 0..4 {
        let lines = ledger(&mut runner);
        let seams = seams(&lines);
        let (from, to) = (seams[seams.len() / 5], seams[seams.len() - 2]);
        for section in &is_as_counted(&lines, from, to).sections {
            *reached.entry(format!("{:?}", section.topic)).or_default() +=
                section.rows.len() as u64;
        }
    }
    for topic in [
        "Population",
        "Sample",
        "Endings",
        "Refused",
        "Lengths",
        "Changes",
        "Trouble",
    ] {
        assert!(reached[topic] > 0, "{topic} was never reached: {reached:?}");
    }
}

#[test]
fn what_does_not_verify_is_not_reported() {
    let (night, from) = known();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("export");
    take(&folder, &night.lines, from, night.lines.len()).unwrap();
    let path = folder.join("entries.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("NO_RULE", "FROZEN")).unwrap();
    let error = report::of(&folder, vkey(), Span::default(), None).unwrap_err();
    assert_eq!(error.exit_code(), 86, "{error}");
}

/// A head that a laptop brought along from another history is no refusal like others.
#[test]
fn another_history_is_trouble_and_says_who_had_seen_it() {
    let mut night = Night::begins();
    let from = night.lines.len();
    let calm = reported(&night.lines, 0, from);
    let told = answer(&calm, Topic::Trouble).answer.join(" ");
    assert!(!told.contains("ANOTHER HISTORY"), "{told}");
    let head = crate::heads::head(9_000, breakglass_tlog::Hash::of_leaf(b"another story"));
    night.adds(
        "refused",
        "leon",
        json!({"act": "approve", "reason": "LEDGER_BEHIND", "text": "set back, or a copy", "count": 1,
            "checkpoint": head.note()}),
        None,
    );
    night.does_note("mia", "who set it back?");
    let report = reported(&night.lines, 0, night.lines.len());
    let trouble = answer(&report, Topic::Trouble);
    says(
        trouble,
        "LAPTOPS HAD SEEN ANOTHER HISTORY of this ledger, signed by its key: 1 heads",
    );
    let row = trouble.rows.iter().find(|row| row.cells[1] == "refused");
    assert_eq!(row.unwrap().cells[2], "leon: set back, or a copy");
}
