//! The kinds of `docs/ledger-format.md`: who each is by, and the fields it has.
//!
//! A field that is missing or cannot be read says nothing, and what says nothing cannot be compared:
//! so each entry of a known kind has all of them. More fields are fine; a newer broker wrote them.

use serde_json::Value;

use super::{BROKER, is_guard, is_source};
use crate::entry::Entry;

/// A kind this client knows.
struct Kind {
    name: &'static str,
    by: By,
    /// Whether it is about a grant, and begins with the four fields that all such kinds have.
    of_grant: bool,
    fields: &'static [(&'static str, Is)],
}

/// Whom an entry can be by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Broker,
    Person,
    /// The broker, or a person.
    Either,
    /// The guard of a target.
    Guard,
    /// An alert source.
    Source,
    /// A person, or an alert source.
    Outside,
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Time,
    Number,
    Flag,
    /// A list of ids.
    Ids,
    /// The same, or nothing.
    MaybeIds,
    /// A text, or nothing.
    MaybeText,
    /// A number, or nothing.
    MaybeNumber,
    /// A time, or nothing.
    MaybeTime,
    /// `from` and `longest_ms`, or nothing.
    MaybeAlone,
    /// `at` and `approvers`, or nothing.
    MaybeEscalation,
    /// The steps of a drill.
    Steps,
}

use By::{Broker, Either, Guard, Outside, Person, Source};
use Is::{
    Flag, Ids, MaybeAlone, MaybeEscalation, MaybeIds, MaybeNumber, MaybeText, MaybeTime, Number,
    Steps, Text, Time,
};

const OF_GRANT: &[(&str, Is)] = &[
    ("grant", Text),
    ("person", Text),
    ("right", Text),
    ("incident", Text),
];

macro_rules! kinds {
    ($($name:literal $by:ident $of_grant:literal [$($field:ident $is:ident),*])*) => {
        const KINDS: &[Kind] = &[$(Kind {
            name: $name,
            by: $by,
            of_grant: $of_grant,
            fields: &[$((stringify!($field), $is)),*],
        }),*];
    };
}

kinds! {
    "broker.started" Broker false [version Text, rules MaybeNumber]
    "key.added" Broker false [purpose Text, id Text, public Text, succession MaybeText]
    "key.retired" Broker false [purpose Text, id Text]
    "policy.loaded" Broker false [sha256 Text, text Text]
    "person.invited" Either false [person Text, token Text, expires_at Time]
    "person.enrolled" Person false [
        person Text, token Text, key Text, public Text, device Text, serial Text,
        certificate_expires_at Time
    ]
    "certificate.renewed" Person false [
        person Text, key Text, serial Text, certificate_expires_at Time
    ]
    "person.removed" Either false [person Text, reason Text]
    "person.frozen" Person false [person Text, reason Text]
    "person.unfrozen" Either false [person Text, reason Text]
    "target.invited" Either false [target Text, token Text, expires_at Time]
    "target.enrolled" Guard false [
        target Text, token Text, key Text, public Text, device Text, serial Text,
        certificate_expires_at Time
    ]
    "target.renewed" Guard false [target Text, key Text, serial Text, certificate_expires_at Time]
    "target.removed" Broker false [target Text, reason Text]
    "host.certified" Broker false [target Text, host Text, key Text, serial Text, expires_at Time]
    "incident.opened" Outside false [
        incident Text, severity Text, title Text, closes_at Time, source MaybeText, alert MaybeText,
        delivery MaybeText, said_at MaybeTime
    ]
    "incident.noted" Person false [incident Text, text Text]
    "incident.warned" Broker false [incident Text, closes_at Time]
    "incident.closed" Either false [incident Text, reason Text]
    "grant.requested" Person true [
        sentence Text, risk Text, reason Text, length_ms Number, rule Text, approvers Ids,
        lapses_at Time, self_grant MaybeAlone, held Flag, key MaybeText, audience Text, call MaybeIds,
        escalation MaybeEscalation, from MaybeText, since MaybeTime, until MaybeTime
    ]
    "grant.started" Either true [basis Text, ends_at Time, alone_before MaybeNumber]
    "grant.extended" Person true [ends_at Time, reason Text]
    "credential.issued" Person true [
        credential Text, credential_kind Text, audience Text, expires_at Time, key Text,
        witnesses MaybeText
    ]
    "grant.used" Person true [program Text]
    "grant.ended" Either true [ending Text, reason MaybeText, to MaybeText, to_person MaybeText]
    "session.opened" Guard true [
        session Text, target Text, credential Text, login Text, once MaybeText,
        let_in_at MaybeTime
    ]
    "session.ended" Guard true [session Text, target Text, how Text]
    "session.unconfirmed" Broker true [session Text, target Text]
    "role.created" Broker true [target Text, role Text]
    "role.failed" Broker true [target Text, role Text, step Text, text Text]
    "role.dropped" Broker true [target Text, role Text, sessions Number, took_ms Number]
    "refused" Outside false [
        act Text, reason Text, text Text, count Number, checkpoint MaybeText
    ]
    "ledger.exported" Person false [from Number, to Number]
    "ledger.repaired" Broker false [cut_bytes Number]
    "ledger.lost" Broker false []
    "ledger.witnessed" Broker false [size Number, checkpoint Text]
    "ledger.unwitnessed" Broker false [witnessed Number]
    "ledger.restored" Broker false [
        kept Number, size Number, checkpoint Text, operator Text, reason Text
    ]
    "incident.resolved" Source false [incident Text, closes_at Time, delivery MaybeText, said_at MaybeTime]
    "incident.refired" Source false [incident Text, closes_at Time, delivery MaybeText, said_at MaybeTime]
    "incident.held" Person false [incident Text, reason Text]
    "call.recorded" Person true [spoke_at Time]
    "grant.approved" Person true [until Time]
    "grant.escalated" Broker true [approvers Ids]
    "review.answered" Person true [needed Flag, width Text, missing MaybeText]
    "stream.began" Broker false [stream Text, stream_kind Text, destination Text, from Number]
    "stream.ended" Broker false [stream Text, stream_kind Text]
    "drill.recorded" Person false [incident Text, good Flag, steps Steps, failed MaybeText]
}

