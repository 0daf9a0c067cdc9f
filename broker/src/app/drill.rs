//! Drills: how one went, and when the last good one was.

use breakglass_domain::drill::{Recorded, Step};
use breakglass_domain::{Command, Lifetime, RightId, State, Time};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::{App, Error};

/// What the policy says of drills, and the last ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillStanding {
    /// What a drill may unlock.
    pub rights: Vec<RightId>,
    /// How old the last good one may be.
    pub within: Lifetime,
    /// How long each step may take, in their order.
    pub budgets: Vec<(Step, Lifetime)>,
    /// The last that was recorded.
    pub last: Option<Recorded>,
    /// The last good one.
    pub last_good: Option<Recorded>,
    /// Whether the last good one is older than it may be, or there never was one.
    pub overdue: bool,
}

impl App {
    /// Records how a drill went.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn record_drill(&self, command: Command) -> Result<Receipt, Error> {
        act::receipt(&self.submit(command).await?)
    }

    /// Whether the last good drill is older than the policy wants it; never where it wants none.
    #[must_use]
    pub fn drill_is_overdue(&self) -> bool {
        let now = self.clock.now();
        let standing = self.live.read(|state| standing(state, now));
        standing.is_some_and(|standing| standing.overdue)
    }

    /// When the last good drill was recorded.
    #[must_use]
    pub fn last_good_drill(&self) -> Option<Time> {
        let good = |state: &State| state.drills.last_good.as_ref().map(|good| good.at);
        self.live.read(good)
    }
}

/// As of a state; nothing where the policy has no drills.
pub(super) fn standing(state: &State, now: Time) -> Option<DrillStanding> {
    let rules = state.policy.drills.as_ref()?;
    let last_good = state.drills.last_good.clone();
    let is_fresh = |good: &Recorded| now <= good.at.plus(rules.within);
    let budgets = Step::ALL.iter().map(|step| (*step, rules.budget(*step)));
    Some(DrillStanding {
        rights: rules.rights.iter().cloned().collect(),
        within: rules.within,
        budgets: budgets.collect(),
        last: state.drills.last.clone(),
        overdue: !last_good.as_ref().is_some_and(is_fresh),
        last_good,
    })
}
