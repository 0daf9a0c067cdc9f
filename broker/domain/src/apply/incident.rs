//! The fold of one incident.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Actor, Change, Event};
use crate::grant::{Basis, Ending};
use crate::incident::{Alert, Closing, Incident, Note};
use crate::limits::{GRANTS_IN_MEMORY, INCIDENT_WARNING, NOTES_IN_MEMORY};
use crate::state::Deadline;
use crate::time::{Lifetime, Time};

impl Incident {
    /// The incident as it was opened; `None` where the event is something else.
    #[must_use]
    pub fn opened(event: &Event) -> Option<Self> {
        let Change::IncidentOpened {
            incident,
            severity,
            title,
            closes_at,
            source,
            alert,
            ..
        } = &event.change
        else {
            return None;
        };
        let alert = source.clone().zip(alert.clone());
        Some(Self {
            id: *incident,
            severity: *severity,
            title: title.clone(),
            opened_by: event.by.clone(),
            opened_at: event.at,
            closes_at: *closes_at,
            usual_end: *closes_at,
            closes_since: event.at,
            warned: false,
            alert: alert.map(|(source, key)| Alert { source, key }),
            resolved: false,
            held: false,
            held_by: None,
            vetoed: BTreeSet::new(),
            alone: BTreeMap::new(),
            notes: Vec::new(),
            grants: Vec::new(),
            drill: event.drill,
            closed: None,
        })
    }

    /// As many as there is room for, and one of each person beyond it: theirs may confirm an alert.
    fn keeps_note_of(&self, by: &Actor) -> bool {
        self.notes.len() < NOTES_IN_MEMORY || self.notes.iter().all(|note| note.by != *by)
    }

    /// Folds one event in, where it is about this incident, or asks for a grant under it, or vetoes one.
    pub fn apply(&mut self, event: &Event) {
        if event.change.incident() != Some(self.id) {
            return;
        }
        match &event.change {
            Change::IncidentNoted { text, .. } if self.keeps_note_of(&event.by) => {
                self.notes.push(Note {
                    by: event.by.clone(),
                    at: event.at,
                    text: text.clone(),
                });
            }
            Change::IncidentWarned { .. } => self.warned = true,
            Change::IncidentResolved { closes_at, .. } => {
                self.resolved = true;
                self.close_at(*closes_at, event.at);
            }
            Change::IncidentRefired { closes_at, .. } => {
                self.resolved = false;
                self.close_at(*closes_at, event.at);
            }
            Change::IncidentHeld { .. } => {
                self.held = true;
                self.held_by = Some(event.by.clone());
                self.close_at(self.usual_end, event.at);
            }
            Change::GrantRequested { of, .. } if self.grants.len() < GRANTS_IN_MEMORY => {
                self.grants.push(of.grant);
            }
            Change::GrantStarted { of, basis, .. } if *basis == Basis::SelfGranted => {
                let of_right = (of.person.clone(), of.right.clone());
                let alone = self.alone.entry(of_right).or_default();
                alone.begun = alone.begun.saturating_add(1);
                alone.runs.insert(of.grant);
            }
            Change::GrantEnded { of, ending, .. } => {
                let of_right = (of.person.clone(), of.right.clone());
                if let Some(alone) = self.alone.get_mut(&of_right)
                    && alone.runs.remove(&of.grant)
                {
                    alone.ended_at = Some(event.at);
                }
                if *ending == Ending::Vetoed {
                    self.vetoed.insert(of_right);
                }
            }
            Change::IncidentClosed { reason, .. } => {
                self.closed.get_or_insert_with(|| Closing {
                    by: event.by.clone(),
                    at: event.at,
                    reason: reason.clone(),
                });
            }
            _ => {}
        }
    }

    /// People are warned of each end anew.
    fn close_at(&mut self, closes_at: Time, at: Time) {
        if closes_at != self.closes_at {
            self.closes_at = closes_at;
            self.closes_since = at;
            self.warned = false;
        }
    }

    /// When people are warned that it will close by itself: [`INCIDENT_WARNING`] before, or at half
    /// of the time it has where that is shorter than two such times.
    #[must_use]
    pub fn warns_at(&self) -> Time {
        let left = self.closes_at.since(self.closes_since).as_millis();
        let before = Lifetime::from_millis(left / 2).min(INCIDENT_WARNING);
        self.closes_at.minus(before)
    }

    /// What happens to it by itself; nothing once it is closed.
    pub fn deadlines(&self) -> impl Iterator<Item = (Time, Deadline)> {
        let open = self.closed.is_none();
        let warn = (open && !self.warned).then(|| (self.warns_at(), Deadline::Warn(self.id)));
        let close = open.then_some((self.closes_at, Deadline::Close(self.id)));
        warn.into_iter().chain(close)
    }
}
