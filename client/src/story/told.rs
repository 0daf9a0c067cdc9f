//! Entries of a story, each in one sentence, from nothing but what stands in it.

use serde_json::Value;

use super::voice::{Voice, length};
use crate::{entry::Entry, grant::listed};

/// What happened, and whether its signer had seen another history of the ledger.
pub(super) fn sentence(entry: &Entry, voice: Voice) -> String {
    let mut told = happened(entry, voice);
    if entry.has_seen_another() {
        told += "; their laptop had seen another history of this ledger";
    }
    told
}

fn happened(entry: &Entry, voice: Voice) -> String {
    let text = |name: &str| entry.text(name).unwrap_or_default();
    let at = |name: &str| voice.time_of(entry, name);
    let by = &entry.by;
    match entry.kind.as_str() {
        "incident.opened" => format!(
            "{by} opened {} ({}): {}",
            text("incident"),
            text("severity"),
            text("title")
        ),
        "incident.closed" => format!("{by} closed {}: {}", text("incident"), text("reason")),
        "incident.noted" => format!("{by} noted under {}: {}", text("incident"), text("text")),
        "incident.held" => format!("{by} held {} open: {}", text("incident"), text("reason")),
        "grant.requested" => asked(entry),
        "grant.escalated" => format!(
            "nobody had answered, so it went to {} as well",
            ids(entry, "approvers")
        ),
        "call.recorded" => format!(
            "{by} recorded a call with {} at {}",
            text("person"),
            at("spoke_at")
        ),
        "grant.approved" => format!(
            "{by} said yes until {}; it waited for more than that",
            at("until")
        ),
        "grant.started" => format!("{}, until {}", began(entry), at("ends_at")),
        "grant.extended" => format!(
            "{by} extended it until {}: {}",
            at("ends_at"),
            text("reason")
        ),
        "credential.issued" => format!(
            "the credential {} ({}) was announced, valid until {}",
            text("credential"),
            text("credential_kind"),
            at("expires_at")
        ),
        "grant.used" => format!("{by} used it with {}", text("program")),
        "session.opened" => format!(
            "{} came in at {} as {} ({})",
            text("person"),
            text("target"),
            text("login"),
            text("session")
        ),
        "session.ended" => format!(
            "{} at {} was over: {}",
            text("session"),
            text("target"),
            text("how")
        ),
        "session.unconfirmed" => format!(
            "nobody has confirmed that {} at {} is over",
            text("session"),
            text("target")
        ),
        "role.created" => format!("the role {} was made in {}", text("role"), text("target")),
        "role.failed" => format!(
            "the role {} in {}: {} failed: {}",
            text("role"),
            text("target"),
            text("step"),
            text("text")
        ),
        "role.dropped" => format!("the role {} in {} is gone", text("role"), text("target")),
        "grant.ended" => ended(entry),
        "review.answered" => answered(entry),
        kind => format!("{kind} by {by}"),
    }
}

fn asked(entry: &Entry) -> String {
    let text = |name: &str| entry.text(name).unwrap_or_default();
    let long = length(entry.number("length_ms").unwrap_or_default());
    let (by, person) = (&entry.by, text("person"));
    match entry.text("from") {
        None => format!(
            "{person} asked to {} for {long}: {}",
            text("sentence"),
            text("reason")
        ),
        Some(from) => format!(
            "{by} handed {from} over to {person}, to {}: {}",
            text("sentence"),
            text("reason")
        ),
    }
}

fn began(entry: &Entry) -> String {
    let by = &entry.by;
    match entry.text("basis").unwrap_or_default() {
        "fast-path" => "it began at once".to_owned(),
        "approved" => format!("{by} said yes, and it began"),
        "self-granted" => format!("nobody had said yes, and {by} began it alone"),
        "called" => "it began: the last of what it waited for was there".to_owned(),
        other => format!("it began by `{other}`"),
    }
}

fn ended(entry: &Entry) -> String {
    let by = &entry.by;
    let why = match entry.text("reason") {
        Some(reason) => format!(": {reason}"),
        None => String::new(),
    };
    let how = match entry.text("ending").unwrap_or_default() {
        "denied" => format!("{by} said no"),
        "lapsed" => "nobody answered in time".to_owned(),
        "dropped" => format!("{by} gave it back"),
        "revoked" => format!("{by} revoked it"),
        "vetoed" => format!("{by} vetoed it"),
        "expired" => "its time ran out".to_owned(),
        "incident-closed" => "its incident closed".to_owned(),
        "person-left" => "the policy no longer gives it, or its holder left".to_owned(),
        "person-frozen" => format!("{by} froze its holder"),
        "abandoned" => "its holder's glass was gone".to_owned(),
        "handed-over" => {
            let text = |name| entry.text(name).unwrap_or_default();
            format!("{} has {} instead", text("to_person"), text("to"))
        }
        other => format!("it ended as `{other}`"),
    };
    format!("{how}{why}")
}

fn answered(entry: &Entry) -> String {
    let needed = match entry.body.get("needed") == Some(&Value::Bool(true)) {
        true => "it was needed",
        false => "it was not needed",
    };
    let missing = match entry.text("missing") {
        Some(missing) => format!("; missing: {missing}"),
        None => String::new(),
    };
    let width = entry.text("width").unwrap_or_default();
    format!(
        "{} answered: {needed}, the right was {width}{missing}",
        entry.by
    )
}

/// The people of a list, in words.
pub(super) fn ids(entry: &Entry, name: &str) -> String {
    listed(&list(entry.body.get(name)), "and")
}

/// The texts of a list.
pub(super) fn list(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}
