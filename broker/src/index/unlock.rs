//! What a request that needs a call has on record, as the index keeps it.

use breakglass_domain::unlock::{Call, Unlock, Yes};
use breakglass_domain::{PersonId, Time};
use serde::{Deserialize, Serialize};

use super::record::word;
use crate::ports::IndexError;

/// Times are milliseconds; a call is by whom, when they spoke and when it was recorded.
#[derive(Serialize, Deserialize)]
pub(super) struct UnlockRecord {
    callers: Vec<String>,
    calls: Vec<(String, i64, i64)>,
    yes: Vec<(String, i64)>,
    noted: Vec<String>,
}

impl From<&Unlock> for UnlockRecord {
    fn from(unlock: &Unlock) -> Self {
        let call = |call: &Call| {
            let (spoke_at, at) = (call.spoke_at.as_millis(), call.at.as_millis());
            (call.by.to_string(), spoke_at, at)
        };
        let yes = |yes: &Yes| (yes.by.to_string(), yes.until.as_millis());
        Self {
            callers: unlock.callers.iter().map(ToString::to_string).collect(),
            calls: unlock.calls.iter().map(call).collect(),
            yes: unlock.yes.iter().map(yes).collect(),
            noted: unlock.noted.iter().map(ToString::to_string).collect(),
        }
    }
}

impl UnlockRecord {
    pub(super) fn into_unlock(self) -> Result<Unlock, IndexError> {
        let call = |(by, spoke_at, at): &(String, i64, i64)| {
            Ok(Call {
                by: word(by)?,
                spoke_at: Time::from_millis(*spoke_at),
                at: Time::from_millis(*at),
            })
        };
        let yes = |(by, until): &(String, i64)| {
            Ok(Yes {
                by: word(by)?,
                until: Time::from_millis(*until),
            })
        };
        let people = |list: &[String]| {
            let ids = list.iter().map(|id| word::<PersonId>(id));
            ids.collect::<Result<Vec<_>, _>>()
        };
        Ok(Unlock {
            callers: people(&self.callers)?,
            calls: self
                .calls
                .iter()
                .map(call)
                .collect::<Result<_, IndexError>>()?,
            yes: self
                .yes
                .iter()
                .map(yes)
                .collect::<Result<_, IndexError>>()?,
            noted: people(&self.noted)?,
        })
    }
}
