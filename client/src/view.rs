//! What `-o json` prints. Names follow the contract; times are RFC 3339 in UTC; ids of states are
//! the ledger's words. Fields are only ever added.

use std::ops::Not;

use breakglass_proto::v1;
use serde::Serialize;
use serde_json::json;

use crate::{grant, leads, show, time};

/// A grant.
#[derive(Debug, Serialize)]
pub struct GrantView<'a> {
    id: &'a str,
    person: &'a str,
    right: &'a str,
    sentence: &'a str,
    incident: &'a str,
    reason: &'a str,
    state: &'static str,
    rule: &'a str,
    approvers: &'a [String],
    requested_at: Option<String>,
    length_seconds: Option<i64>,
    lapses_at: Option<String>,
    self_grant_at: Option<String>,
    begins_at: Option<String>,
    ends_at: Option<String>,
    basis: Option<&'static str>,
    approved_by: Option<&'a str>,
    ending: Option<&'static str>,
    ended_at: Option<String>,
    ended_by: Option<&'a str>,
    ending_reason: Option<&'a str>,
    held: bool,
    credentials: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_until: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    callers: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallView<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    agreed: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    still_needed: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation: Option<EscalationView<'a>>,
    #[serde(skip_serializing_if = "Not::not")]
    drill: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_grant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_person: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_grant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_person: Option<&'a str>,
    gone: &'a [String],
    nobody_left: bool,
}

/// Whom a request goes to when nobody answers.
#[derive(Debug, Serialize)]
struct EscalationView<'a> {
    at: Option<String>,
    approvers: &'a [String],
    escalated_at: Option<String>,
}

/// A call on record.
#[derive(Debug, Serialize)]
struct CallView<'a> {
    by: &'a str,
    spoke_at: Option<String>,
    recorded_at: Option<String>,
}

impl<'a> From<&'a v1::Grant> for GrantView<'a> {
    fn from(grant: &'a v1::Grant) -> Self {
        let is_over = grant.state() == v1::GrantState::Ended;
        Self {
            id: &grant.id,
            person: &grant.person,
            right: &grant.right,
            sentence: &grant.sentence,
            incident: &grant.incident,
            reason: &grant.reason,
            state: if is_over {
                "ended"
            } else {
                grant::state_word(grant)
            },
            rule: &grant.rule,
            approvers: &grant.approvers,
            requested_at: at(grant.requested_at.as_ref()),
            length_seconds: grant.length.as_ref().map(|length| length.seconds),
            lapses_at: at(grant.lapses_at.as_ref()),
            self_grant_at: at(grant.self_grant_at.as_ref()),
            begins_at: at(grant.begins_at.as_ref()),
            ends_at: at(grant.ends_at.as_ref()),
            basis: some(grant::basis_word(grant.basis())),
            approved_by: some(&grant.approved_by),
            ending: is_over.then(|| grant::ending_word(grant.ending())),
            ended_at: at(grant.ended_at.as_ref()),
            ended_by: some(&grant.ended_by),
            ending_reason: some(&grant.ending_reason),
            held: grant.held,
            credentials: grant.credentials,
            credentials_until: at(grant.credentials_until.as_ref()),
            callers: &grant.callers,
            calls: grant.calls.iter().map(call).collect(),
            agreed: &grant.agreed,
            still_needed: grant.still_needed.map(needed),
            drill: grant.drill,
            escalation: grant.escalation.as_ref().map(escalation),
            from_grant: some(&grant.from_grant),
            from_person: some(&grant.from_person),
            until: at(grant.until.as_ref()),
            to_grant: some(&grant.to_grant),
            to_person: some(&grant.to_person),
            gone: &grant.gone,
            nobody_left: grant.nobody_left,
        }
    }
}

fn escalation(escalation: &v1::Escalation) -> EscalationView<'_> {
    EscalationView {
        at: at(escalation.at.as_ref()),
        approvers: &escalation.approvers,
        escalated_at: at(escalation.escalated_at.as_ref()),
    }
}

fn call(call: &v1::Call) -> CallView<'_> {
    CallView {
        by: &call.by,
        spoke_at: at(call.spoke_at.as_ref()),
        recorded_at: at(call.recorded_at.as_ref()),
    }
}

fn needed(needed: v1::StillNeeded) -> Vec<&'static str> {
    let parts = [
        (needed.approval, "approval"),
        (needed.call, "call"),
        (needed.note, "note"),
    ];
    let parts = parts.into_iter().filter(|(is_needed, _)| *is_needed);
    parts.map(|(_, name)| name).collect()
}

/// Grants, in their order.
#[must_use]
pub fn grants(grants: &[v1::Grant]) -> Vec<GrantView<'_>> {
    grants.iter().map(GrantView::from).collect()
}

/// A note.
#[derive(Debug, Serialize)]
pub struct NoteView<'a> {
    by: &'a str,
    at: Option<String>,
    text: &'a str,
}

