//! What events change in the trees.

use std::collections::BTreeMap;

use breakglass_domain::last::{Last, Mark};
use breakglass_domain::{Change, Event, Grant, GrantId, Incident, IncidentId, State};

use super::lasts::GrowingLasts;
use super::postings::Growing;
use super::record::{GrantRecord, IncidentRecord, to_bytes};
use super::store::{By, Store, broken, grant_of, kind_of, names};
use super::times::GrowingTimes;
use crate::ports::{IndexError, Recorded};

/// What some events change, gathered so that each record and each block is written once.
pub(super) struct Changes {
    grants: BTreeMap<GrantId, Grant>,
    incidents: BTreeMap<IncidentId, Incident>,
    entries: Growing,
    grant_of: Growing,
    times: GrowingTimes,
    lasts: GrowingLasts,
}

impl Changes {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            grants: BTreeMap::new(),
            incidents: BTreeMap::new(),
            entries: Growing::new(store.entries.clone()),
            grant_of: Growing::new(store.grant_of.clone()),
            times: GrowingTimes::new(store.times.clone()),
            lasts: GrowingLasts::new(store.lasts.clone()),
        }
    }

    /// Folds one event into the state and notes what it changes.
    pub(super) fn note(
        &mut self,
        state: &mut State,
        recorded: &Recorded,
    ) -> Result<(), IndexError> {
        let event = &*recorded.event;
        let place = recorded.index;
        let kind = kind_of(&recorded.line)
            .ok_or_else(|| IndexError(format!("entry {place} has no kind")))?;
        for (by, name) in names(event, kind) {
            self.entries.add(by, &name, place)?;
        }
        self.times.add(place, event.at)?;
        for last in Last::of(event) {
            let (at, entry) = (event.at, place);
            self.lasts.note(&last, Mark { at, entry });
        }
        self.keep_what_ends(state, event);
        state.apply(event);
        self.keep_what_lives(state, event)
    }

    /// What the event takes out of the live state is kept as it was, with its ending.
    fn keep_what_ends(&mut self, state: &State, event: &Event) {
        match &event.change {
            Change::GrantEnded { of, .. } => {
                if let Some(mut grant) = state.grants.get(&of.grant).cloned() {
                    grant.apply(event);
                    self.grants.insert(of.grant, grant);
                }
            }
            Change::IncidentClosed { incident, .. } => {
                if let Some(mut open) = state.incidents.get(incident).cloned() {
                    open.apply(event);
                    self.incidents.insert(*incident, open);
                }
            }
            _ => {}
        }
    }

    fn keep_what_lives(&mut self, state: &State, event: &Event) -> Result<(), IndexError> {
        if let Some(of) = grant_of(&event.change) {
            if let Some(grant) = state.grants.get(&of.grant) {
                self.grants.insert(of.grant, grant.clone());
            }
            if let Change::GrantRequested { of, .. } = &event.change {
                for (by, name) in [
                    (By::Person, of.person.to_string()),
                    (By::Right, of.right.to_string()),
                    (By::Incident, of.incident.to_string()),
                ] {
                    self.grant_of.add(by, &name, of.grant.0)?;
                }
            }
        }
        if let Change::IncidentOpened { incident, .. }
        | Change::IncidentNoted { incident, .. }
        | Change::IncidentWarned { incident, .. }
        | Change::IncidentResolved { incident, .. }
        | Change::IncidentRefired { incident, .. }
        | Change::IncidentHeld { incident, .. } = &event.change
            && let Some(open) = state.incidents.get(incident)
        {
            self.incidents.insert(*incident, open.clone());
        }
        Ok(())
    }

    /// Stores all of it. What is stored twice is the same.
    pub(super) fn write(&mut self, store: &Store) -> Result<(), IndexError> {
        for (id, grant) in std::mem::take(&mut self.grants) {
            let record = to_bytes(&GrantRecord::from(&grant));
            store
                .grants
                .insert(id.0.to_be_bytes(), record)
                .map_err(broken)?;
        }
        for (id, incident) in std::mem::take(&mut self.incidents) {
            let record = to_bytes(&IncidentRecord::from(&incident));
            store
                .incidents
                .insert(id.0.to_be_bytes(), record)
                .map_err(broken)?;
        }
        self.entries.write()?;
        self.grant_of.write()?;
        self.times.write()?;
        self.lasts.write()
    }
}
