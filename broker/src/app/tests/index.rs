//! What stands in for the index: the same answers from memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use breakglass_domain::last::{Last, Mark};
use breakglass_domain::{Event, Grant, GrantId, Incident, IncidentId};
use breakglass_tlog::SignedCheckpoint;

use crate::ledger::entry;
use crate::ports::{
    EntryFilter, GrantFilter, Index, IndexError, Later, Places, Projection, Recorded,
};

/// Folds every event it hears of.
#[derive(Default)]
pub(crate) struct FakeIndex {
    folded: Mutex<Folded>,
    pub(crate) broken: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

#[derive(Default)]
struct Folded {
    applied: u64,
    grants: BTreeMap<GrantId, Grant>,
    incidents: BTreeMap<IncidentId, Incident>,
    events: Vec<(u64, Arc<Event>)>,
}

impl Projection for FakeIndex {
    fn committed(&self, batch: &[Recorded], _checkpoint: &Arc<SignedCheckpoint>) {
        let mut folded = self.folded.lock().unwrap();
        for recorded in batch {
            let event = &recorded.event;
            if let Some(grant) = Grant::requested(event) {
                folded.grants.insert(grant.of.grant, grant);
            } else if let Some(incident) = Incident::opened(event) {
                folded.incidents.insert(incident.id, incident);
            }
            folded
                .grants
                .values_mut()
                .for_each(|grant| grant.apply(event));
            folded
                .incidents
                .values_mut()
                .for_each(|incident| incident.apply(event));
            folded.events.push((recorded.index, event.clone()));
            folded.applied = recorded.index + 1;
        }
    }
}

impl FakeIndex {
    fn ask<T>(&self, ask: impl FnOnce(&Folded) -> T) -> Result<T, IndexError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.broken.load(Ordering::Relaxed) {
            return Err(IndexError("a page of sled is torn".to_owned()));
        }
        Ok(ask(&self.folded.lock().unwrap()))
    }
}

impl Index for FakeIndex {
    fn applied_up_to(&self) -> u64 {
        self.folded.lock().unwrap().applied
    }

    fn caught_up(&self, _size: u64) -> Later<'_, Result<(), IndexError>> {
        Box::pin(async { self.ask(|_| ()) })
    }

    fn grant(&self, id: GrantId) -> Result<Option<Grant>, IndexError> {
        self.ask(|folded| folded.grants.get(&id).cloned())
    }

    fn incident(&self, id: IncidentId) -> Result<Option<Incident>, IndexError> {
        self.ask(|folded| folded.incidents.get(&id).cloned())
    }

    fn grants(
        &self,
        filter: &GrantFilter,
        before: Option<GrantId>,
        max: usize,
    ) -> Result<Vec<Grant>, IndexError> {
        let before = before.unwrap_or(GrantId(u64::MAX));
        let fits = |grant: &&Grant| {
            let of = &grant.of;
            filter
                .person
                .as_ref()
                .is_none_or(|person| of.person == *person)
                && filter.right.as_ref().is_none_or(|right| of.right == *right)
                && filter
                    .incident
                    .is_none_or(|incident| of.incident == incident)
        };
        self.ask(|folded| {
            let grants = folded.grants.range(..before).rev().map(|(_, grant)| grant);
            grants.filter(fits).take(max).cloned().collect()
        })
    }

    fn incidents(
        &self,
        before: Option<IncidentId>,
        max: usize,
    ) -> Result<Vec<Incident>, IndexError> {
        let before = before.unwrap_or(IncidentId(u64::MAX));
        self.ask(|folded| {
            let incidents = folded.incidents.range(..before).rev();
            incidents
                .take(max)
                .map(|(_, incident)| incident.clone())
                .collect()
        })
    }

    fn entries(
        &self,
        filter: &EntryFilter,
        cursor: Option<u64>,
        max: usize,
    ) -> Result<Places, IndexError> {
        let kind = |event: &Event| entry::kind(&event.change);
        let fits = |event: &Event| {
            let of = event.change.grant();
            filter
                .grant
                .is_none_or(|id| of.is_some_and(|of| of.grant == id))
                && (filter.text.is_none() || event.change.typed().is_some())
                && filter
                    .kind
                    .as_ref()
                    .is_none_or(|it| kind(event).starts_with(it.as_str()))
        };
        self.ask(|folded| {
            let fitting = folded.events.iter().filter(|(_, event)| fits(event));
            let mut places: Vec<u64> = fitting.map(|(place, _)| *place).collect();
            if !filter.oldest_first {
                places.reverse();
            }
            let after = |place: &u64| match cursor {
                Some(last) if filter.oldest_first => *place > last,
                Some(last) => *place < last,
                None => true,
            };
            let found = places.into_iter().filter(after).take(max).collect();
            let stopped_at = None;
            Places { found, stopped_at }
        })
    }

    fn last(&self, of: &Last) -> Result<Option<Mark>, IndexError> {
        self.ask(|folded| {
            let mut events = folded.events.iter().rev();
            let newest = events.find(|(_, event)| Last::of(event).contains(of));
            newest.map(|(entry, event)| Mark {
                at: event.at,
                entry: *entry,
            })
        })
    }
}
