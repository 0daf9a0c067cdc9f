//! What somebody who leaves leaves behind.

use std::collections::BTreeSet;

use crate::grant::Grant;
use crate::id::PersonId;
use crate::state::State;
use crate::time::Time;
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

    /// Of those who are pinned in a request that waits, who could not answer it now.
    #[must_use]
    pub fn gone_of(&self, grant: &Grant) -> Vec<PersonId> {
        if !grant.is_waiting() {
            return Vec::new();
        }
        let callers = grant.unlock.iter().flat_map(|unlock| &unlock.callers);
        let later = grant.escalates().into_iter().flat_map(|next| &next.to);
        let pinned: BTreeSet<_> = grant.approvers.iter().chain(callers).chain(later).collect();
        let gone = pinned.into_iter().filter(|it| !self.can_answer(it));
        gone.cloned().collect()
    }

    /// Whether a request waits for something that nobody of those who are pinned could give: a yes, also
    /// by those it goes to later, or a call.
    #[must_use]
    pub fn nobody_is_left(&self, grant: &Grant, now: Time) -> bool {
        let nobody = |people: &[PersonId]| !people.iter().any(|it| self.can_answer(it));
        let missing = grant.missing_at(now);
        let needs_yes = missing.is_none_or(|missing| missing.approval);
        let needs_call = missing.is_some_and(|missing| missing.call);
        let later = grant.escalates().map_or(&[][..], |next| &next.to);
        let callers = grant.unlock.as_ref().map_or(&[][..], |it| &it.callers);
        grant.is_waiting()
            && ((needs_yes && nobody(&grant.approvers) && nobody(later))
                || (needs_call && nobody(callers)))
    }

    /// Whether the person could answer a request: in the policy, enrolled, and not frozen.
    pub(crate) fn can_answer(&self, person: &PersonId) -> bool {
        let member = self.members.get(person);
        self.policy.people.contains_key(person)
            && member.is_some_and(|it| !it.devices.is_empty() && it.frozen.is_none())
    }
}
