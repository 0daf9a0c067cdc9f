//! What alert sources delivered: each delivery counts once while the broker remembers it.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::{entry::Entry, limits::DELIVERY_REMEMBERED};

/// When each was taken, by who delivered it and its id.
#[derive(Default)]
pub(super) struct Deliveries {
    taken: HashMap<[String; 2], Timestamp>,
}

impl Deliveries {
    /// Checks and folds.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let told = ["incident.opened", "incident.resolved", "incident.refired"];
        let of_alert = told.contains(&entry.kind.as_str());
        let Some(id) = entry.text("delivery").filter(|_| of_alert) else {
            return Ok(());
        };
        let by = &entry.by;
        if !super::is_source(by) {
            return Err(format!("{by} delivers {id}, and is no alert source"));
        }
        self.taken
            .retain(|_, at| entry.at.duration_since(*at) < DELIVERY_REMEMBERED);
        match self.taken.insert([by.clone(), id.to_owned()], entry.at) {
            None => Ok(()),
            Some(_) => Err(format!("{by} delivers {id} a second time")),
        }
    }
}
