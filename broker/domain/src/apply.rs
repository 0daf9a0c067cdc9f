//! `apply`: state is the fold of events.
//!
//! An event is a fact, so nothing here refuses: what does not fit (an ending for a grant that is
//! over) changes nothing. [`Grant::apply`] and [`Incident::apply`] are the same fold for one record,
//! for those who also keep what is over.

mod grant;
mod incident;
mod people;
mod targets;

use std::sync::Arc;

use crate::event::{Change, Event, Signed};
use crate::grant::Grant;
use crate::id::{GrantId, IncidentId};
use crate::incident::Incident;
use crate::limits::STATEMENT_SKEW;
use crate::state::State;
use crate::time::Time;

impl State {
    /// Folds one event in. Never fails: an event is a fact.
    pub fn apply(&mut self, event: &Event) {
        self.newest = self.newest.max(event.at);
        if let Some(signed) = &event.signed {
            self.remember_nonce(signed, event.at);
        }
        self.forget_stale_nonces();
        self.played.apply(event);
        self.reviews.apply(event);
        self.witnessing.apply(event);
        self.restorations.apply(event);
        self.streams.apply(event);
        let about = event.change.incident();
        let about = about.and_then(|incident| self.incidents.get(&incident));
        let alert = about.and_then(|incident| incident.alert.as_ref());
        self.budgets.apply(event, alert);
        self.deliveries.apply(event, alert);
        self.drills.apply(event);
        match &event.change {
            Change::PolicyLoaded { policy, sha256 } => {
                self.policy = Arc::clone(policy);
                self.policy_sha256.clone_from(sha256);
                self.policy_loaded_at = event.at;
                let hosts = &mut self.targets.hosts;
                hosts.retain(|target, _| policy.targets.contains_key(target));
            }
            Change::PersonInvited { .. }
            | Change::PersonEnrolled { .. }
            | Change::CertificateRenewed { .. }
            | Change::PersonRemoved { .. }
            | Change::PersonFrozen { .. }
            | Change::PersonUnfrozen { .. } => {
                self.apply_to_people(event);
                self.apply_to_unlocks(event);
            }
            Change::IncidentOpened { .. } => self.add_incident(event),
            Change::IncidentNoted { incident, .. } => {
                self.apply_to_incident(*incident, event);
                self.apply_to_unlocks(event);
            }
            Change::IncidentWarned { incident, .. }
            | Change::IncidentResolved { incident, .. }
            | Change::IncidentRefired { incident, .. }
            | Change::IncidentHeld { incident, .. }
            | Change::IncidentClosed { incident, .. } => self.apply_to_incident(*incident, event),
            Change::GrantRequested { .. } => self.add_grant(event),
            Change::GrantStarted { of, .. } => {
                self.apply_to_grant(of.grant, event);
                if let Some(incident) = self.incidents.get_mut(&of.incident) {
                    incident.apply(event);
                }
            }
            Change::GrantExtended { of, .. }
            | Change::GrantUsed { of, .. }
            | Change::CallRecorded { of, .. }
            | Change::GrantApproved { of, .. }
            | Change::GrantEscalated { of, .. } => self.apply_to_grant(of.grant, event),
            Change::CredentialIssued { of, .. } => {
                self.apply_to_grant(of.grant, event);
                self.apply_to_targets(event);
            }
            Change::GrantEnded { of, .. } => {
                self.apply_to_grant(of.grant, event);
                self.apply_to_targets(event);
                if let Some(incident) = self.incidents.get_mut(&of.incident) {
                    incident.apply(event);
                }
            }
            Change::TargetInvited { .. }
            | Change::TargetEnrolled { .. }
            | Change::TargetRenewed { .. }
            | Change::TargetRemoved { .. }
            | Change::HostCertified { .. }
            | Change::SessionOpened { .. }
            | Change::SessionEnded { .. }
            | Change::SessionUnconfirmed { .. }
            | Change::RoleCreated { .. }
            | Change::RoleFailed { .. }
            | Change::RoleDropped { .. } => self.apply_to_targets(event),
            Change::LedgerRestored { kept, size, .. } => {
                self.pass_over_ids(size.saturating_sub(*kept));
            }
            Change::LedgerLost {} => self.pass_over_ids(1),
            Change::BrokerStarted { .. } => self.apply_to_waiting(event),
            Change::KeyAdded { .. }
            | Change::KeyRetired { .. }
            | Change::Refused { .. }
            | Change::LedgerExported { .. }
            | Change::LedgerRepaired { .. }
            | Change::LedgerWitnessed { .. }
            | Change::LedgerUnwitnessed { .. }
            | Change::DrillRecorded { .. }
            | Change::ReviewAnswered { .. }
            | Change::StreamBegan { .. }
            | Change::StreamEnded { .. } => {}
        }
    }

