//! The state says what the auditor's record says.

use std::collections::BTreeMap;

use breakglass_domain::{GrantId, IncidentId, State, Time};

use super::{Auditor, Incident, Record};

impl Auditor {
    /// Between two steps: nothing lives that should not, and the state says what the record says.
    pub(crate) fn compares(&self, state: &State, now: Time) {
        let at = now.max(state.newest);
        for record in self.live() {
            let asked = &record.asked;
            self.open(asked.incident, at);
            self.may_act(&asked.person);
            self.has_key(asked);
            self.waits_for_a_live_one(record);
            match &record.begun {
                None => assert!(at < asked.lapses_at),
                Some(begun) => assert!(at < begun.ends_at),
            }
        }
        let live = |(id, record): (&GrantId, &Record)| record.ended.is_none().then_some(*id);
        let live: Vec<_> = self.grants.iter().filter_map(live).collect();
        assert!(state.grants.keys().copied().eq(live), "live grants");
        let open = |(id, incident): (&IncidentId, &Incident)| incident.open.then_some(*id);
        let open: Vec<_> = self.incidents.iter().filter_map(open).collect();
        assert!(state.incidents.keys().copied().eq(open), "open incidents");
        assert_eq!(state.keys, self.keys, "enrolled keys");
        for person in &self.frozen {
            assert!(state.is_frozen(person));
        }
        self.counts_agree(state);
    }

    /// Overlapping grants are counted, and what follows from the rest does follow.
    fn counts_agree(&self, state: &State) {
        let mut counted: BTreeMap<_, usize> = BTreeMap::new();
        for record in self.live() {
            let of = (record.asked.person.clone(), record.asked.right.clone());
            *counted.entry(of).or_default() += 1;
        }
        for ((person, right), count) in &counted {
            assert_eq!(state.live_count(person, right), *count);
        }
        assert_eq!(
            *state,
            state.clone().reindexed(),
            "what follows from the rest"
        );
    }

    /// Nothing is left: every grant that ever was has ended.
    pub(crate) fn all_ended(&self) {
        assert_eq!(self.live().count(), 0);
    }
}
