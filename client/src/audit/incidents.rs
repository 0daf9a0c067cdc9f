//! The life of every incident.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{BROKER, bounds::later, lives::Lives, policies::Policies};
use crate::entry::Entry;

/// Those that are open, with the end of their time, and the names of all there ever were.
#[derive(Default)]
pub(super) struct Incidents {
    open: HashMap<String, Timestamp>,
    ever: HashSet<String>,
}

impl Incidents {
    /// Checks and folds what happens to incidents.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        policies: &Policies,
        lives: &Lives,
    ) -> Result<(), String> {
        let id = entry.text("incident").unwrap_or_default();
        match entry.kind.as_str() {
            "incident.opened" => self.begin(entry, id, policies),
            "incident.noted" => self.closes_at(id, entry.at).map(drop),
            "incident.warned" => {
                let closes_at = self.closes_at(id, entry.at)?;
                match entry.time("closes_at") == Some(closes_at) {
                    true => Ok(()),
                    false => Err(format!(
                        "{id} closes at {closes_at}, and another time is told"
                    )),
                }
            }
            "incident.closed" => self.close(entry, id, policies, lives),
            _ => Ok(()),
        }
    }

    /// When an incident that is open at a time will close by itself.
    pub(super) fn closes_at(&self, id: &str, at: Timestamp) -> Result<Timestamp, String> {
        match self.open.get(id) {
            Some(closes_at) if at < *closes_at => Ok(*closes_at),
            Some(closes_at) => Err(format!("the time of {id} ran out at {closes_at}")),
            None => Err(format!("{id} is not open")),
        }
    }

    /// Whether it is open.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.open.contains_key(id)
    }

    /// Whether the time of an incident has run out, as far as it is open.
    pub(super) fn is_due(&self, id: &str, at: Timestamp) -> bool {
        self.open.get(id).is_some_and(|closes_at| at >= *closes_at)
    }

    fn begin(&mut self, entry: &Entry, id: &str, policies: &Policies) -> Result<(), String> {
        policies.need_duty("open_incidents", entry)?;
        let closes_at = entry.time("closes_at").unwrap_or(entry.at);
        let latest = later(entry.at, policies.incident_longest());
        if closes_at > latest {
            return Err(format!(
                "{id} is to close at {closes_at}, and by the policy no later than {latest}"
            ));
        }
        if !self.ever.insert(id.to_owned()) {
            return Err(format!("{id} is opened a second time"));
        }
        self.open.insert(id.to_owned(), closes_at);
        Ok(())
    }

    fn close(
        &mut self,
        entry: &Entry,
        id: &str,
        policies: &Policies,
        lives: &Lives,
    ) -> Result<(), String> {
        policies.need_duty("close_incidents", entry)?;
        if entry.by == BROKER && self.open.contains_key(id) && !self.is_due(id, entry.at) {
            return Err(format!(
                "{id} is closed by the broker itself before its time ran out"
            ));
        }
        if self.open.remove(id).is_none() {
            return Err(format!("{id} is closed and was not open"));
        }
        match lives.under(id) {
            Some(grant) => Err(format!("{id} is closed, and {grant} under it lives on")),
            None => Ok(()),
        }
    }
}
