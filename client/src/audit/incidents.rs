//! The life of every incident.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::{
    BROKER, bounds::later, drills::Drills, grants::Grant, lives::Lives, policies::Policies,
};
use crate::entry::Entry;

/// Those that are open, and the names of all there ever were.
#[derive(Default)]
pub(super) struct Incidents {
    open: HashMap<String, Open>,
    ever: HashSet<String>,
    /// Incident, person and right of self-grants that were vetoed.
    vetoed: HashSet<[String; 3]>,
}

/// One that is open.
struct Open {
    severity: String,
    closes_at: Timestamp,
    /// When it closes where no alert is resolved.
    usual_end: Timestamp,
    /// The source that opened it, and what that calls its alert.
    alert: Option<(String, String)>,
    resolved: bool,
    held: bool,
    noted_by: BTreeSet<String>,
    /// When the newest was said of what its source said of it.
    said_at: Option<Timestamp>,
}

impl Open {
    /// What is older than what was taken of its alert changes nothing.
    fn need_newest(&mut self, entry: &Entry, id: &str) -> Result<(), String> {
        let Some(said_at) = entry.time("said_at") else {
            return Ok(());
        };
        if self.said_at.is_some_and(|newest| said_at < newest) {
            return Err(format!(
                "{} of {id} was said at {said_at}, and something newer was taken before",
                entry.kind
            ));
        }
        self.said_at = Some(said_at.min(entry.at));
        Ok(())
    }
}

