//! What is begun alone: when everybody had had their time, each time anew, and counted.

use breakglass_domain::{GrantRef, IncidentId, Lifetime, PersonId, RightId, Time};

use super::{Asked, Auditor};

pub(super) type Of = (IncidentId, PersonId, RightId);

pub(super) fn of(of: &GrantRef) -> Of {
    (of.incident, of.person.clone(), of.right.clone())
}

impl Asked {
    /// Of what may be begun alone, in all so long does not count.
    pub(super) fn stand_still(&mut self, in_all: Lifetime) {
        let Some((from, _)) = self.self_grant.as_mut() else {
            return;
        };
        let more = in_all.as_millis() - self.stood_still.as_millis();
        if more > 0 {
            *from = from.plus(Lifetime::from_millis(more));
            self.lapses_at = self.lapses_at.plus(Lifetime::from_millis(more));
            self.stood_still = in_all;
        }
    }
}

impl Auditor {
    /// Nobody knows whether anybody could be told before.
    pub(super) fn broker_started(&mut self, at: Time) {
        let lives = self.grants.values_mut();
        for record in lives.filter(|it| it.begun.is_none() && it.ended.is_none()) {
            if at < record.asked.lapses_at {
                let in_all = at.since(record.asked.asked_at);
                record.asked.stand_still(in_all);
            }
        }
    }

    /// The same time since the last of them was over; and it is counted.
    pub(super) fn need_time_again(&self, asked: &Asked, of: &Of, said: u32, at: Time) {
        let (before, ended) = self.alone.get(of).copied().unwrap_or_default();
        assert_eq!(said, before, "counted");
        let from = asked.self_grant.expect("it allows one").0;
        let began = asked.asked_at.plus(asked.stood_still);
        let patience = from.since(began);
        assert!(
            ended.is_none_or(|ended| at >= ended.plus(patience)),
            "everybody has their time again"
        );
    }
}
