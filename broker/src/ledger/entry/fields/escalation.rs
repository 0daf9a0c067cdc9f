//! When a request goes to whom else: `{"at":"...","approvers":["founder"]}`, or nothing at all.

use breakglass_domain::{Escalation, PersonId, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Fields {
    #[serde(with = "super::shown")]
    at: Time,
    #[serde(rename = "approvers", with = "super::all_shown")]
    to: Vec<PersonId>,
}

pub(in super::super) fn serialize<S: Serializer>(
    pinned: &Option<Escalation>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let fields = pinned.as_ref().map(|pinned| Fields {
        at: pinned.at,
        to: pinned.to.clone(),
    });
    fields.serialize(serializer)
}

pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Escalation>, D::Error> {
    let fields = Option::<Fields>::deserialize(deserializer)?;
    Ok(fields.map(|Fields { at, to }| Escalation { at, to }))
}
