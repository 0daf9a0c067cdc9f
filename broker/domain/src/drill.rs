//! Drills: the emergency path walked on purpose, against targets where nothing can break.
//!
//! A drill is an incident that somebody opened by saying that it is one. It unlocks what the policy
//! lists for drills and nothing else, and every entry that belongs to it says so.

use std::collections::BTreeMap;

use crate::event::{Change, Event};
use crate::id::{IncidentId, PersonId};
use crate::limits::RECENT_DRILLS;
use crate::state::State;
use crate::text::Line;
use crate::time::{Lifetime, Time};
use crate::word::words;

words! {
    /// What is timed of a drill, in order.
    Step {
        /// Opening the drill.
        Open = "open",
        /// Asking for the right.
        Ask = "ask",
        /// Until somebody said yes; nothing where nobody needs to.
        Approve = "approve",
        /// Receiving what the target takes.
        Credential = "credential",
        /// The command that uses it, from its start to its end.
        Use = "use",
        /// Closing the drill.
        Close = "close",
        /// Until every session and role under it is over, by the entries that say so.
        Kill = "kill",
        /// Until the broker says that the grant is over: it gives nothing under it, and no guard lets anybody
        /// in by it.
        Ended = "ended",
        /// Proving that the ledger only grew, and that every entry of the drill is in it, marked.
        Verify = "verify",
    }
}

impl Step {
    /// Its place in [`Step::ALL`].
    #[must_use]
    pub fn place(self) -> usize {
        self as usize
    }
}

/// How long one step took, and may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepTime {
    /// Which.
    pub step: Step,
    /// By the clock of whoever walked it, which nobody sets.
    pub took: Lifetime,
    /// By the policy.
    pub budget: Lifetime,
}

impl StepTime {
    /// Whether it took longer than it may.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.took > self.budget
    }
}

/// How a drill went, as who walked it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Every step was taken, within its budget.
    pub good: bool,
    /// The steps that were taken, in order.
    pub steps: Vec<StepTime>,
    /// What failed, or was slow; nothing where it is good.
    pub failed: Option<Line>,
}

/// What is remembered of drills; it does not grow with their number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drills {
    /// The newest [`RECENT_DRILLS`], open ones among them.
    pub recent: BTreeMap<IncidentId, Recent>,
    /// The last one that was recorded.
    pub last: Option<Recorded>,
    /// The last good one.
    pub last_good: Option<Recorded>,
}

/// A drill, until it is recorded and a while longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// Who opened it.
    pub by: PersonId,
    /// Whether it is over.
    pub closed: bool,
    /// Whether a credential was issued under it.
    pub issued: bool,
    /// Whether how it went is on record.
    pub recorded: bool,
}

/// A drill whose outcome is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which.
    pub incident: IncidentId,
    /// Who walked it.
    pub by: PersonId,
    /// When it was recorded.
    pub at: Time,
    /// How it went.
    pub good: bool,
}

impl Drills {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        if !event.drill {
            return;
        }
        match &event.change {
            Change::IncidentOpened { incident, .. } => self.begin(*incident, event),
            Change::CredentialIssued { of, .. } => {
                self.change(of.incident, |recent| recent.issued = true);
            }
            Change::IncidentClosed { incident, .. } => {
                self.change(*incident, |recent| recent.closed = true);
            }
            Change::DrillRecorded { incident, good, .. } => self.record(*incident, *good, event),
            _ => {}
        }
    }

    fn begin(&mut self, incident: IncidentId, event: &Event) {
        let Some(by) = event.by.person() else {
            return;
        };
        let recent = Recent {
            by: by.clone(),
            closed: false,
            issued: false,
            recorded: false,
        };
        self.recent.insert(incident, recent);
        if self.recent.len() > RECENT_DRILLS {
            let closed = self.recent.iter().find(|(_, recent)| recent.closed);
            let oldest = closed.or_else(|| self.recent.first_key_value());
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.recent.remove(&oldest);
            }
        }
    }

    fn record(&mut self, incident: IncidentId, good: bool, event: &Event) {
        let Some(by) = event.by.person() else {
            return;
        };
        self.change(incident, |recent| recent.recorded = true);
        let recorded = Recorded {
            incident,
            by: by.clone(),
            at: event.at,
            good,
        };
        if good {
            self.last_good = Some(recorded.clone());
        }
        self.last = Some(recorded);
    }

    fn change(&mut self, incident: IncidentId, change: impl FnOnce(&mut Recent)) {
        if let Some(recent) = self.recent.get_mut(&incident) {
            change(recent);
        }
    }
}

impl State {
    /// Whether an incident is a drill, as far as it is open or among the newest drills.
    #[must_use]
    pub fn is_drill(&self, incident: IncidentId) -> bool {
        let open = self.incidents.get(&incident);
        open.is_some_and(|open| open.drill) || self.drills.recent.contains_key(&incident)
    }

    /// Whether what changes belongs to a drill.
    #[must_use]
    pub(crate) fn is_of_drill(&self, change: &Change) -> bool {
        match change.grant() {
            Some(of) => of.drill,
            None => change.incident().is_some_and(|id| self.is_drill(id)),
        }
    }
}
