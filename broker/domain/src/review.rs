//! What is looked at again once an incident is over: each grant that began, by three answers.
//!
//! What was asked, used and cut stands in the ledger and is read from there; this is only what is
//! still to be answered, so that it can be shown, and count.

use std::collections::BTreeMap;

use crate::event::{Change, Event};
use crate::grant::GrantRef;
use crate::id::{GrantId, IncidentId};
use crate::limits::{REVIEWED_GRANTS, REVIEWED_INCIDENTS};
use crate::policy::Policy;
use crate::text::Line;
use crate::time::{Lifetime, Time};
use crate::word::words;

words! {
    /// Whether a right was as wide as what it was used for.
    Width {
        /// As wide as it had to be.
        Right = "right",
        /// It gave more than was needed.
        TooWide = "too-wide",
    }
}

/// What somebody says of one grant afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was needed.
    pub needed: bool,
    /// Whether the right was too wide.
    pub width: Width,
    /// What was missing; nothing where nothing was.
    pub missing: Option<Line>,
}

/// The answers that are owed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reviews {
    /// Under each open incident, the first [`REVIEWED_GRANTS`] grants that began.
    pub begun: BTreeMap<IncidentId, BTreeMap<GrantId, GrantRef>>,
    /// The newest [`REVIEWED_INCIDENTS`] closed incidents of which answers are owed.
    pub owed: BTreeMap<IncidentId, Owed>,
    /// Since when the policy has asked for reviews without a pause; nothing while it does not.
    pub asked_since: Option<Time>,
}

/// What is owed of one closed incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// When it closed.
    pub closed_at: Time,
    /// The grants nobody has answered for; never none.
    pub grants: BTreeMap<GrantId, GrantRef>,
}

impl Reviews {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        match &event.change {
            Change::PolicyLoaded { policy, .. } => self.ask(policy, event.at),
            Change::GrantStarted { of, .. } => self.begin(of),
            Change::IncidentClosed { incident, .. } => self.close(*incident, event.at),
            Change::ReviewAnswered { of, .. } => self.pay(of),
            _ => {}
        }
    }

    /// When the answers of an incident are late; nothing while the policy does not ask for them. What
    /// closed before the policy asked has as long as what closes just then.
    #[must_use]
    pub fn late_at(&self, owed: &Owed, within: Option<Lifetime>) -> Option<Time> {
        Some(owed.closed_at.max(self.asked_since?).plus(within?))
    }

    /// The oldest incident whose answers are late at `now`.
    #[must_use]
    pub fn late(&self, within: Option<Lifetime>, now: Time) -> Option<(IncidentId, &Owed)> {
        let is_late = |owed: &Owed| self.late_at(owed, within).is_some_and(|at| at <= now);
        let late = self.owed.iter().find(|(_, owed)| is_late(owed));
        late.map(|(incident, owed)| (*incident, owed))
    }

    fn ask(&mut self, policy: &Policy, at: Time) {
        self.asked_since = policy.review_within.and(self.asked_since.or(Some(at)));
    }

    /// Nothing was broken in a drill, so nobody is asked whether access was needed.
    fn begin(&mut self, of: &GrantRef) {
        if of.drill {
            return;
        }
        let begun = self.begun.entry(of.incident).or_default();
        if begun.len() < REVIEWED_GRANTS {
            begun.insert(of.grant, of.clone());
        }
    }

    fn close(&mut self, incident: IncidentId, closed_at: Time) {
        let Some(grants) = self.begun.remove(&incident) else {
            return;
        };
        self.owed.insert(incident, Owed { closed_at, grants });
        if self.owed.len() > REVIEWED_INCIDENTS {
            let oldest = self
                .owed
                .iter()
                .min_by_key(|(id, owed)| (owed.closed_at, **id));
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.owed.remove(&oldest);
            }
        }
    }

    fn pay(&mut self, of: &GrantRef) {
        let Some(owed) = self.owed.get_mut(&of.incident) else {
            return;
        };
        owed.grants.remove(&of.grant);
        if owed.grants.is_empty() {
            self.owed.remove(&of.incident);
        }
    }
}
