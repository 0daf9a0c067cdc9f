//! One entry as one event of the Open Cybersecurity Schema Framework, version 1.5.0
//! (<https://schema.ocsf.io/1.5.0>).
//!
//! Which class and activity a kind is stands in [`class`], what the class wants beside in [`object`].
//! The entry is in `raw_data`, byte for byte, so that nothing is lost by the translation.

mod class;
mod object;

use breakglass_domain::event::RoleStep;
use breakglass_domain::{Actor, Change, Event, Policy, Time};
use serde_json::{Map, Value, json};

use super::about::{Weight, weight};
use crate::app::feed::Told;
use crate::app::tell::{Words, tell};
use class::{Activity, Class, activity};

/// The version of the schema.
const VERSION: &str = "1.5.0";

/// What a test calls itself.
const TEST: &str = "stream.test";

/// The event of an entry: the same for every try.
pub(super) fn event(told: &Told, ledger: &str) -> Value {
    let (event, change, index) = (told.event(), told.change(), told.index());
    let words = Words {
        policy: &Policy::nothing(),
        grant: None,
        held: false,
    };
    let mut metadata = metadata(ledger, told.kind(), event.at);
    metadata.insert("uid".into(), format!("{ledger}/{index}").into());
    metadata.insert("sequence".into(), index.into());
    if let Some(incident) = change.incident() {
        metadata.insert("correlation_uid".into(), incident.to_string().into());
    }
    let activity = activity(change);
    let mut fields = classified(activity, weight(event), event.at);
    fields.insert("metadata".into(), metadata.into());
    if activity.class.has_actor() {
        fields.insert("actor".into(), actor(&event.by));
    }
    fields.insert("message".into(), tell(event, &words).into());
    fields.extend(status(change));
    fields.extend(object::fields(event));
    fields.insert("unmapped".into(), unmapped(event));
    let line = String::from_utf8_lossy(&told.recorded.line);
    fields.insert("raw_data".into(), line.into_owned().into());
    fields.into()
}

/// An event that is no entry.
pub(super) fn test(name: &str, ledger: &str, now: Time) -> Value {
    let other = Activity {
        class: Class::Base,
        id: 99,
        name: "Test",
    };
    let mut fields = classified(other, Weight::Routine, now);
    let mut metadata = metadata(ledger, TEST, now);
    let id = format!("{ledger}/test-{}", now.as_millis());
    metadata.insert("uid".into(), id.into());
    fields.insert("metadata".into(), metadata.into());
    let text = format!("the stream {name} of breakglass gets through");
    fields.insert("message".into(), text.into());
    fields.into()
}

/// Events as they are posted: one array of JSON.
pub(super) fn body(events: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let events: Vec<_> = events.into_iter().collect();
    Value::from(events).to_string().into_bytes()
}

/// What every event has (the base event's attributes of classification and occurrence).
fn classified(activity: Activity, weight: Weight, at: Time) -> Map<String, Value> {
    let (class, category) = (activity.class, activity.class.category());
    let (severity_id, severity) = weight.ocsf();
    let fields = [
        ("category_uid", category.0.into()),
        ("category_name", category.1.into()),
        ("class_uid", class.uid().into()),
        ("class_name", class.name().into()),
        ("activity_id", activity.id.into()),
        ("activity_name", activity.name.into()),
        ("type_uid", (class.uid() * 100 + activity.id).into()),
        (
            "type_name",
            format!("{}: {}", class.name(), activity.name).into(),
        ),
        ("severity_id", severity_id.into()),
        ("severity", severity.into()),
        ("time", at.as_millis().into()),
    ];
    map(fields)
}

fn metadata(ledger: &str, kind: &str, at: Time) -> Map<String, Value> {
    map([
        ("version", VERSION.into()),
        (
            "product",
            json!({"name": "breakglass", "vendor_name": "breakglass"}),
        ),
        ("event_code", kind.into()),
        ("log_name", ledger.into()),
        ("original_time", at.to_string().into()),
    ])
}

/// Whoever did it: a person, or a program by its name.
fn actor(by: &Actor) -> Value {
    match by.person() {
        Some(person) => json!({"user": {"name": person.to_string(), "uid": person.to_string()}}),
        None => json!({"app_name": by.to_string()}),
    }
}

/// Whether what was tried came about.
fn status(change: &Change) -> Map<String, Value> {
    let failed = |code: &str, detail: &str| {
        map([
            ("status_id", 2.into()),
            ("status", "Failure".into()),
            ("status_code", code.into()),
            ("status_detail", detail.into()),
        ])
    };
    match change {
        Change::Refused { reason, text, .. } => failed(reason, text),
        Change::RoleFailed { step, text, .. } => failed(
            match step {
                RoleStep::Create => "CREATE",
                RoleStep::Drop => "DROP",
            },
            text,
        ),
        _ => map([("status_id", 1.into()), ("status", "Success".into())]),
    }
}

/// What no attribute is there for, by the names of the ledger.
fn unmapped(event: &Event) -> Value {
    let (change, grant) = (&event.change, event.change.grant());
    let fields = [
        ("by", Some(event.by.to_string())),
        ("incident", change.incident().map(|it| it.to_string())),
        ("grant", grant.map(|of| of.grant.to_string())),
        ("right", grant.map(|of| of.right.to_string())),
        ("target", change.target().map(ToString::to_string)),
    ];
    let there = fields.into_iter();
    let there = there.filter_map(|(name, value)| Some((name, Value::from(value?))));
    map(there).into()
}

fn map(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
