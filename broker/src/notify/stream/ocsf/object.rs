//! What each class wants beside what all events have: whom or what it is about.

use breakglass_domain::{Change, Event, GrantRef};
use serde_json::{Map, Value, json};

use super::map;
use crate::notify::stream::about::person;

/// The attributes of an event's class.
pub(super) fn fields(event: &Event) -> Map<String, Value> {
    let change = &event.change;
    match change {
        Change::BrokerStarted { version, .. } => of_the_broker(Some(version)),
        Change::LedgerRepaired { .. }
        | Change::LedgerLost {}
        | Change::LedgerWitnessed { .. }
        | Change::LedgerUnwitnessed { .. }
        | Change::LedgerRestored { .. } => of_the_broker(None),
        Change::Refused {
            act, reason, text, ..
        } => {
            let response = json!({"error": reason, "error_message": text});
            called(event, json!({"operation": act, "response": response}))
        }
        Change::LedgerExported { .. } => called(event, json!({"operation": "export"})),
        Change::RoleCreated { role, .. }
        | Change::RoleFailed { role, .. }
        | Change::RoleDropped { role, .. } => map([("user", user(role.as_str()))]),
        Change::SessionOpened { .. }
        | Change::SessionEnded { .. }
        | Change::SessionUnconfirmed { .. } => at_target(change),
        Change::CredentialIssued {
            of,
            credential,
            expires_at,
            ..
        } => {
            let mut fields = privileged(of);
            let ends = expires_at.as_millis();
            let session = json!({"uid": credential.to_string(), "expiration_time": ends});
            fields.insert("session".into(), session);
            fields
        }
        Change::GrantUsed { .. } => called(event, json!({"operation": "use"})),
        Change::ReviewAnswered { .. } => called(event, json!({"operation": "answer-review"})),
        Change::DrillRecorded { .. } => called(event, json!({"operation": "record-drill"})),
        _ => match (change.grant(), person(change)) {
            (Some(of), _) => privileged(of),
            (None, Some(person)) => map([("user", user(person.as_str()))]),
            (None, None) => thing(change),
        },
    }
}

fn user(name: &str) -> Value {
    json!({"name": name, "uid": name})
}

fn privileged(of: &GrantRef) -> Map<String, Value> {
    map([
        ("user", user(of.person.as_str())),
        ("privileges", json!([of.right.to_string()])),
    ])
}

fn of_the_broker(version: Option<&String>) -> Map<String, Value> {
    let mut app = json!({"name": "glassd", "vendor_name": "breakglass"});
    if let Some(version) = version {
        app["version"] = version.clone().into();
    }
    map([("app", app)])
}

/// The ledger knows who called, and not from which address.
fn called(event: &Event, api: Value) -> Map<String, Value> {
    let from = json!({"name": event.by.to_string()});
    map([("api", api), ("src_endpoint", from)])
}

fn at_target(change: &Change) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(person) = person(change) {
        fields.insert("user".into(), user(person.as_str()));
    }
    if let Some(target) = change.target() {
        let there = json!({"name": target.to_string()});
        fields.insert("dst_endpoint".into(), there);
    }
    if let Change::SessionOpened { session, .. }
    | Change::SessionEnded { session, .. }
    | Change::SessionUnconfirmed { session, .. } = change
    {
        fields.insert("session".into(), json!({"uid": session.to_string()}));
    }
    fields
}

/// What is managed: each has a name, and a type of ours.
fn thing(change: &Change) -> Map<String, Value> {
    let entity = |kind: &str, name: &str| json!({"type": kind, "name": name, "uid": name});
    let entity = match change {
        Change::KeyAdded { purpose, id, .. } | Change::KeyRetired { purpose, id } => {
            json!({"type": "key", "name": purpose.to_string(), "uid": id})
        }
        Change::PolicyLoaded { sha256, .. } => {
            json!({"type": "policy", "name": "policy", "uid": sha256})
        }
        Change::StreamBegan { stream, .. } | Change::StreamEnded { stream, .. } => {
            entity("stream", stream.as_str())
        }
        _ => match (change.incident(), change.target()) {
            (Some(incident), _) => entity("incident", &incident.to_string()),
            (None, Some(target)) => entity("target", target.as_str()),
            (None, None) => return Map::new(),
        },
    };
    map([("entity", entity)])
}
