//! What somebody who leaves leaves behind.

use crate::grant::Grant;
use crate::id::PersonId;
use crate::state::State;

impl State {
    /// Requests that wait, that a person could have answered, and that nobody who is left can: no
    /// other approver is in the policy, has a key and is not frozen. Oldest first.
    pub fn left_waiting<'a>(&'a self, person: &'a PersonId) -> impl Iterator<Item = &'a Grant> {
        let asked = move |grant: &&Grant| grant.is_waiting() && grant.approvers.contains(person);
        let nobody = move |grant: &&Grant| {
            let mut approvers = grant.approvers.iter();
            !approvers.any(|other| other != person && self.can_answer(other))
        };
        self.grants.values().filter(asked).filter(nobody)
    }

    fn can_answer(&self, person: &PersonId) -> bool {
        let member = self.members.get(person);
        self.policy.people.contains_key(person)
            && member.is_some_and(|it| !it.devices.is_empty() && it.frozen.is_none())
    }
}
