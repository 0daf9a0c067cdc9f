//! Who is there, taken out of the state at one moment, so that nothing waits for what is looked up.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::Actor;
use crate::id::{PersonId, TargetId};
use crate::last::Last;
use crate::people::{Device, Freeze, Member};
use crate::policy::Policy;
use crate::state::State;
use crate::time::Time;

/// The policy in force, and what is known of everybody it names.
#[derive(Debug, Clone)]
pub struct Roster {
    /// The rules.
    pub policy: Arc<Policy>,
    /// SHA-256 of the policy's text.
    pub policy_sha256: String,
    /// When it was loaded.
    pub policy_loaded_at: Time,
    pub(super) devices: BTreeMap<PersonId, Vec<Device>>,
    pub(super) frozen: BTreeMap<PersonId, Freeze>,
    /// Until when the newest invitation of each is good.
    pub(super) invited: BTreeMap<PersonId, Time>,
    pub(super) guards: BTreeMap<TargetId, Vec<Device>>,
}

impl Roster {
    /// Of a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let members = state.members.iter();
        let frozen = members.clone().filter_map(|(id, member)| {
            let freeze = member.frozen.clone()?;
            Some((id.clone(), freeze))
        });
        let mut invited = BTreeMap::new();
        for token in state.tokens.values().filter(|it| it.withdrawn.is_none()) {
            let until = invited.entry(token.whom.clone());
            let until = until.or_insert(token.expires_at);
            *until = token.expires_at.max(*until);
        }
        let guards = state.targets.guards.iter();
        Self {
            policy: Arc::clone(&state.policy),
            policy_sha256: state.policy_sha256.clone(),
            policy_loaded_at: state.policy_loaded_at,
            frozen: frozen.collect(),
            devices: members
                .map(|(id, Member { devices, .. })| (id.clone(), by_age(devices.values())))
                .collect(),
            invited,
            guards: guards
                .map(|(id, keys)| (id.clone(), by_age(keys.values())))
                .collect(),
        }
    }

    /// Everything whose last time has to be looked up: two for each person, one for each right, and
    /// one for each right that a rule gives a person.
    #[must_use]
    pub fn lasts(&self) -> Vec<Last> {
        let policy = &self.policy;
        let mut lasts = Vec::new();
        for person in policy.people.keys() {
            lasts.push(Last::Acted(Actor::from(person)));
            lasts.push(Last::Removed(person.clone()));
            let given = policy.rights.keys();
            let given = given.filter(|right| policy.rule_for(person, right).is_some());
            lasts.extend(given.map(|right| Last::Used(person.clone(), right.clone())));
        }
        lasts.extend(policy.rights.keys().cloned().map(Last::UsedByAnybody));
        let targets = policy.targets.keys();
        lasts.extend(targets.map(|target| Last::Acted(Actor::from(target))));
        lasts
    }
}

fn by_age<'a>(devices: impl Iterator<Item = &'a Device>) -> Vec<Device> {
    let mut devices: Vec<_> = devices.cloned().collect();
    devices.sort_by_key(|device| (device.enrolled_at, device.certificate_expires_at));
    devices
}
