//! What was said for each request that needs a call.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_domain::limits::CALL_WITHIN;
use breakglass_domain::{Event, GrantId, IncidentId, PersonId, Time};

use super::{Auditor, Record};

#[derive(Default)]
pub(super) struct Said {
    calls: BTreeSet<PersonId>,
    yes: BTreeMap<PersonId, Time>,
    notes: BTreeSet<PersonId>,
    last: Option<Time>,
}

impl Auditor {
    pub(super) fn called(&mut self, grant: GrantId, spoke_at: Time, event: &Event) {
        let by = event.by.person().expect("a person spoke").clone();
        let signed = event.signed.as_ref().expect("a call is signed");
        assert!(spoke_at <= signed.at && signed.at.since(spoke_at) <= CALL_WITHIN);
        let asked = &self.waits(grant, event.at).asked;
        assert!(asked.call.contains(&by) && by != asked.person);
        let policy = self.policy.as_ref().unwrap();
        let rule = policy.rule_for(&asked.person, &asked.right).unwrap();
        assert!(rule.name == asked.rule && policy.selects(&rule.call, &by));
        let said = &mut self.grants.get_mut(&grant).unwrap().said;
        assert!(said.calls.insert(by), "one call of each");
        said.last = Some(event.at);
    }

    pub(super) fn agreed(&mut self, grant: GrantId, until: Time, event: &Event) {
        let by = event.by.person().expect("a person agreed").clone();
        let record = self.waits(grant, event.at);
        assert!(!record.asked.call.is_empty(), "else it begins");
        self.approver(&record.asked, &event.by);
        let said = &mut self.grants.get_mut(&grant).unwrap().said;
        let before = said.yes.insert(by, until);
        let is_over = before.is_none_or(|until| until <= event.at);
        assert!(is_over, "one yes of each that still stands");
        said.last = Some(event.at);
    }

    pub(super) fn noted(&mut self, incident: IncidentId, event: &Event) {
        let by = event.by.person().expect("a person noted").clone();
        for record in self.grants.values_mut() {
            let asked = &record.asked;
            let counts = asked.person == by || asked.call.contains(&by);
            if counts && asked.incident == incident && record.begun.is_none() {
                record.said.notes.insert(by.clone());
                record.said.last = Some(event.at);
            }
        }
    }

    /// Whoever is stopped or leaves has said nothing.
    pub(super) fn unsays(&mut self, person: &PersonId) {
        for record in self.grants.values_mut() {
            record.said.calls.remove(person);
            record.said.yes.remove(person);
        }
    }

    /// A call, a note of one of the two, and a yes where one is wanted, the last of them just then;
    /// the latest end that was agreed to.
    pub(super) fn unlocked(&self, record: &Record, at: Time) -> Time {
        let (asked, said) = (&record.asked, &record.said);
        let policy = self.policy.as_ref().unwrap();
        let rule = policy.rule_for(&asked.person, &asked.right).unwrap();
        assert_eq!(rule.name, asked.rule, "under the pinned rule");
        let counts = |by: &&PersonId| policy.selects(&rule.call, by) && asked.call.contains(by);
        let calls: Vec<_> = said.calls.iter().filter(counts).collect();
        assert!(!calls.is_empty(), "somebody spoke with them");
        let noted = |by: &PersonId| said.notes.contains(by);
        assert!(noted(&asked.person) || calls.into_iter().any(noted));
        assert_eq!(said.last, Some(at), "with whatever came last");
        if rule.approvers.is_empty() && asked.approvers.is_empty() {
            return Time::from_millis(i64::MAX);
        }
        let yes = said.yes.iter();
        let then = rule.escalates.as_ref().filter(|_| asked.escalated);
        let later = |by: &PersonId| then.is_some_and(|then| policy.selects(&then.to, by));
        let yes = yes.filter(|(by, _)| policy.selects(&rule.approvers, by) || later(by));
        let until = yes.map(|(_, until)| *until).max();
        until.expect("an approver agreed")
    }

    pub(super) fn waits(&self, grant: GrantId, at: Time) -> &Record {
        let record = &self.grants[&grant];
        assert!(record.begun.is_none() && record.ended.is_none());
        assert!(at < record.asked.lapses_at);
        self.open(record.asked.incident, at);
        record
    }
}
