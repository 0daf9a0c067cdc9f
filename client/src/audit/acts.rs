//! Deeds: to which entries an act leads, and which entries need one.

use breakglass_proto::statement::Act;

use super::{BROKER, is_source};
use crate::entry::Entry;

/// Checks that the act leads to an entry of this kind, as the one that bears its statement.
pub(super) fn leads_to(act: &Act, entry: &Entry) -> Result<(), String> {
    let kind = entry.kind.as_str();
    let ends_by = |ending| kind == "grant.ended" && entry.text("ending") == Some(ending);
    let starts_by = |basis| kind == "grant.started" && entry.text("basis") == Some(basis);
    let does = match act {
        Act::Enroll { .. } => kind == "person.enrolled" || kind == "target.enrolled",
        Act::OpenIncident { .. } => kind == "incident.opened" && !entry.is_drill(),
        Act::OpenDrill { .. } => kind == "incident.opened" && entry.is_drill(),
        Act::RecordDrill { .. } => kind == "drill.recorded",
        Act::Note { .. } => kind == "incident.noted",
        Act::CloseIncident { .. } => kind == "incident.closed" || ends_by("incident-closed"),
        Act::Request { .. } => kind == "grant.requested" && entry.text("from").is_none(),
        Act::HandOver { .. } => kind == "grant.requested" && entry.text("from").is_some(),
        Act::Approve { .. } => starts_by("approved") || kind == "grant.approved",
        Act::RecordCall { .. } => kind == "call.recorded",
        Act::SelfGrant { .. } => starts_by("self-granted"),
        Act::Deny { .. } => ends_by("denied"),
        Act::Drop { .. } => ends_by("dropped"),
        Act::Revoke { .. } => ends_by("revoked"),
        Act::Veto { .. } => ends_by("vetoed"),
        Act::Extend { .. } => kind == "grant.extended",
        Act::Freeze { .. } => kind == "person.frozen" || ends_by("person-frozen"),
        Act::Unfreeze { .. } => kind == "person.unfrozen",
        Act::Invite { .. } => kind == "person.invited",
        Act::InviteTarget { .. } => kind == "target.invited",
        Act::RemovePerson { .. } => kind == "person.removed" || ends_by("person-left"),
        Act::HoldIncident { .. } => kind == "incident.held",
        Act::AnswerReview { .. } => kind == "review.answered",
    };
    match does {
        true => Ok(()),
        false => {
            let drill = if entry.is_drill() { " of a drill" } else { "" };
            Err(format!(
                "`{}` was signed, {kind}{drill} recorded",
                act.name()
            ))
        }
    }
}

/// Checks that an entry that is no part of a signed act needs no signature.
pub(super) fn need_none(entry: &Entry) -> Result<(), String> {
    match needs_statement(entry) {
        false => Ok(()),
        true => Err(format!(
            "{} by {} bears no statement of theirs",
            entry.kind, entry.by
        )),
    }
}

/// Whether an entry is something only a person can do, and only by signing. What the broker may do
/// by itself (closing an old incident, ending what ran out) is not.
fn needs_statement(entry: &Entry) -> bool {
    let by_broker = entry.by == BROKER;
    match entry.kind.as_str() {
        // Made by the operator on the broker's host, at the end of an incident's time, or because
        // the policy knows somebody no more.
        "person.invited" | "target.invited" | "person.unfrozen" | "incident.closed"
        | "person.removed" => !by_broker,
        "grant.started" => {
            let unsigned = [Some("fast-path"), Some("called")];
            !by_broker || !unsigned.contains(&entry.text("basis"))
        }
        "grant.ended" => {
            let signed = ["denied", "dropped", "revoked", "vetoed", "person-frozen"];
            !by_broker || entry.text("ending").is_none_or(|it| signed.contains(&it))
        }
        // No alert opens a drill.
        "incident.opened" => entry.is_drill() || !is_source(&entry.by),
        "person.enrolled" | "target.enrolled" | "person.frozen" | "incident.noted"
        | "incident.held" | "grant.requested" | "grant.extended" | "call.recorded"
        | "grant.approved" | "review.answered" | "drill.recorded" => true,
        _ => false,
    }
}
