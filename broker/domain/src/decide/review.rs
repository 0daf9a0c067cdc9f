//! The three answers, and what stays shut while they are owed for too long.

use crate::event::{Change, Event};
use crate::id::{GrantId, IncidentId, PersonId, RightId};
use crate::incident::{Incident, Severity};
use crate::refusal::Refusal;
use crate::review::Answer;
use crate::state::State;
use crate::time::Time;

use super::case::Case;
use super::request::needs_nobody;

/// Anybody on the team may, as with notes: it gives nobody anything, and the entry says who did. Once
/// for each grant.
pub(super) fn answer(
    case: &Case<'_>,
    by: &PersonId,
    (incident, grant): (IncidentId, GrantId),
    answer: &Answer,
) -> Result<Vec<Event>, Refusal> {
    let state = case.state;
    if state.incidents.contains_key(&incident) {
        return Err(Refusal::IncidentOpen(incident));
    }
    if incident == IncidentId(0) || incident >= state.next_incident {
        return Err(Refusal::UnknownIncident(incident));
    }
    let owed = state.reviews.owed.get(&incident);
    let of = owed.and_then(|owed| owed.grants.get(&grant));
    let of = of.ok_or(Refusal::NothingToReview { incident, grant })?;
    let answered = Change::ReviewAnswered {
        of: of.clone(),
        needed: answer.needed,
        width: answer.width,
        missing: answer.missing.clone(),
    };
    Ok(vec![case.event(by, answered)])
}

impl State {
    /// Why a right does not begin now that needs nobody's yes: answers are late. Under a `sev1` it does all the
    /// same. Nothing where nothing is late, or where somebody's yes is needed anyway.
    #[must_use]
    pub fn held_up(&self, person: &PersonId, right: &RightId, now: Time) -> Option<Refusal> {
        let case = Case::new(self, now);
        let (rule, known) = case.given(person, right).ok()?;
        debt(&case).filter(|_| needs_nobody(rule, known))
    }
}

fn debt(case: &Case<'_>) -> Option<Refusal> {
    let late = case
        .state
        .reviews
        .late(case.policy().review_within, case.at);
    late.map(|(incident, owed)| Refusal::ReviewDebt {
        incident,
        closed_at: owed.closed_at,
        grants: owed.grants.len(),
    })
}

/// Nothing begins without anybody's yes while answers are late. Never in the way of the worst: under
/// a `sev1` it does, and whoever is refused can answer alone, in a minute.
pub(super) fn need_answers(case: &Case<'_>, incident: &Incident) -> Result<(), Refusal> {
    if incident.severity == Severity::Sev1 {
        return Ok(());
    }
    debt(case).map_or(Ok(()), Err)
}
