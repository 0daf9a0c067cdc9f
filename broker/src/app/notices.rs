//! What whoever tells people of events has to look up.

use std::collections::BTreeMap;

use breakglass_domain::grant::GrantRef;
use breakglass_domain::{Grant, GrantId, IncidentId, Line, PersonId, RightId, State};

use super::App;

impl App {
    /// What a grant allows, in plain language: as it was asked for, else as the policy says now.
    #[must_use]
    pub fn allowed_by(&self, of: &GrantRef) -> Option<Line> {
        self.live.read(|state| {
            let asked = state.grants.get(&of.grant).map(|grant| &grant.sentence);
            let in_force = || state.policy.rights.get(&of.right).map(|it| &it.sentence);
            asked.or_else(in_force).cloned()
        })
    }

    /// A request that still waits for an approver.
    #[must_use]
    pub fn still_waiting(&self, grant: GrantId) -> Option<Grant> {
        let waits = |it: &&Grant| it.is_waiting();
        self.live
            .read(|state| state.grants.get(&grant).filter(waits).cloned())
    }

    /// What an open incident is called.
    #[must_use]
    pub fn title_of(&self, incident: IncidentId) -> Option<Line> {
        let open = |state: &State| Some(state.incidents.get(&incident)?.title.clone());
        self.live.read(open)
    }

    /// Where a right leads, by the names of targets of the policy in force.
    #[must_use]
    pub fn targets_of(&self, right: &RightId) -> Vec<String> {
        self.live.read(|state| {
            let policy = &state.policy;
            let Some(right) = policy.rights.get(right) else {
                return Vec::new();
            };
            let targets = policy.targets.iter();
            let reached = targets.filter(|(id, target)| right.reaches(id, target));
            reached.map(|(id, _)| id.to_string()).collect()
        })
    }

    /// How people are reached, as the policy in force says.
    #[must_use]
    pub fn contacts(&self) -> BTreeMap<PersonId, Line> {
        self.live.read(|state| {
            let people = state.policy.people.iter();
            people
                .filter_map(|(id, person)| Some((id.clone(), person.contact.clone()?)))
                .collect()
        })
    }
}
