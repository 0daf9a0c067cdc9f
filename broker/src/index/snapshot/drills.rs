//! What is remembered of drills, in a snapshot.

use breakglass_domain::drill::{Drills, Recent, Recorded};
use breakglass_domain::{IncidentId, Time};
use serde::{Deserialize, Serialize};

use super::super::record::word;
use crate::ports::IndexError;

/// As [`Drills`].
#[derive(Serialize, Deserialize, Default)]
pub(super) struct DrillsRecord {
    recent: Vec<RecentRecord>,
    last: Option<RecordedRecord>,
    last_good: Option<RecordedRecord>,
}

#[derive(Serialize, Deserialize)]
struct RecentRecord {
    incident: u64,
    by: String,
    closed: bool,
    issued: bool,
    recorded: bool,
}

#[derive(Serialize, Deserialize)]
struct RecordedRecord {
    incident: u64,
    by: String,
    at_ms: i64,
    good: bool,
}

impl From<&Drills> for DrillsRecord {
    fn from(drills: &Drills) -> Self {
        let recent = drills.recent.iter().map(|(id, recent)| RecentRecord {
            incident: id.0,
            by: recent.by.to_string(),
            closed: recent.closed,
            issued: recent.issued,
            recorded: recent.recorded,
        });
        Self {
            recent: recent.collect(),
            last: drills.last.as_ref().map(RecordedRecord::from),
            last_good: drills.last_good.as_ref().map(RecordedRecord::from),
        }
    }
}

impl From<&Recorded> for RecordedRecord {
    fn from(recorded: &Recorded) -> Self {
        Self {
            incident: recorded.incident.0,
            by: recorded.by.to_string(),
            at_ms: recorded.at.as_millis(),
            good: recorded.good,
        }
    }
}

impl DrillsRecord {
    pub(super) fn restore(self) -> Result<Drills, IndexError> {
        let mut drills = Drills {
            last: self.last.map(RecordedRecord::restore).transpose()?,
            last_good: self.last_good.map(RecordedRecord::restore).transpose()?,
            ..Drills::default()
        };
        for record in self.recent {
            let recent = Recent {
                by: word(&record.by)?,
                closed: record.closed,
                issued: record.issued,
                recorded: record.recorded,
            };
            drills.recent.insert(IncidentId(record.incident), recent);
        }
        Ok(drills)
    }
}

impl RecordedRecord {
    fn restore(self) -> Result<Recorded, IndexError> {
        Ok(Recorded {
            incident: IncidentId(self.incident),
            by: word(&self.by)?,
            at: Time::from_millis(self.at_ms),
            good: self.good,
        })
    }
}
