//! A policy in an entry: its whole text, and who may now do what.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_domain::Policy;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What errors call the text; it has no file any more.
const NAME: &str = "the policy in the ledger";

#[derive(Serialize)]
struct Written<'a> {
    text: &'a str,
    who_can: BTreeMap<&'a str, Vec<&'a str>>,
}

#[derive(Deserialize)]
struct Read {
    text: String,
}

/// An entry of `policy.loaded` without `who_can`, where that would not fit.
#[derive(Serialize)]
pub(super) struct Bare<'a> {
    sha256: &'a str,
    text: &'a str,
}

impl<'a> Bare<'a> {
    pub(super) fn new(policy: &'a Policy, sha256: &'a str) -> Self {
        Self {
            sha256,
            text: &policy.text,
        }
    }
}

pub(super) fn serialize<S: Serializer>(
    policy: &Arc<Policy>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let written = Written {
        text: &policy.text,
        who_can: who_can(policy),
    };
    written.serialize(serializer)
}

/// Reads the text again; `who_can` is for people, and follows from it.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<Policy>, D::Error> {
    let read = Read::deserialize(deserializer)?;
    if read.text.is_empty() {
        return Ok(Arc::new(Policy::nothing()));
    }
    let policy = Policy::parse(NAME, &read.text);
    policy.map(Arc::new).map_err(de::Error::custom)
}

/// The rights each person may ask for.
fn who_can(policy: &Policy) -> BTreeMap<&str, Vec<&str>> {
    let rights_of = |person| {
        let given = policy.rights.keys();
        let given = given.filter(|right| policy.rule_for(person, right).is_some());
        given.map(|right| right.as_str()).collect()
    };
    let people = policy.people.keys();
    people
        .map(|person| (person.as_str(), rights_of(person)))
        .collect()
}
