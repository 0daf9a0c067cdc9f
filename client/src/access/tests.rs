//! What each form of the reading says, and that nothing typed by anybody gets out of it.

use std::sync::{Arc, Mutex};

use breakglass_proto::v1;

use super::*;
use crate::output::{Format, Printer};

const HOSTILE: &str = "=1+1 | <b>\"x\"</b> [y](http://z) \u{1b}[2J";

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

fn last(seconds: i64, entry: u64) -> Option<v1::LastEntry> {
    let at = at(seconds);
    Some(v1::LastEntry { at, entry })
}

fn reading(name: &str) -> Reading {
    let verdict = v1::Verdict {
        right: "deploy-shop".into(),
        sentence: name.into(),
        allowed: true,
        rule: "engineers-ship".into(),
        approvers: vec!["leon".into(), "founder".into()],
        explanation: format!("{name} can {name} (rule engineers-ship)."),
        ..v1::Verdict::default()
    };
    let finding = |kind: &str, about: &str, line| v1::AccessFinding {
        kind: kind.into(),
        about: about.into(),
        text: format!("{name} ({about}) was removed"),
        next: format!("take [people.{about}] out"),
        policy_line: line,
        since: last(1_790_000_000, 7),
        ..v1::AccessFinding::default()
    };
    let mia = v1::PersonAccess {
        person: "mia".into(),
        name: name.into(),
        job: name.into(),
        standing: "enrolled".into(),
        devices: vec![v1::AccessDevice {
            name: name.into(),
            certificate_expires_at: at(1_800_000_000),
            ..v1::AccessDevice::default()
        }],
        acted: last(1_795_000_000, 40),
        rights: vec![v1::HeldRight {
            verdict: Some(verdict),
            used: None,
        }],
        duties: vec!["open incidents".into()],
        ..v1::PersonAccess::default()
    };
    let answer = v1::ReviewAccessResponse {
        checkpoint: "glass.example/ledger\n42\nAAAA\n\n\u{2014} glass.example/ledger BBBB\n".into(),
        made_at: at(1_795_000_060),
        made_for: "mia".into(),
        days: 90,
        ledger_since: at(1_780_000_000),
        policy_entry: 3,
        policy_sha256: "ab".repeat(32),
        policy_loaded_at: at(1_780_000_100),
        findings: vec![
            finding("removed-but-named", "leon", 12),
            finding("removed-but-named", "eve", 16),
            finding("guard-asleep", "web-1", 0),
        ],
        people: vec![mia],
        rights: vec![v1::RightAccess {
            right: "deploy-shop".into(),
            sentence: name.into(),
            risk: "low".into(),
            rules: vec!["engineers-ship".into()],
            used: last(1_794_000_000, 30),
        }],
        targets: vec![v1::TargetAccess {
            target: "web-1".into(),
            kind: "ssh".into(),
            address: name.into(),
            standing: "not-enrolled".into(),
            ..v1::TargetAccess::default()
        }],
    };
    Reading {
        answer,
        origin: "glass.example/ledger".into(),
        vkey: "glass.example/ledger+67ab6134+AAAA".into(),
        size: 42,
        root: "AAAA".into(),
    }
}

fn said(reading: &Reading) -> String {
    let out = Arc::<Mutex<Vec<u8>>>::default();
    let printer = Printer::to_buffers(Format::Text, out.clone(), Arc::default());
    let now = "2026-11-18T10:00:00Z".parse().unwrap();
    say(&printer, reading, now);
    String::from_utf8(out.lock().unwrap().clone()).unwrap()
}

