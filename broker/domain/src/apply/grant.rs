//! The fold of one grant.

use crate::event::{Change, Event};
use crate::grant::{Active, Ended, Grant, Phase};
use crate::state::Deadline;
use crate::time::Time;

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
            requested_at: event.at,
            lapses_at: *lapses_at,
            self_grant: *self_grant,
            held: *held,
            key: key.clone(),
            audience: audience.clone(),
            phase: Phase::Waiting,
            credentials: 0,
            credentials_until: None,
        })
    }

    /// Folds one event in, where it is about this grant. What has ended stays ended.
    pub fn apply(&mut self, event: &Event) {
        let about = event.change.grant();
        if about.is_none_or(|of| of.grant != self.of.grant) {
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
            Change::GrantEnded { ending, reason, .. } => {
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
                });
            }
            _ => {}
        }
    }

    /// When it ends by itself; `None` once it is over.
    #[must_use]
    pub fn deadline(&self) -> Option<(Time, Deadline)> {
        match &self.phase {
            Phase::Waiting => Some((self.lapses_at, Deadline::Lapse(self.of.grant))),
            Phase::Active(active) => Some((active.ends_at, Deadline::Expire(self.of.grant))),
            Phase::Ended(_) => None,
        }
    }
}
