//! The reading for scripts. Fields are only ever added; `docs/operating/reviews.md` tells of them.

use breakglass_proto::v1;
use serde_json::{Value, json};

use super::{Reading, held};
use crate::view::at;

/// All of it as JSON.
#[must_use]
pub fn view(reading: &Reading) -> Value {
    let answer = &reading.answer;
    json!({
        "made_at": at(answer.made_at.as_ref()),
        "made_for": answer.made_for,
        "days": answer.days,
        "ledger": {
            "origin": reading.origin,
            "vkey": reading.vkey,
            "entries": reading.size,
            "root": reading.root,
            "since": at(answer.ledger_since.as_ref()),
            "checkpoint": answer.checkpoint,
        },
        "policy": {
            "entry": answer.policy_entry,
            "sha256": answer.policy_sha256,
            "loaded_at": at(answer.policy_loaded_at.as_ref()),
        },
        "findings": all(&answer.findings, finding),
        "people": all(&answer.people, person),
        "rights": all(&answer.rights, right),
        "targets": all(&answer.targets, target),
    })
}

fn all<T>(list: &[T], view: impl Fn(&T) -> Value) -> Vec<Value> {
    list.iter().map(view).collect()
}

fn last(last: Option<&v1::LastEntry>) -> Value {
    last.map_or(
        Value::Null,
        |last| json!({ "at": at(last.at.as_ref()), "entry": last.entry }),
    )
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn finding(finding: &v1::AccessFinding) -> Value {
    json!({
        "kind": finding.kind,
        "about": finding.about,
        "right": some(&finding.right),
        "text": finding.text,
        "next": finding.next,
        "policy_line": Some(finding.policy_line).filter(|line| *line > 0),
        "since": last(finding.since.as_ref()),
    })
}

fn person(person: &v1::PersonAccess) -> Value {
    let rights = held(person).map(|(verdict, used)| {
        json!({
            "right": verdict.right,
            "sentence": verdict.sentence,
            "rule": verdict.rule,
            "approvers": verdict.approvers,
            "callers": verdict.callers,
            "then_approvers": verdict.then_approvers,
            "longest_seconds": verdict.longest.as_ref().map(|longest| longest.seconds),
            "explanation": verdict.explanation,
            "last_used": last(used),
        })
    });
    json!({
        "person": person.person,
        "name": person.name,
        "job": person.job,
        "standing": person.standing,
        "devices": all(&person.devices, device),
        "invited_until": at(person.invited_until.as_ref()),
        "last_acted": last(person.acted.as_ref()),
        "removed": last(person.removed.as_ref()),
        "rights": rights.collect::<Vec<_>>(),
        "duties": person.duties,
    })
}

fn device(device: &v1::AccessDevice) -> Value {
    json!({
        "name": device.name,
        "enrolled_at": at(device.enrolled_at.as_ref()),
        "certificate_expires_at": at(device.certificate_expires_at.as_ref()),
    })
}

fn right(right: &v1::RightAccess) -> Value {
    json!({
        "right": right.right,
        "sentence": right.sentence,
        "risk": right.risk,
        "rules": right.rules,
        "last_used": last(right.used.as_ref()),
    })
}

fn target(target: &v1::TargetAccess) -> Value {
    json!({
        "target": target.target,
        "kind": target.kind,
        "address": target.address,
        "standing": target.standing,
        "guards": all(&target.guards, device),
        "attended": target.attended,
        "last_acted": last(target.acted.as_ref()),
    })
}
