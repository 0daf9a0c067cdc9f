//! What somebody who leaves leaves behind.

use crate::grant::Grant;
use crate::id::PersonId;
use crate::state::State;
use crate::unlock::Unlock;

impl State {
    /// Requests that wait, that a person could have answered or called about, and that nobody who is
    /// left can: no other approver, or nobody else for the call that is missing, is in the policy, has
    /// a key and is not frozen. Oldest first.
    pub fn left_waiting<'a>(&'a self, person: &'a PersonId) -> impl Iterator<Item = &'a Grant> {
        let nobody_else = move |asked: &[PersonId]| {
            let mut others = asked.iter().filter(|other| *other != person);
            asked.contains(person) && !others.any(|other| self.can_answer(other))
        };
        let is_left = move |grant: &&Grant| {
            let called = |unlock: &&Unlock| unlock.calls.iter().any(|call| call.by != *person);
            let uncalled = grant.unlock.as_ref().filter(|unlock| !called(unlock));
            nobody_else(&grant.approvers) || uncalled.is_some_and(|it| nobody_else(&it.callers))
        };
        let waiting = self.grants.values().filter(|grant| grant.is_waiting());
        waiting.filter(is_left)
    }

    fn can_answer(&self, person: &PersonId) -> bool {
        let member = self.members.get(person);
        self.policy.people.contains_key(person)
            && member.is_some_and(|it| !it.devices.is_empty() && it.frozen.is_none())
    }
}