impl Incidents {
    /// Checks and folds what happens to incidents.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        policies: &Policies,
        lives: &Lives,
        drills: &Drills,
    ) -> Result<(), String> {
        let id = entry.text("incident").unwrap_or_default();
        match entry.kind.as_str() {
            "incident.opened" => self.begin(entry, id, policies),
            "incident.noted" => {
                let noted_by = &mut self.open_at(id, entry.at)?.noted_by;
                noted_by.insert(entry.by.clone());
                Ok(())
            }
            "incident.warned" => {
                let closes_at = self.closes_at(id, entry.at)?;
                need_told(id, entry, closes_at)
            }
            "incident.resolved" => self.resolve(entry, id, policies),
            "incident.refired" => {
                let open = self.open_by(id, entry)?;
                if !open.resolved {
                    return Err(format!(
                        "the alert of {id} fires again and was never resolved"
                    ));
                }
                open.need_newest(entry, id)?;
                need_told(id, entry, open.usual_end)?;
                (open.resolved, open.closes_at) = (false, open.usual_end);
                Ok(())
            }
            "incident.held" => {
                policies.need_duty("open_incidents", entry)?;
                let open = self.open_at(id, entry.at)?;
                if open.alert.is_none() {
                    return Err(format!("{id} is held, and no alert opened it"));
                }
                (open.held, open.closes_at) = (true, open.usual_end);
                Ok(())
            }
            "incident.closed" => {
                if !drills.is_walked_by(id, &entry.by) {
                    policies.need_duty("close_incidents", entry)?;
                }
                self.close(entry, id, lives)
            }
            "grant.ended" if entry.text("ending") == Some("vetoed") => {
                let text = |name| entry.text(name).unwrap_or_default().to_owned();
                self.vetoed
                    .insert([text("incident"), text("person"), text("right")]);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// When an incident that is open at a time will close by itself.
    pub(super) fn closes_at(&self, id: &str, at: Timestamp) -> Result<Timestamp, String> {
        match self.open.get(id) {
            Some(open) if at < open.closes_at => Ok(open.closes_at),
            Some(open) => Err(format!("the time of {id} ran out at {}", open.closes_at)),
            None => Err(format!("{id} is not open")),
        }
    }

    /// What an alert alone does not unlock is asked for after somebody has confirmed the incident.
    pub(super) fn need_confirmed(&self, grant: &Grant, policies: &Policies) -> Result<(), String> {
        let (id, right) = (&grant.incident, &grant.right);
        let Some(open) = self.open.get(id) else {
            return Ok(());
        };
        let Some((source, _)) = &open.alert else {
            return Ok(());
        };
        let may_open = |who: &String| policies.has_duty("open_incidents", who);
        let confirmed = open.held || open.noted_by.iter().any(may_open);
        match confirmed || policies.unlocks(source, right) {
            true => Ok(()),
            false => Err(format!(
                "nobody has confirmed {id}, and the alert source {source} alone does not unlock {right}"
            )),
        }
    }

    fn open_at(&mut self, id: &str, at: Timestamp) -> Result<&mut Open, String> {
        self.closes_at(id, at)?;
        let open = self.open.get_mut(id);
        open.ok_or_else(|| format!("{id} is not open"))
    }

    /// The same, where the source speaks for its own alert.
    fn open_by(&mut self, id: &str, entry: &Entry) -> Result<&mut Open, String> {
        let open = self.open_at(id, entry.at)?;
        let whose = open.alert.as_ref().map(|(source, _)| source.as_str());
        match whose.is_some_and(|source| entry.by.strip_prefix("source:") == Some(source)) {
            true => Ok(open),
            false => Err(format!(
                "{} speaks of {id}, which it did not open",
                entry.by
            )),
        }
    }

    /// It closes no earlier than the grace of its source allows, and no later than it would have.
    fn resolve(&mut self, entry: &Entry, id: &str, policies: &Policies) -> Result<(), String> {
        let open = self.open_by(id, entry)?;
        if open.resolved {
            return Err(format!("the alert of {id} is resolved a second time"));
        }
        open.need_newest(entry, id)?;
        let source = entry.by.trim_start_matches("source:");
        let earliest = match open.held {
            true => open.usual_end,
            false => later(entry.at, policies.grace(source)).min(open.usual_end),
        };
        let closes_at = entry.time("closes_at").unwrap_or(entry.at);
        if !(earliest..=open.usual_end).contains(&closes_at) {
            return Err(format!(
                "{id} is to close at {closes_at}, and not between {earliest} and {}",
                open.usual_end
            ));
        }
        (open.resolved, open.closes_at) = (true, closes_at);
        Ok(())
    }

    /// How bad the incident is that an entry names, as far as it is open.
    pub(super) fn severity(&self, entry: &Entry) -> Option<&str> {
        let open = self.open.get(entry.text("incident")?)?;
        Some(&open.severity)
    }

    /// Whether it is open.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.open.contains_key(id)
    }

    /// Whether the time of an incident has run out, as far as it is open.
    pub(super) fn is_due(&self, id: &str, at: Timestamp) -> bool {
        self.open.get(id).is_some_and(|open| at >= open.closes_at)
    }

    /// Whether its holder may not begin it alone, because somebody vetoed that under its incident.
    pub(super) fn is_vetoed(&self, grant: &Grant) -> bool {
        let Grant {
            incident,
            person,
            right,
            ..
        } = grant;
        let of = [incident.clone(), person.clone(), right.clone()];
        self.vetoed.contains(&of)
    }

    fn begin(&mut self, entry: &Entry, id: &str, policies: &Policies) -> Result<(), String> {
        let alert = opened_for(entry)?;
        if alert.is_none() {
            policies.need_duty("open_incidents", entry)?;
        }
        let closes_at = entry.time("closes_at").unwrap_or(entry.at);
        let latest = later(entry.at, Drills::longest(entry, policies));
        if closes_at > latest {
            return Err(format!(
                "{id} is to close at {closes_at}, and by the policy no later than {latest}"
            ));
        }
        if !self.ever.insert(id.to_owned()) {
            return Err(format!("{id} is opened a second time"));
        }
        let same = |open: &Open| open.alert.is_some() && open.alert == alert;
        if self.open.values().any(same) {
            return Err(format!(
                "{id} is opened for an alert that has an open incident"
            ));
        }
        let open = Open {
            severity: entry.text("severity").unwrap_or_default().to_owned(),
            closes_at,
            usual_end: closes_at,
            alert,
            resolved: false,
            held: false,
            noted_by: BTreeSet::new(),
            said_at: entry.time("said_at").map(|said| said.min(entry.at)),
        };
        self.open.insert(id.to_owned(), open);
        Ok(())
    }

    fn close(&mut self, entry: &Entry, id: &str, lives: &Lives) -> Result<(), String> {
        if entry.by == BROKER && self.open.contains_key(id) && !self.is_due(id, entry.at) {
            return Err(format!(
                "{id} is closed by the broker itself before its time ran out"
            ));
        }
        self.vetoed.retain(|[incident, ..]| incident != id);
        if self.open.remove(id).is_none() {
            return Err(format!("{id} is closed and was not open"));
        }
        match lives.under(id) {
            Some(grant) => Err(format!("{id} is closed, and {grant} under it lives on")),
            None => Ok(()),
        }
    }
}

/// The source and its alert, where an alert opened it; both stand there or none.
fn opened_for(entry: &Entry) -> Result<Option<(String, String)>, String> {
    let by = entry.by.strip_prefix("source:");
    match (by, entry.text("source"), entry.text("alert")) {
        (None, None, None) => Ok(None),
        (Some(by), Some(source), Some(alert)) if by == source => {
            Ok(Some((source.to_owned(), alert.to_owned())))
        }
        _ => Err(format!(
            "an incident opened by {} names another source, or no alert",
            entry.by
        )),
    }
}

fn need_told(id: &str, entry: &Entry, closes_at: Timestamp) -> Result<(), String> {
    match entry.time("closes_at") == Some(closes_at) {
        true => Ok(()),
        false => Err(format!(
            "{id} closes at {closes_at}, and another time is told"
        )),
    }
}
