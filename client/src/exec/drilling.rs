//! What a drill wants beside: to hear how far it is, and not to wait for ever.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::{error::Error, time};

/// For an order that is part of a drill.
#[derive(Debug, Clone)]
pub struct Drilling {
    /// Hears each milestone as it is passed.
    pub milestones: UnboundedSender<Milestone>,
    /// How long an approver has.
    pub patience: Duration,
}

/// What is passed on the way from asking to using.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Milestone {
    /// The request is on record, as this grant.
    Asked(String),
    /// The grant is active.
    Begun,
    /// Everything the right gives is in its place: the command is about to start.
    Received,
}

impl Drilling {
    pub(super) fn pass(&self, milestone: Milestone) {
        // Who does not listen any more does not want to know.
        let _ = self.milestones.send(milestone);
    }

    /// That nobody has answered a request in time.
    pub(super) fn asleep(&self, grant: &str) -> Error {
        let patience = jiff::SignedDuration::try_from(self.patience);
        let patience = patience.map(time::short).unwrap_or_default();
        Error::Denied {
            what: format!("nobody answered {grant} within {patience}"),
            next: "call an approver beforehand, or give them more time in `[drills.budgets]`"
                .to_owned(),
        }
    }
}
