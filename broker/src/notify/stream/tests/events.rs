//! Events of OCSF.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LEDGER, entries};
use crate::notify::stream::ocsf::{body, event, test};

/// One event of every kind of entry. `tests/check_ocsf.py` holds them to the published schema.
const GOLDEN: &str = include_str!("golden.jsonl");

/// A class; what it requires, one of what, and activities.
type Row = (
    u64,
    &'static [&'static str],
    &'static [&'static str],
    &'static [u64],
);

/// What each class of OCSF 1.5.0 requires beside what all do (<https://schema.ocsf.io/1.5.0>), which of
/// several it wants at least one of, and which activities it knows.
const REQUIRED: [Row; 8] = [
    (0, &[], &[], &[0, 99]),
    (3001, &["user"], &[], &[0, 1, 2, 5, 6, 9, 12, 99]),
    (
        3002,
        &["user"],
        &["service", "dst_endpoint"],
        &[0, 1, 2, 99],
    ),
    (3003, &["user"], &["privileges", "group"], &[0, 1, 2, 99]),
    (
        3004,
        &["entity"],
        &[],
        &[0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 99],
    ),
    (3005, &["user", "privileges"], &[], &[0, 1, 2, 99]),
    (6002, &["app"], &[], &[0, 3, 4, 5, 99]),
    (
        6003,
        &["actor", "api", "src_endpoint"],
        &[],
        &[0, 1, 2, 3, 4, 99],
    ),
];

/// What the base event requires of all.
const OF_ALL: [&str; 7] = [
    "activity_id",
    "category_uid",
    "class_uid",
    "metadata",
    "severity_id",
    "time",
    "type_uid",
];

#[test]
fn the_event_of_every_kind_is_frozen() {
    let told = entries();
    let all: Vec<_> = told
        .iter()
        .map(|told| (told.kind(), event(told, LEDGER).to_string()))
        .collect();
    // As the help pages are written, where an entry was added.
    if std::env::var_os("GLASS_GOLDEN").is_some_and(|it| it == "write") {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/notify/stream/tests/golden.jsonl"
        );
        let lines: String = all.iter().map(|(_, line)| format!("{line}\n")).collect();
        return std::fs::write(path, lines).unwrap();
    }
    let mut golden = GOLDEN.lines();
    for (kind, event) in &all {
        assert_eq!(Some(event.as_str()), golden.next(), "{kind}");
    }
    assert_eq!(golden.next(), None);
}

#[test]
fn every_event_has_what_its_class_requires() {
    let mut classes = BTreeSet::new();
    for told in entries() {
        let (event, kind) = (event(&told, LEDGER), told.kind());
        let class = event["class_uid"].as_u64().unwrap();
        let row = REQUIRED.iter().find(|(uid, ..)| *uid == class);
        let (_, required, one_of, activities) = row.unwrap();
        for name in OF_ALL.iter().chain(*required) {
            assert!(!event[*name].is_null(), "{kind} has no {name}");
        }
        let there = one_of.iter().filter(|name| !event[**name].is_null());
        assert_eq!(
            there.count(),
            one_of.len().min(1),
            "{kind}: one of {one_of:?}"
        );
        let activity = event["activity_id"].as_u64().unwrap();
        assert!(activities.contains(&activity), "{kind}: {activity}");
        assert_ne!(activity, 0, "{kind} is in no row of the table");
        assert_eq!(event["type_uid"], class * 100 + activity, "{kind}");
        assert_eq!(event["category_uid"], class / 1_000, "{kind}");
        let metadata = &event["metadata"];
        assert_eq!(metadata["version"], "1.5.0");
        assert_eq!(metadata["product"]["name"], "breakglass");
        assert_eq!(metadata["event_code"], kind);
        assert_eq!(metadata["sequence"], told.index());
        assert_eq!(event["time"], told.event().at.as_millis());
        let raw = event["raw_data"].as_str().unwrap().as_bytes();
        assert_eq!(
            raw, &*told.recorded.line,
            "{kind}: the entry, byte for byte"
        );
        classes.insert(class);
    }
    // The base event is for tests alone.
    let all: BTreeSet<_> = REQUIRED[1..].iter().map(|(uid, ..)| *uid).collect();
    assert_eq!(classes, all, "each class is used");
}

#[test]
fn what_did_not_come_about_is_a_failure_and_nothing_else_is() {
    let failed = entries().into_iter().filter(|told| {
        let event = event(told, LEDGER);
        event["status_id"] == 2
    });
    let kinds: BTreeSet<_> = failed.map(|told| told.kind().to_owned()).collect();
    assert!(kinds.iter().eq(["refused", "role.failed"]), "{kinds:?}");
}

#[test]
fn several_are_one_array() {
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let events = [test("siem", LEDGER, now), test("siem", LEDGER, now)];
    let body: Value = serde_json::from_slice(&body(events)).unwrap();
    assert_eq!(body.as_array().unwrap().len(), 2);
    assert_eq!(body[1]["metadata"]["event_code"], "stream.test");
    assert_eq!(body[1]["type_uid"], 99);
}