    /// Folds several in, in order.
    pub fn apply_all<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        events.into_iter().for_each(|event| self.apply(event));
    }

    /// A nonce is kept for as long as its statement would still be taken. The later of the two
    /// clocks counts, so that one used while the broker's clock was behind is kept as well.
    fn remember_nonce(&mut self, signed: &Signed, at: Time) {
        let end = signed.at.max(at).plus(STATEMENT_SKEW);
        if let Some(before) = self.nonces.insert(signed.nonce, end) {
            self.nonce_ends.remove(&(before, signed.nonce));
        }
        self.nonce_ends.insert((end, signed.nonce));
    }

    fn forget_stale_nonces(&mut self) {
        while let Some((end, nonce)) = self.nonce_ends.first().copied() {
            if end >= self.newest {
                return;
            }
            self.nonce_ends.pop_first();
            self.nonces.remove(&nonce);
        }
    }

    /// What was given an id in a history that is lost has it for ever: its credentials and sessions may
    /// still be out there. Each of so many entries may have given one of each sort.
    fn pass_over_ids(&mut self, lost: u64) {
        let incident = &mut self.next_incident.0;
        *incident = incident.saturating_add(lost);
        let grant = &mut self.next_grant.0;
        *grant = grant.saturating_add(lost);
        let session = &mut self.targets.next_session.0;
        *session = session.saturating_add(lost);
    }

    fn add_incident(&mut self, event: &Event) {
        let Some(incident) = Incident::opened(event) else {
            return;
        };
        if !incident.drill {
            self.note_opening(event);
        }
        self.next_incident = self.next_incident.max(incident.id.next());
        self.deadlines.extend(incident.deadlines());
        self.incidents.insert(incident.id, incident);
    }

    fn apply_to_incident(&mut self, id: IncidentId, event: &Event) {
        let Some(incident) = self.incidents.get_mut(&id) else {
            return;
        };
        let before: Vec<_> = incident.deadlines().collect();
        incident.apply(event);
        let after: Vec<_> = incident.deadlines().collect();
        let over = incident.closed.is_some();
        for deadline in before {
            self.deadlines.remove(&deadline);
        }
        if over {
            self.incidents.remove(&id);
        } else {
            self.deadlines.extend(after);
        }
    }

    fn add_grant(&mut self, event: &Event) {
        let Some(grant) = Grant::requested(event) else {
            return;
        };
        self.next_grant = self.next_grant.max(grant.of.grant.next());
        self.deadlines.extend(grant.deadlines());
        if let Some(incident) = self.incidents.get_mut(&grant.of.incident) {
            incident.apply(event);
        }
        *self.live.entry(grant.of.person.clone()).or_default() += 1;
        self.grants.insert(grant.of.grant, grant);
    }

    fn apply_to_grant(&mut self, id: GrantId, event: &Event) {
        let Some(grant) = self.grants.get_mut(&id) else {
            return;
        };
        let before: Vec<_> = grant.deadlines().collect();
        grant.apply(event);
        let after: Vec<_> = grant.deadlines().collect();
        // Only what is over has no deadline.
        let over = after.is_empty();
        for deadline in before {
            self.deadlines.remove(&deadline);
        }
        self.deadlines.extend(after);
        if over {
            self.forget_grant(id, event.at);
        }
    }

    /// What happened to an incident or a person, and is a part of what some requests wait for.
    fn apply_to_unlocks(&mut self, event: &Event) {
        let locked = self.grants.values_mut();
        for grant in locked.filter(|grant| grant.unlock.is_some()) {
            grant.apply(event);
        }
    }

    /// What happened to the broker, while which nobody could be told of what waits.
    fn apply_to_waiting(&mut self, event: &Event) {
        let waits = self.grants.values().filter(|grant| grant.is_waiting());
        let waits: Vec<_> = waits.map(|grant| grant.of.grant).collect();
        for grant in waits {
            self.apply_to_grant(grant, event);
        }
    }

    fn forget_grant(&mut self, id: GrantId, at: Time) {
        let Some(grant) = self.grants.remove(&id) else {
            return;
        };
        self.remember_grant_of_hosts(&grant, at);
        if let Some(count) = self.live.get_mut(&grant.of.person) {
            *count -= 1;
            if *count == 0 {
                self.live.remove(&grant.of.person);
            }
        }
    }
}
