//! What links the two grants of a handover, as the index keeps it.

use breakglass_domain::grant::{HandedOver, HandedTo};
use breakglass_domain::{GrantId, Time};
use serde::{Deserialize, Serialize};

use super::record::word;
use crate::ports::IndexError;

/// Where a grant comes from. Times are milliseconds.
#[derive(Serialize, Deserialize)]
pub(super) struct HandedRecord {
    from: u64,
    by: String,
    since_ms: i64,
    until_ms: i64,
}

/// Who has it instead.
#[derive(Serialize, Deserialize)]
pub(super) struct ToRecord {
    grant: u64,
    person: String,
}

impl From<&HandedOver> for HandedRecord {
    fn from(handed: &HandedOver) -> Self {
        Self {
            from: handed.from.0,
            by: handed.by.to_string(),
            since_ms: handed.since.as_millis(),
            until_ms: handed.until.as_millis(),
        }
    }
}

impl HandedRecord {
    pub(super) fn into_handed(self) -> Result<HandedOver, IndexError> {
        Ok(HandedOver {
            from: GrantId(self.from),
            by: word(&self.by)?,
            since: Time::from_millis(self.since_ms),
            until: Time::from_millis(self.until_ms),
        })
    }
}

impl From<&HandedTo> for ToRecord {
    fn from(to: &HandedTo) -> Self {
        Self {
            grant: to.grant.0,
            person: to.person.to_string(),
        }
    }
}

impl ToRecord {
    pub(super) fn into_to(self) -> Result<HandedTo, IndexError> {
        Ok(HandedTo {
            grant: GrantId(self.grant),
            person: word(&self.person)?,
        })
    }
}
