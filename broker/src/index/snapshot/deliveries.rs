//! What alert sources delivered lately, in a snapshot.

use std::collections::BTreeMap;

use breakglass_domain::deliveries::Deliveries;
use breakglass_domain::{Line, SourceId, Time};
use serde::{Deserialize, Serialize};

use super::super::record::word;
use crate::ports::IndexError;

/// A source, an id or an alert's key, and a time.
type Known = (String, String, i64);

/// As [`Deliveries`].
#[derive(Serialize, Deserialize)]
pub(super) struct DeliveriesRecord {
    taken: Vec<Known>,
    changed: Vec<Known>,
    said: Vec<Known>,
    started_ms: Option<i64>,
}

impl From<&Deliveries> for DeliveriesRecord {
    fn from(deliveries: &Deliveries) -> Self {
        Self {
            taken: written(&deliveries.taken),
            changed: written(&deliveries.changed),
            said: written(&deliveries.said),
            started_ms: deliveries.started_at.map(Time::as_millis),
        }
    }
}

fn written(known: &BTreeMap<(SourceId, Line), Time>) -> Vec<Known> {
    let known = known.iter();
    let known = known.map(|((source, text), at)| {
        let (source, text) = (source.to_string(), text.to_string());
        (source, text, at.as_millis())
    });
    known.collect()
}

impl DeliveriesRecord {
    pub(super) fn restore(self) -> Result<Deliveries, IndexError> {
        Ok(Deliveries {
            taken: restored(self.taken)?,
            changed: restored(self.changed)?,
            said: restored(self.said)?,
            started_at: self.started_ms.map(Time::from_millis),
        })
    }
}

fn restored(known: Vec<Known>) -> Result<BTreeMap<(SourceId, Line), Time>, IndexError> {
    let known = known.into_iter();
    let known = known.map(|(source, text, at)| {
        let of = (word(&source)?, Line::recorded(&text));
        Ok((of, Time::from_millis(at)))
    });
    known.collect()
}
