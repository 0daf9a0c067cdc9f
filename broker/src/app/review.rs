//! What is looked at again once an incident is over.

use breakglass_domain::{Command, GrantId, IncidentId, State, Time};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::{App, Error};

/// What is owed of one incident that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedReview {
    /// Which.
    pub incident: IncidentId,
    /// When it closed.
    pub closed_at: Time,
    /// The grants nobody has answered for, oldest first.
    pub grants: Vec<GrantId>,
    /// From when nothing begins without an approver for it; nothing while the policy does not ask.
    pub late_at: Option<Time>,
}

impl App {
    /// Answers for one grant.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn answer_review(&self, command: Command) -> Result<Receipt, Error> {
        act::receipt(&self.submit(command).await?)
    }

    /// The answers that are owed, oldest incident first.
    #[must_use]
    pub fn reviews(&self) -> Vec<OwedReview> {
        self.live.read(owed)
    }
}

/// The same as of a state.
pub(super) fn owed(state: &State) -> Vec<OwedReview> {
    let within = state.policy.review_within;
    let reviews = &state.reviews;
    let owed = reviews.owed.iter().map(|(incident, owed)| OwedReview {
        incident: *incident,
        closed_at: owed.closed_at,
        grants: owed.grants.keys().copied().collect(),
        late_at: reviews.late_at(owed, within),
    });
    owed.collect()
}