/// An incident.
#[derive(Debug, Serialize)]
pub struct IncidentView<'a> {
    id: &'a str,
    severity: &'static str,
    title: &'a str,
    state: &'static str,
    opened_by: &'a str,
    opened_at: Option<String>,
    closes_at: Option<String>,
    closed_by: Option<&'a str>,
    closed_at: Option<String>,
    closing_reason: Option<&'a str>,
    notes: Vec<NoteView<'a>>,
    grants: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<AlertView<'a>>,
    #[serde(skip_serializing_if = "Not::not")]
    drill: bool,
}

/// The alert that opened an incident.
#[derive(Debug, Serialize)]
struct AlertView<'a> {
    key: &'a str,
    resolved: bool,
    held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<&'a str>,
}

impl<'a> From<&'a v1::Incident> for IncidentView<'a> {
    fn from(incident: &'a v1::Incident) -> Self {
        let note = |note: &'a v1::IncidentNote| NoteView {
            by: &note.by,
            at: at(note.at.as_ref()),
            text: &note.text,
        };
        Self {
            id: &incident.id,
            severity: severity_word(incident.severity()),
            title: &incident.title,
            state: state_word(incident.state()),
            opened_by: &incident.opened_by,
            opened_at: at(incident.opened_at.as_ref()),
            closes_at: at(incident.closes_at.as_ref()),
            closed_by: some(&incident.closed_by),
            closed_at: at(incident.closed_at.as_ref()),
            closing_reason: some(&incident.closing_reason),
            notes: incident.notes.iter().map(note).collect(),
            grants: &incident.grants,
            drill: incident.drill,
            alert: some(&incident.alert).map(|key| AlertView {
                key,
                resolved: incident.resolved,
                held: incident.held,
                held_by: some(&incident.held_by),
            }),
        }
    }
}

/// Incidents, in their order.
#[must_use]
pub fn incidents(incidents: &[v1::Incident]) -> Vec<IncidentView<'_>> {
    incidents.iter().map(IncidentView::from).collect()
}

/// An enrolled key.
#[derive(Debug, Serialize)]
pub struct DeviceView<'a> {
    key: &'a str,
    name: &'a str,
    enrolled_at: Option<String>,
    certificate_expires_at: Option<String>,
}

/// Somebody in the policy.
#[derive(Debug, Serialize)]
pub struct PersonView<'a> {
    id: &'a str,
    name: &'a str,
    job: &'a str,
    contact: &'a str,
    devices: Vec<DeviceView<'a>>,
    frozen: bool,
    frozen_reason: Option<&'a str>,
}

impl<'a> From<&'a v1::Device> for DeviceView<'a> {
    fn from(device: &'a v1::Device) -> Self {
        Self {
            key: &device.key,
            name: &device.name,
            enrolled_at: at(device.enrolled_at.as_ref()),
            certificate_expires_at: at(device.certificate_expires_at.as_ref()),
        }
    }
}

impl<'a> From<&'a v1::Person> for PersonView<'a> {
    fn from(person: &'a v1::Person) -> Self {
        Self {
            id: &person.id,
            name: &person.name,
            job: &person.job,
            contact: &person.contact,
            devices: person.devices.iter().map(DeviceView::from).collect(),
            frozen: person.frozen,
            frozen_reason: some(&person.frozen_reason),
        }
    }
}

/// Something that accepts credentials.
#[derive(Debug, Serialize)]
pub struct TargetView<'a> {
    id: &'a str,
    kind: &'a str,
    address: &'a str,
    guards: Vec<DeviceView<'a>>,
    attended: bool,
    sessions: Vec<SessionView<'a>>,
    roles: &'a [String],
}

impl<'a> From<&'a v1::Target> for TargetView<'a> {
    fn from(target: &'a v1::Target) -> Self {
        Self {
            id: &target.id,
            kind: &target.kind,
            address: &target.address,
            guards: target.guards.iter().map(DeviceView::from).collect(),
            attended: target.attended,
            sessions: target.sessions.iter().map(SessionView::from).collect(),
            roles: &target.roles,
        }
    }
}

/// Somebody who is in.
#[derive(Debug, Serialize)]
pub struct SessionView<'a> {
    id: &'a str,
    grant: &'a str,
    person: &'a str,
    login: &'a str,
    target: &'a str,
    opened_at: Option<String>,
    over_at: Option<String>,
}

impl<'a> From<&'a v1::Session> for SessionView<'a> {
    fn from(session: &'a v1::Session) -> Self {
        Self {
            id: &session.id,
            grant: &session.grant,
            person: &session.person,
            login: &session.login,
            target: &session.target,
            opened_at: at(session.opened_at.as_ref()),
            over_at: at(session.over_at.as_ref()),
        }
    }
}

/// Whether somebody can have a right.
#[derive(Debug, Serialize)]
pub struct VerdictView<'a> {
    right: &'a str,
    sentence: &'a str,
    allowed: bool,
    rule: Option<&'a str>,
    approvers: &'a [String],
    longest_seconds: Option<i64>,
    explanation: &'a str,
    held_up: Option<&'a str>,
    /// One line for each way it leads somewhere.
    leads_to: Vec<String>,
    access: Option<AccessView<'a>>,
}

