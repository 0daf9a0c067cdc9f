//! Which entries from before a period one has to know to check what happens in it.
//!
//! - What names no incident: policies, people, keys, guards. Without those that nothing later depends on.
//! - The whole story of each incident that is open when the period begins, that something at a target is
//!   left of, or that an entry of the period names.
//! - The whole story of incidents that one act touched together, or together with a person: a freeze ends
//!   grants under several incidents, and its statement stands on the first of these entries.
//! - The last entry before the period, whose time proves that nothing of the period is missing at its
//!   beginning; and the story it belongs to.
//!
//! So every story that is told is told whole, and is checked by the same rules as in a whole ledger.
//! Holds one id for each incident that any of this names, and for each that is open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::entry::Entry;

/// Kinds that nothing later depends on.
const OF_THE_MOMENT: &[&str] = &[
    "broker.started",
    "certificate.renewed",
    "host.certified",
    "ledger.exported",
    "ledger.repaired",
    "refused",
    "target.renewed",
];

/// The broker, which signs nothing: what it does at once belongs to no act.
const BROKER: &str = "breakglass";

/// What was seen so far.
#[derive(Default)]
pub(super) struct Context {
    /// Incidents that are open.
    open: BTreeSet<String>,
    /// What is left at targets, and of which incident.
    left: BTreeMap<String, String>,
    /// Incidents that are told whole for another reason.
    told: BTreeSet<String>,
    act: Act,
    /// The last entry before the period, and its incident.
    last: Option<(u64, Option<String>)>,
}

/// Entries in a row by one person at one time, under one statement.
#[derive(Default)]
struct Act {
    of: Option<(Timestamp, String)>,
    incidents: BTreeSet<String>,
    /// It is about somebody, beside any incident.
    is_wider: bool,
}

impl Act {
    /// The statement of an act stands on its first entry.
    fn goes_on_with(&self, entry: &Entry) -> bool {
        let of = self.of.as_ref().filter(|_| entry.signed.is_none());
        of.is_some_and(|(at, by)| *at == entry.at && *by == entry.by)
    }

    /// The incidents it touched, where these belong together.
    fn joined(self) -> BTreeSet<String> {
        let is_joined = self.is_wider || self.incidents.len() > 1;
        match is_joined {
            true => self.incidents,
            false => BTreeSet::new(),
        }
    }
}

impl Context {
    /// The next entry before the period.
    pub(super) fn before(&mut self, entry: &Entry) {
        let incident = incident(entry);
        if !self.act.goes_on_with(entry) {
            self.told.extend(std::mem::take(&mut self.act).joined());
            self.act.of = (entry.by != BROKER).then(|| (entry.at, entry.by.clone()));
        }
        if self.act.of.is_some() {
            self.act.incidents.extend(incident.clone());
            self.act.is_wider |= incident.is_none() && !is_of_the_moment(entry);
        }
        if let Some(incident) = &incident {
            self.follow(entry, incident);
        }
        self.last = Some((entry.index, incident));
    }

    fn follow(&mut self, entry: &Entry, incident: &str) {
        let text = |name| entry.text(name).unwrap_or_default();
        let session = || format!("session {}", text("session"));
        let role = || format!("role {} {}", text("target"), text("role"));
        match entry.kind.as_str() {
            "incident.opened" => drop(self.open.insert(incident.to_owned())),
            "incident.closed" => drop(self.open.remove(incident)),
            "session.opened" => drop(self.left.insert(session(), incident.to_owned())),
            "session.ended" => drop(self.left.remove(&session())),
            "role.created" => drop(self.left.insert(role(), incident.to_owned())),
            "role.dropped" => drop(self.left.remove(&role())),
            _ => {}
        }
    }

    /// The next entry of the period.
    pub(super) fn within(&mut self, entry: &Entry) {
        if entry.kind != "refused" {
            self.told.extend(incident(entry));
        }
    }

    /// After the last entry: which of those before are shown.
    pub(super) fn choose(mut self) -> Chosen {
        self.told.extend(std::mem::take(&mut self.act).joined());
        let (last, of_last) = self.last.unzip();
        self.told.extend(of_last.flatten());
        self.told.extend(self.open);
        self.told.extend(self.left.into_values());
        Chosen {
            incidents: self.told,
            last,
        }
    }
}

/// What is shown.
pub(super) struct Chosen {
    incidents: BTreeSet<String>,
    last: Option<u64>,
}

impl Chosen {
    pub(super) fn shows(&self, entry: &Entry) -> bool {
        let is_told = match entry.text("incident") {
            Some(incident) => self.incidents.contains(incident),
            None => true,
        };
        (is_told && !is_of_the_moment(entry)) || self.last == Some(entry.index)
    }
}

fn incident(entry: &Entry) -> Option<String> {
    entry.text("incident").map(ToOwned::to_owned)
}

fn is_of_the_moment(entry: &Entry) -> bool {
    // What a broker holds from its start on is asked of all that follows.
    OF_THE_MOMENT.contains(&entry.kind.as_str()) && entry.number("rules").is_none()
}
