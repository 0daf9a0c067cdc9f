//! Who is asked later, and that they are.

use breakglass_domain::limits::ESCALATES_WITHIN;
use breakglass_domain::policy::Rule;
use breakglass_domain::{Actor, Escalation, Event, GrantId, GrantRef, PersonId, Time};

use super::{Asked, Auditor};

impl Asked {
    pub(super) fn goes_to(&self, person: &PersonId) -> bool {
        let to = self.escalation.iter().flat_map(|(_, to)| to);
        to.into_iter().any(|later| later == person)
    }
}

impl Auditor {
    /// What a request pins is what the policy says just then: at once where nobody is there to answer.
    pub(super) fn escalates(
        &self,
        of: &GrantRef,
        approvers: &[PersonId],
        pinned: Option<&Escalation>,
        at: Time,
    ) -> Option<(Time, Vec<PersonId>)> {
        let policy = self.policy.as_ref().unwrap();
        let rule = policy.rule_for(&of.person, &of.right).unwrap();
        let there = |person: &&PersonId| {
            self.keys.values().any(|whose| whose == *person) && !self.frozen.contains(*person)
        };
        let late = |after| match approvers.iter().any(|person| there(&person)) {
            true => at.plus(after),
            false => at,
        };
        let later = |id: &&PersonId| !approvers.contains(*id) && **id != of.person;
        let said = rule.escalates.as_ref().map(|then| {
            let to = policy.people.keys();
            let to = to.filter(|id| policy.selects(&then.to, id)).filter(later);
            (late(then.after), to.cloned().collect::<Vec<_>>())
        });
        let said = said.filter(|(_, to)| !to.is_empty());
        let pinned = pinned.map(|pinned| (pinned.at, pinned.to.clone()));
        assert_eq!(pinned, said, "what the policy says");
        pinned
    }

    pub(super) fn escalated(&mut self, grant: GrantId, to: &[PersonId], event: &Event) {
        assert_eq!(event.by, Actor::Broker);
        let asked = &self.waits(grant, event.at).asked;
        let (at, pinned) = asked.escalation.as_ref().expect("its rule says so");
        assert!(event.at >= *at && pinned == to && !asked.escalated);
        let late = event.at.since(*at);
        let asked = &mut self.grants.get_mut(&grant).unwrap().asked;
        asked.escalated = true;
        if late > ESCALATES_WITHIN {
            asked.stand_still(late);
            self.count("escalated late");
        }
    }

    /// From the beginning, or since it escalated; and the rule still says so.
    pub(super) fn asked_for_a_yes(&self, asked: &Asked, rule: &Rule, by: &PersonId) {
        let policy = self.policy.as_ref().unwrap();
        let later = asked.escalated && asked.goes_to(by);
        assert!(asked.approvers.contains(by) || later, "{by} was not asked");
        let then = rule.escalates.as_ref().filter(|_| asked.escalated);
        let then = then.is_some_and(|then| policy.selects(&then.to, by));
        assert!(policy.selects(&rule.approvers, by) || then, "{by} no more");
    }
}