/// The ways a right leads somewhere; what is null it does not have.
#[derive(Debug, Serialize)]
pub struct AccessView<'a> {
    audience: Option<&'a str>,
    ssh: Option<serde_json::Value>,
    postgres: Option<serde_json::Value>,
    kubernetes: Option<serde_json::Value>,
    aws: Option<serde_json::Value>,
}

impl<'a> From<&'a v1::Access> for AccessView<'a> {
    fn from(access: &'a v1::Access) -> Self {
        let host = |host: &v1::SshHost| {
            json!({
                "target": host.target,
                "address": host.address,
                "certified_until": at(host.certified_until.as_ref()),
            })
        };
        Self {
            audience: some(&access.audience),
            ssh: access.ssh.as_ref().map(|ssh| {
                json!({
                    "hosts": ssh.hosts.iter().map(host).collect::<Vec<_>>(),
                    "principals": ssh.principals,
                    "host_ca": some(&ssh.host_ca),
                    "next_host_ca": some(&ssh.next_host_ca),
                })
            }),
            postgres: access.postgres.as_ref().map(|it| {
                json!({
                    "target": it.target,
                    "address": it.address,
                    "database": some(&it.database),
                    "way": if it.by_certificate { "certificate" } else { "role" },
                })
            }),
            kubernetes: access.kubernetes.as_ref().map(|it| {
                json!({
                    "target": it.target,
                    "server": it.server,
                    "namespace": some(&it.namespace),
                    "way": if it.by_certificate { "certificate" } else { "token" },
                })
            }),
            aws: access
                .aws
                .as_ref()
                .map(|it| json!({ "role_arn": it.role_arn, "region": some(&it.region) })),
        }
    }
}

/// What somebody can do.
#[derive(Debug, Serialize)]
pub struct CanView<'a> {
    person: &'a str,
    name: &'a str,
    rights: Vec<VerdictView<'a>>,
    duties: &'a [String],
}

impl<'a> From<&'a v1::PersonCan> for CanView<'a> {
    fn from(can: &'a v1::PersonCan) -> Self {
        let verdict = |verdict: &'a v1::Verdict| VerdictView {
            right: &verdict.right,
            sentence: &verdict.sentence,
            allowed: verdict.allowed,
            rule: some(&verdict.rule),
            approvers: &verdict.approvers,
            longest_seconds: verdict.longest.as_ref().map(|longest| longest.seconds),
            explanation: &verdict.explanation,
            held_up: some(&verdict.held_up),
            leads_to: verdict.access.iter().flat_map(leads::leads).collect(),
            access: verdict.access.as_ref().map(AccessView::from),
        };
        Self {
            person: &can.person,
            name: &can.name,
            rights: can.verdicts.iter().map(verdict).collect(),
            duties: &can.duties,
        }
    }
}

/// A severity in the ledger's word.
#[must_use]
pub fn severity_word(severity: v1::Severity) -> &'static str {
    match severity {
        v1::Severity::Unspecified => "unknown",
        v1::Severity::Sev1 => "sev1",
        v1::Severity::Sev2 => "sev2",
        v1::Severity::Sev3 => "sev3",
    }
}

/// An incident's state in one word.
#[must_use]
pub fn state_word(state: v1::IncidentState) -> &'static str {
    match state {
        v1::IncidentState::Unspecified => "unknown",
        v1::IncidentState::Open => "open",
        v1::IncidentState::Closed => "closed",
    }
}

/// A time of the contract as it stands in JSON.
#[must_use]
pub fn at(time: Option<&prost_types::Timestamp>) -> Option<String> {
    time::from_proto(time).map(time::rfc3339)
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// What the policy says of drills, and the last ones, for scripts.
#[must_use]
pub fn drills(drills: &v1::Drills, now: jiff::Timestamp) -> serde_json::Value {
    let outcome = |it: &v1::DrillOutcome| {
        let days = time::from_proto(it.at.as_ref()).map(|at| show::days_since(at, now));
        json!({
            "incident": it.incident,
            "by": it.by,
            "at": at(it.at.as_ref()),
            "days_ago": days,
            "good": it.good,
        })
    };
    json!({
        "rights": drills.rights,
        "within_seconds": drills.within.as_ref().map(|within| within.seconds),
        "overdue": drills.overdue,
        "last": drills.last.as_ref().map(outcome),
        "last_good": drills.last_good.as_ref().map(outcome),
    })
}

/// Answers that are owed, for scripts.
#[must_use]
pub fn owed_reviews(owed: &[v1::OwedReview]) -> serde_json::Value {
    let view = |owed: &v1::OwedReview| {
        serde_json::json!({
            "incident": owed.incident,
            "closed_at": at(owed.closed_at.as_ref()),
            "grants": owed.grants,
            "late_at": at(owed.late_at.as_ref()),
        })
    };
    owed.iter().map(view).collect()
}
