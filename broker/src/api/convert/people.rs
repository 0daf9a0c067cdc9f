//! People and what they can do.

use breakglass_domain::people::Device;
use breakglass_domain::policy::{PersonCan, Verdict};
use breakglass_domain::{GrantRef, KeyId, TargetId};
use breakglass_proto::v1;

use super::{length, time};
use crate::app::{Doomed, Known};

/// Somebody in the policy.
pub(in crate::api) fn person(known: &Known) -> v1::Person {
    let frozen = known.member.frozen.as_ref();
    let contact = known.person.contact.as_ref();
    v1::Person {
        id: known.id.to_string(),
        name: known.person.name.to_string(),
        job: known.person.job.to_string(),
        contact: contact.map(ToString::to_string).unwrap_or_default(),
        devices: known.member.devices.iter().map(device).collect(),
        frozen: frozen.is_some(),
        frozen_reason: frozen
            .map(|freeze| freeze.reason.to_string())
            .unwrap_or_default(),
    }
}

pub(super) fn device((key, device): (&KeyId, &Device)) -> v1::Device {
    v1::Device {
        key: key.to_string(),
        name: device.name.to_string(),
        enrolled_at: Some(time(device.enrolled_at)),
        certificate_expires_at: Some(time(device.certificate_expires_at)),
    }
}

/// What one person can do.
pub(in crate::api) fn can(can: &PersonCan) -> v1::PersonCan {
    v1::PersonCan {
        person: can.person.to_string(),
        name: can.name.clone(),
        verdicts: can.verdicts.iter().map(verdict).collect(),
        duties: can.duties.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn verdict(verdict: &Verdict) -> v1::Verdict {
    let rule = verdict.rule.as_ref();
    v1::Verdict {
        right: verdict.right.to_string(),
        sentence: verdict.sentence.clone(),
        allowed: verdict.rule.is_some(),
        rule: rule.map(ToString::to_string).unwrap_or_default(),
        approvers: verdict.approvers.iter().map(ToString::to_string).collect(),
        longest: Some(length(verdict.longest)),
        explanation: verdict.explanation.clone(),
        access: None,
        callers: verdict.callers.iter().map(ToString::to_string).collect(),
        then_approvers: verdict
            .then_approvers
            .iter()
            .map(ToString::to_string)
            .collect(),
        held_up: String::new(),
        held_up_next: String::new(),
    }
}

/// What of somebody is to be over at targets: sessions, then roles.
pub(in crate::api) fn doomed(doomed: &Doomed) -> Vec<v1::Doomed> {
    let told = |id: String, of: &GrantRef, target: &TargetId| v1::Doomed {
        id,
        person: of.person.to_string(),
        target: target.to_string(),
        grant: of.grant.to_string(),
    };
    let sessions = doomed.sessions.iter();
    let sessions = sessions.map(|(id, it)| told(id.to_string(), &it.of, &it.target));
    let roles = doomed.roles.iter();
    let roles = roles.map(|(name, it)| told(name.to_string(), &it.of, &it.target));
    sessions.chain(roles).collect()
}
