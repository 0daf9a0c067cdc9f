//! The review of access.

use breakglass_domain::access_review::{
    Finding, HeldRight, PersonAccess, RightAccess, TargetAccess,
};
use breakglass_domain::last::Mark;
use breakglass_domain::people::Device;
use breakglass_proto::v1;

use super::people::verdict;
use super::time;
use crate::app::AccessRead;

/// The reading, and what it was made from.
pub(in crate::api) fn access_read(read: &AccessRead) -> v1::ReviewAccessResponse {
    let review = &read.review;
    let days = read.within.as_millis() / (24 * 3_600 * 1_000);
    v1::ReviewAccessResponse {
        checkpoint: read.checkpoint.note().to_owned(),
        made_at: Some(time(read.at)),
        made_for: read.by.to_string(),
        days: u32::try_from(days).unwrap_or(u32::MAX),
        ledger_since: Some(time(read.ledger_since)),
        policy_entry: read.policy_entry,
        policy_sha256: read.policy_sha256.clone(),
        policy_loaded_at: Some(time(read.policy_loaded_at)),
        findings: review.findings.iter().map(finding).collect(),
        people: review.people.iter().map(person).collect(),
        rights: review.rights.iter().map(right).collect(),
        targets: review.targets.iter().map(target).collect(),
    }
}

fn last(mark: Mark) -> v1::LastEntry {
    v1::LastEntry {
        at: Some(time(mark.at)),
        entry: mark.entry,
    }
}

fn finding(finding: &Finding) -> v1::AccessFinding {
    let line = finding.line.and_then(|line| u32::try_from(line).ok());
    v1::AccessFinding {
        kind: finding.kind.to_string(),
        about: finding.about.clone(),
        right: finding
            .right
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        text: finding.text.clone(),
        next: finding.next.clone(),
        policy_line: line.unwrap_or_default(),
        since: finding.since.map(last),
    }
}

fn person(person: &PersonAccess) -> v1::PersonAccess {
    v1::PersonAccess {
        person: person.id.to_string(),
        name: person.name.clone(),
        job: person.job.clone(),
        standing: person.standing.to_string(),
        devices: person.devices.iter().map(device).collect(),
        invited_until: person.invited_until.map(time),
        acted: person.acted.map(last),
        removed: person.removed.map(last),
        rights: person.rights.iter().map(held).collect(),
        duties: person.duties.iter().map(ToString::to_string).collect(),
    }
}

fn device(device: &Device) -> v1::AccessDevice {
    v1::AccessDevice {
        name: device.name.to_string(),
        enrolled_at: Some(time(device.enrolled_at)),
        certificate_expires_at: Some(time(device.certificate_expires_at)),
    }
}

fn held(held: &HeldRight) -> v1::HeldRight {
    v1::HeldRight {
        verdict: Some(verdict(&held.verdict)),
        used: held.used.map(last),
    }
}

fn right(right: &RightAccess) -> v1::RightAccess {
    v1::RightAccess {
        right: right.id.to_string(),
        sentence: right.sentence.clone(),
        risk: right.risk.to_string(),
        rules: right.rules.iter().map(ToString::to_string).collect(),
        used: right.used.map(last),
    }
}

fn target(target: &TargetAccess) -> v1::TargetAccess {
    v1::TargetAccess {
        target: target.id.to_string(),
        kind: target.kind.to_string(),
        address: target.address.clone(),
        standing: target.standing.to_string(),
        guards: target.guards.iter().map(device).collect(),
        attended: target.attended,
        acted: target.acted.map(last),
    }
}
