//! The fold of one grant.

use crate::event::{Change, Event};
use crate::grant::{Active, Ended, Grant, HandedOver, Phase};
use crate::id::PersonId;
use crate::limits::ESCALATES_WITHIN;
use crate::state::Deadline;
use crate::time::{Lifetime, Time};
use crate::unlock::{Call, Unlock, Yes};

impl Grant {
    /// The grant as it was asked for; `None` where the event is something else.
    #[must_use]
    pub fn requested(event: &Event) -> Option<Self> {
        let Change::GrantRequested {
            of,
            sentence,
            risk,
            reason,
            length,
            rule,
            approvers,
            lapses_at,
            self_grant,
            held,
            key,
            audience,
            call,
            escalation,
            handed,
        } = &event.change
        else {
            return None;
        };
        Some(Self {
            of: of.clone(),
            sentence: sentence.clone(),
            risk: *risk,
            reason: reason.clone(),
            length: *length,
            rule: rule.clone(),
            approvers: approvers.clone(),
            escalation: escalation.clone(),
            escalated_at: None,
            unlock: (!call.is_empty()).then(|| Unlock::new(call.clone())),
            requested_at: event.at,
            lapses_at: *lapses_at,
            self_grant: *self_grant,
            stood_still: Lifetime::ZERO,
            held: *held,
            key: key.clone(),
            audience: audience.clone(),
            handed: handed.as_ref().and_then(|it| HandedOver::by(event, it)),
            phase: Phase::Waiting,
            credentials: 0,
            credentials_until: None,
        })
    }

    /// Folds one event in, where it is about this grant, or is something its unlocking waits for. What
    /// has ended stays ended.
    pub fn apply(&mut self, event: &Event) {
        let about = event.change.grant();
        if about.is_some_and(|of| of.grant != self.of.grant) {
            return;
        }
        match &event.change {
            Change::GrantStarted { basis, ends_at, .. } if self.is_waiting() => {
                self.phase = Phase::Active(Active {
                    basis: *basis,
                    by: event.by.clone(),
                    begins_at: event.at,
                    ends_at: *ends_at,
                });
            }
            Change::GrantEscalated { to, .. } if self.is_waiting() => self.escalate(to, event.at),
            Change::BrokerStarted { .. } if event.at < self.lapses_at => {
                self.stand_still(event.at.since(self.requested_at));
            }
            Change::CallRecorded { .. }
            | Change::GrantApproved { .. }
            | Change::IncidentNoted { .. }
            | Change::PersonFrozen { .. }
            | Change::PersonRemoved { .. }
                if self.is_waiting() =>
            {
                self.unlock_further(event);
            }
            Change::GrantExtended { ends_at, .. } => {
                if let Phase::Active(active) = &mut self.phase {
                    active.ends_at = *ends_at;
                }
            }
            Change::CredentialIssued {
                credential,
                kind,
                expires_at,
                ..
            } => {
                self.credentials = self.credentials.max(credential.number);
                if kind.outlives_its_grant() {
                    self.credentials_until = self.credentials_until.max(Some(*expires_at));
                }
            }
            Change::GrantEnded {
                ending, reason, to, ..
            } => {
                let was = match &self.phase {
                    Phase::Waiting => None,
                    Phase::Active(active) => Some(active.clone()),
                    Phase::Ended(_) => return,
                };
                self.phase = Phase::Ended(Ended {
                    was,
                    ending: *ending,
                    at: event.at,
                    by: event.by.clone(),
                    reason: reason.clone(),
                    to: to.clone(),
                });
            }
            _ => {}
        }
    }

    /// Those who were asked first still are.
    fn escalate(&mut self, to: &[PersonId], at: Time) {
        let asked = &mut self.approvers;
        for person in to {
            if !asked.contains(person) {
                asked.push(person.clone());
            }
        }
        self.escalated_at = Some(at);
        let late = self.escalation.as_ref().map(|pinned| at.since(pinned.at));
        if let Some(late) = late.filter(|late| *late > ESCALATES_WITHIN) {
            self.stand_still(late);
        }
    }

    /// Who could not be told had no time to answer: what may be begun alone waits for so much longer in
    /// all, and may be as long.
    fn stand_still(&mut self, in_all: Lifetime) {
        let waits = self.is_waiting();
        let Some(alone) = self.self_grant.as_mut().filter(|_| waits) else {
            return;
        };
        if in_all > self.stood_still {
            let more = in_all.as_millis() - self.stood_still.as_millis();
            let more = Lifetime::from_millis(more);
            alone.from = alone.from.plus(more);
            self.lapses_at = self.lapses_at.plus(more);
            self.stood_still = in_all;
        }
    }

    fn unlock_further(&mut self, event: &Event) {
        let (Some(unlock), Some(by)) = (&mut self.unlock, whose_word(event)) else {
            return;
        };
        match &event.change {
            Change::CallRecorded { spoke_at, .. } => unlock.calls.push(Call {
                by: by.clone(),
                spoke_at: *spoke_at,
                at: event.at,
            }),
            Change::GrantApproved { until, .. } => unlock.add_yes(Yes {
                by: by.clone(),
                until: *until,
            }),
            Change::IncidentNoted { incident, .. } if *incident == self.of.incident => {
                unlock.add_note(by, &self.of.person);
            }
            Change::PersonFrozen { .. } | Change::PersonRemoved { .. } => unlock.forget(by),
            _ => {}
        }
    }

    /// When it ends by itself, and when it escalates; nothing once it is over.
    pub fn deadlines(&self) -> impl Iterator<Item = (Time, Deadline)> + use<> {
        let id = self.of.grant;
        let end = match &self.phase {
            Phase::Waiting => Some((self.lapses_at, Deadline::Lapse(id))),
            Phase::Active(active) => Some((active.ends_at, Deadline::Expire(id))),
            Phase::Ended(_) => None,
        };
        let escalates = self.escalates();
        let escalates = escalates.map(|it| (it.at, Deadline::Escalate(id)));
        end.into_iter().chain(escalates)
    }
}

/// Of somebody who is stopped or leaves, theirs; else of who did it.
fn whose_word(event: &Event) -> Option<&PersonId> {
    match &event.change {
        Change::PersonFrozen { person, .. } | Change::PersonRemoved { person, .. } => Some(person),
        _ => event.by.person(),
    }
}
