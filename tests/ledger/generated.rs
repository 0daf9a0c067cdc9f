//! Whatever the broker takes, both verifiers accept: random lists of what people do, through the
//! real rules and the real encoding.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_client::audit::Auditor;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::house::House;

use crate::steps::{Step, steps, written};
use crate::verifiers::{verify, vkey};

/// What `glass` says of it.
fn complaint(house: &House) -> Option<String> {
    let mut auditor = Auditor::new(vkey());
    let wrong = house
        .lines
        .iter()
        .find_map(|line| auditor.check(line).err());
    wrong.map(|error| error.to_string())
}

proptest! {
    #![proptest_config(Config {
        cases: 128,
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn whatever_the_broker_takes_glass_accepts(steps in steps(150)) {
        let house = written(&steps);
        prop_assert_eq!(complaint(&house), None);
    }
}

/// The same for both verifiers, over lists that are the same each time, and long enough to reach
/// everything that can happen: what was never written was never accepted.
#[test]
fn both_verifiers_accept_lists_that_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..140 {
        let list = vec(any::<Step>(), 300)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let house = written(&list);
        let verdicts = verify(&house.lines);
        assert_eq!(verdicts.glass, None, "glass");
        assert_eq!(verdicts.python, None, "python");
        let (mut ended, mut later) = (BTreeSet::new(), BTreeMap::new());
        for line in &house.lines {
            let entry: Value = serde_json::from_slice(line).unwrap();
            let more = entry["basis"].as_str().or(entry["ending"].as_str());
            let what = format!(
                "{} {}",
                entry["kind"].as_str().unwrap(),
                more.unwrap_or_default()
            );
            *seen.entry(what.trim().to_owned()).or_default() += 1;
            if let Some(word) = entry["witnesses"].as_str() {
                *seen.entry(format!("credential.issued {word}")).or_default() += 1;
            }
            let signed = entry["signed"]["text"].as_str().unwrap_or_default();
            if signed.contains("\nseen: ") {
                *seen.entry("with what was seen".to_owned()).or_default() += 1;
            }
            if entry["checkpoint"].is_string() && entry["kind"] == "refused" {
                let what = "refused, another history".to_owned();
                *seen.entry(what).or_default() += 1;
            }
            if entry["signed"]["other_history"] == true {
                *seen.entry("done all the same".to_owned()).or_default() += 1;
            }
            if entry["drill"] == true {
                let good = if entry["good"] == true { ", good" } else { "" };
                let what = format!("drill: {}{good}", entry["kind"].as_str().unwrap());
                *seen.entry(what).or_default() += 1;
            }
            if entry["let_in_at"].is_string() {
                let alone = ended.contains(&entry["grant"].to_string());
                let what = format!("let in unasked, grant over: {alone}");
                *seen.entry(what).or_default() += 1;
            }
            if entry["kind"] == "grant.escalated" {
                let to = entry["approvers"].as_array().unwrap().clone();
                later.insert(entry["grant"].to_string(), to);
            }
            let to = later.get(&entry["grant"].to_string());
            if entry["basis"] == "approved" && to.is_some_and(|to| to.contains(&entry["by"])) {
                let what = "approved by who was asked later".to_owned();
                *seen.entry(what).or_default() += 1;
            }
            if entry["kind"] == "grant.ended" {
                ended.insert(entry["grant"].to_string());
            }
        }
    }
    for what in [
        "policy.loaded",
        "person.invited",
        "person.enrolled",
        "person.removed",
        "person.frozen",
        "person.unfrozen",
        "certificate.renewed",
        "incident.opened",
        "incident.noted",
        "incident.warned",
        "incident.resolved",
        "incident.refired",
        "incident.held",
        "incident.closed",
        "grant.requested",
        "grant.started fast-path",
        "grant.started approved",
        "grant.started self-granted",
        "grant.started called",
        "call.recorded",
        "grant.approved",
        "grant.escalated",
        "approved by who was asked later",
        "grant.extended",
        "credential.issued",
        "target.invited",
        "target.enrolled",
        "session.opened",
        "session.ended",
        "session.unconfirmed",
        "let in unasked, grant over: true",
        "let in unasked, grant over: false",
        "role.created",
        "role.failed",
        "role.dropped",
        "grant.used",
        "grant.ended denied",
        "grant.ended lapsed",
        "grant.ended dropped",
        "grant.ended revoked",
        "grant.ended expired",
        "grant.ended incident-closed",
        "grant.ended person-left",
        "grant.ended person-frozen",
        "grant.ended abandoned",
        "grant.ended vetoed",
        "grant.ended handed-over",
        "review.answered",
        "ledger.witnessed",
        "ledger.unwitnessed",
        "ledger.restored",
        "ledger.lost",
        "done all the same",
        "credential.issued needed",
        "credential.issued missing",
        "drill.recorded",
        "drill: drill.recorded, good",
        "drill: incident.opened",
        "drill: incident.noted",
        "drill: incident.warned",
        "drill: incident.closed",
        "drill: grant.requested",
        "drill: grant.started",
        "drill: grant.ended",
        "drill: credential.issued",
        "drill: session.opened",
        "drill: session.ended",
        "drill: role.dropped",
        "refused",
        "refused, another history",
        "with what was seen",
        "ledger.exported",
        "stream.began",
        "stream.ended",
    ] {
        let count = seen.get(what).copied().unwrap_or_default();
        assert!(count >= 2, "{what} only {count} times: {seen:#?}");
    }
}