/// The kinds this client knows.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    KINDS.iter().map(|known| known.name)
}

/// Whether this client knows what a kind means.
pub(super) fn is_known(kind: &str) -> bool {
    KINDS.iter().any(|known| known.name == kind)
}

/// Checks that an entry of a known kind says what its kind says, by somebody who can say it.
pub(super) fn check(entry: &Entry) -> Result<(), String> {
    let Some(kind) = KINDS.iter().find(|known| known.name == entry.kind) else {
        return Ok(());
    };
    let (by_broker, by_guard) = (entry.by == BROKER, is_guard(&entry.by));
    let by_source = is_source(&entry.by);
    let by_person = !by_broker && !by_guard && !by_source;
    let is_fit = match kind.by {
        Broker => by_broker,
        Guard => by_guard,
        Person => by_person,
        Either => by_broker || by_person,
        Source => by_source,
        Outside => by_person || by_source,
    };
    if !is_fit {
        return Err(format!("no {} is ever by {}", entry.kind, entry.by));
    }
    if entry.body.get("drill").is_some() && !entry.is_drill() {
        return Err(format!("the `drill` of the {} is not `true`", entry.kind));
    }
    let of_grant = if kind.of_grant { OF_GRANT } else { &[] };
    for (name, is) in of_grant.iter().chain(kind.fields) {
        if !is.met(entry.body.get(*name)) {
            return Err(match entry.body.get(*name) {
                None => format!("the {} has no `{name}`", entry.kind),
                Some(_) => format!("the `{name}` of the {} cannot be read", entry.kind),
            });
        }
    }
    Ok(())
}

impl Is {
    fn met(self, value: Option<&Value>) -> bool {
        let is_time = |value: &Value| {
            let text = value.as_str();
            text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
        };
        let is_ids = |value: &Value| {
            let ids = value.as_array();
            ids.is_some_and(|ids| ids.iter().all(Value::is_string))
        };
        let is_number = |value: &Value| value.as_i64().is_some_and(|number| number >= 0);
        match (self, value) {
            (
                MaybeText | MaybeNumber | MaybeTime | MaybeAlone | MaybeEscalation | MaybeIds,
                None,
            ) => true,
            (_, None) => false,
            (Text | MaybeText, Some(value)) => value.is_string(),
            (Time | MaybeTime, Some(value)) => is_time(value),
            (Number | MaybeNumber, Some(value)) => is_number(value),
            (Flag, Some(value)) => value.is_boolean(),
            (Ids | MaybeIds, Some(value)) => is_ids(value),
            (MaybeEscalation, Some(value)) => is_time(&value["at"]) && is_ids(&value["approvers"]),
            (Steps, Some(value)) => value.as_array().is_some_and(|steps| {
                steps.iter().all(|step| {
                    let numbers = is_number(&step["took_ms"]) && is_number(&step["budget_ms"]);
                    step["step"].is_string() && numbers
                })
            }),
            (MaybeAlone, Some(value)) => is_time(&value["from"]) && is_number(&value["longest_ms"]),
        }
    }
}
