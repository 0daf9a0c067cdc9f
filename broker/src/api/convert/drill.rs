//! Drills in protobuf.

use breakglass_domain::drill::Recorded;
use breakglass_proto::v1;

use super::{length, time};
use crate::app::DrillStanding;

/// What the policy says of drills, and the last ones.
pub(in crate::api) fn drills(standing: &DrillStanding) -> v1::Drills {
    let budgets = standing
        .budgets
        .iter()
        .map(|(step, budget)| v1::DrillBudget {
            step: step.to_string(),
            budget: Some(length(*budget)),
        });
    v1::Drills {
        rights: standing.rights.iter().map(ToString::to_string).collect(),
        within: Some(length(standing.within)),
        budgets: budgets.collect(),
        last: standing.last.as_ref().map(outcome),
        last_good: standing.last_good.as_ref().map(outcome),
        overdue: standing.overdue,
    }
}

fn outcome(recorded: &Recorded) -> v1::DrillOutcome {
    v1::DrillOutcome {
        incident: recorded.incident.to_string(),
        by: recorded.by.to_string(),
        at: Some(time(recorded.at)),
        good: recorded.good,
    }
}
