//! What somebody who leaves leaves behind.

use crate::grant::Grant;
use crate::id::PersonId;
use crate::state::State;
use crate::unlock::Unlock;

impl State {
    /// Requests that wait, that a person could have answered or called about, and that nobody who is
    /// left can: no other approver, also none of those it goes to later, or nobody else for the call that is missing, is in the policy, has
    /// a key and is not frozen. Oldest first.
    pub fn left_waiting<'a>(&'a self, person: &'a PersonId) -> impl Iterator<Item = &'a Grant> {
        let nobody_else = move |asked: &[PersonId], later: &[PersonId]| {
            let mut all = asked.iter().chain(later);
            let mut others = all.clone().filter(|other| *other != person);
            !others.any(|other| self.can_answer(other)) && all.any(|it| it == person)
        };
        let is_left = move |grant: &&Grant| {
            let called = |unlock: &&Unlock| unlock.calls.iter().any(|call| call.by != *person);
            let uncalled = grant.unlock.as_ref().filter(|unlock| !called(unlock));
            let later = grant.escalates().map_or(&[][..], |next| &next.to);
            nobody_else(&grant.approvers, later)
                || uncalled.is_some_and(|it| nobody_else(&it.callers, &[]))
        };
        let waiting = self.grants.values().filter(|grant| grant.is_waiting());
        waiting.filter(is_left)
    }

    /// Whether the person could answer a request: in the policy, enrolled, and not frozen.
    pub(crate) fn can_answer(&self, person: &PersonId) -> bool {
        let member = self.members.get(person);
        self.policy.people.contains_key(person)
            && member.is_some_and(|it| !it.devices.is_empty() && it.frozen.is_none())
    }
}