#[test]
fn machines_read_whose_call_it_takes_and_whom_it_goes_to_later() {
    let mut reading = reading("Mia");
    let verdict = reading.answer.people[0].rights[0].verdict.as_mut().unwrap();
    (verdict.approvers, verdict.callers) = (Vec::new(), vec!["mia".into(), "leon".into()]);
    verdict.then_approvers = vec!["founder".into()];
    let json = view(&reading);
    let right = &json["people"][0]["rights"][0];
    assert_eq!(right["approvers"], serde_json::json!([]));
    assert_eq!(right["callers"], serde_json::json!(["mia", "leon"]));
    assert_eq!(right["then_approvers"], serde_json::json!(["founder"]));
    let lines = csv(&reading);
    assert!(
        lines[0].ends_with(",next,callers,then_approvers"),
        "{}",
        lines[0]
    );
    let can = lines.iter().find(|line| line.starts_with("can,")).unwrap();
    assert!(can.ends_with(",\"mia; leon\",founder"), "{can}");
    let page = page(&reading).join("\n");
    assert!(
        page.contains("a call with mia, leon; when nobody answers founder"),
        "{page}"
    );
}

#[test]
fn people_read_what_to_look_at_first_and_what_to_do() {
    let said = said(&reading("Mia"));
    let places = [
        "To look at: 3",
        "Removed, and still named in the policy",
        "PERSON",
        "Mia can Mia",
    ];
    let places = places.map(|part| said.find(part).unwrap_or_else(|| panic!("{part}: {said}")));
    assert!(places.is_sorted(), "{said}");
    assert!(
        said.contains("    Mia (leon) was removed.\n      next: take [people.leon] out\n"),
        "{said}"
    );
    assert!(
        said.contains("  guard-asleep\n"),
        "a kind of a newer broker: {said}"
    );
    assert!(said.contains("deploy-shop: never used"), "{said}");
    let mut none = reading("Mia");
    none.answer.findings.clear();
    assert!(self::said(&none).contains("Nothing to look at"));
}

#[test]
fn scripts_read_the_same_under_names_that_stay() {
    let view = view(&reading("Mia"));
    assert_eq!(view["ledger"]["entries"], 42);
    assert_eq!(view["policy"]["entry"], 3);
    let finding = &view["findings"][0];
    assert_eq!(
        (&finding["kind"], &finding["policy_line"]),
        (&"removed-but-named".into(), &12.into())
    );
    assert_eq!(finding["since"]["entry"], 7);
    assert_eq!(view["findings"][2]["policy_line"], serde_json::Value::Null);
    let right = &view["people"][0]["rights"][0];
    assert_eq!(
        (&right["rule"], &right["last_used"]),
        (&"engineers-ship".into(), &serde_json::Value::Null)
    );
    assert_eq!(view["rights"][0]["last_used"]["entry"], 30);
}

#[test]
fn every_row_of_the_table_has_every_column() {
    let lines = csv(&reading("Mia"));
    let rows: Vec<_> = lines
        .iter()
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert_eq!(
        rows,
        [
            "row", "made", "finding", "finding", "finding", "person", "can", "right", "target"
        ]
    );
    for line in csv(&reading(HOSTILE)) {
        assert_eq!(fields(&line).len(), 18, "{line}");
        for field in fields(&line) {
            assert!(!field.starts_with(['=', '+', '-', '@']), "{line}");
        }
        assert!(!line.contains(['\u{1b}', '\n', '\r']), "{line}");
    }
}

/// As a spreadsheet reads a line (RFC 4180 section 2).
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[test]
fn the_page_stands_by_itself_and_no_name_changes_its_shape() {
    let told = page(&reading("Mia")).join("\n");
    for part in [
        "# Review of access\n",
        "| made | 2026-11-18T",
        "| entries | 42 |",
        "- Mia (leon) was removed. (entry 7)\\\n  To do: take \\[people.leon\\] out.",
        "## How to check it",
        "glass ledger verify --from then --vkey KEY",
        "    glass.example/ledger\n    42\n    AAAA\n\n    \u{2014} glass.example/ledger BBBB",
    ] {
        assert!(told.contains(part), "{part}\n---\n{told}");
    }
    let hostile = page(&reading(HOSTILE));
    assert_eq!(hostile.len(), told.lines().count(), "as many lines");
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for (line, harmless) in hostile.iter().zip(told.lines()) {
        assert_eq!(cells(line), cells(harmless), "{line}");
        assert!(
            !line.contains(['\u{1b}', '<']) && !line.replace("\\]", "").contains("]("),
            "{line}"
        );
    }
}
