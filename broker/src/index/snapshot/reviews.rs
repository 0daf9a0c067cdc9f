//! Answers that are owed, in a snapshot.

use std::collections::BTreeMap;

use breakglass_domain::review::{Owed, Reviews};
use breakglass_domain::{GrantId, GrantRef, IncidentId, Time};
use serde::{Deserialize, Serialize};

use super::super::record::word;
use crate::ports::IndexError;

/// An incident, and its grants: each with its person and its right.
type Grants = (u64, Vec<(u64, String, String)>);

/// As [`Reviews`].
#[derive(Serialize, Deserialize)]
pub(super) struct ReviewsRecord {
    begun: Vec<Grants>,
    /// With the time each closed.
    owed: Vec<(Grants, i64)>,
    asked_since_ms: Option<i64>,
}

impl From<&Reviews> for ReviewsRecord {
    fn from(reviews: &Reviews) -> Self {
        let begun = reviews.begun.iter();
        let owed = reviews.owed.iter();
        Self {
            begun: begun.map(|(id, grants)| of_incident(*id, grants)).collect(),
            owed: owed
                .map(|(id, owed)| (of_incident(*id, &owed.grants), owed.closed_at.as_millis()))
                .collect(),
            asked_since_ms: reviews.asked_since.map(Time::as_millis),
        }
    }
}

fn of_incident(id: IncidentId, grants: &BTreeMap<GrantId, GrantRef>) -> Grants {
    let grants = grants.values();
    let named = |of: &GrantRef| (of.grant.0, of.person.to_string(), of.right.to_string());
    (id.0, grants.map(named).collect())
}

impl ReviewsRecord {
    pub(super) fn restore(self) -> Result<Reviews, IndexError> {
        let mut reviews = Reviews {
            asked_since: self.asked_since_ms.map(Time::from_millis),
            ..Reviews::default()
        };
        for begun in self.begun {
            let (id, grants) = restored(begun)?;
            reviews.begun.insert(id, grants);
        }
        for (owed, closed_at) in self.owed {
            let (id, grants) = restored(owed)?;
            let closed_at = Time::from_millis(closed_at);
            reviews.owed.insert(id, Owed { closed_at, grants });
        }
        Ok(reviews)
    }
}

fn restored((id, grants): Grants) -> Result<(IncidentId, BTreeMap<GrantId, GrantRef>), IndexError> {
    let incident = IncidentId(id);
    let mut restored = BTreeMap::new();
    for (grant, person, right) in grants {
        let of = GrantRef {
            grant: GrantId(grant),
            person: word(&person)?,
            right: word(&right)?,
            incident,
            // Of a drill no answer is ever owed.
            drill: false,
        };
        restored.insert(of.grant, of);
    }
    Ok((incident, restored))
}
