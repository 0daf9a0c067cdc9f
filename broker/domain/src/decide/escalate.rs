//! Asking others as well, when those who are asked first do not answer.
//!
//! When and whom is pinned in the request, and [`due`](crate::due::due) does it. Where none of those
//! who are asked first could answer at the moment of asking, because each is frozen or has no enrolled
//! key, or there is nobody but the requester, it happens along with the request: nothing is gained by
//! waiting for nobody. What becomes of them later changes nothing, so that everybody can rely on the
//! time they were told.

use crate::event::{Actor, Change, Event};
use crate::grant::{Escalation, Grant, GrantRef};
use crate::id::PersonId;
use crate::policy::Rule;
use crate::refusal::Refusal;

use super::approve::names;
use super::case::Case;

/// What a request pins; nothing where its rule asks nobody later, or nobody but the requester.
pub(super) fn pinned(
    case: &Case<'_>,
    rule: &Rule,
    by: &PersonId,
    approvers: &[PersonId],
) -> Option<Escalation> {
    let escalates = rule.escalates.as_ref()?;
    let to = case.policy().then_approvers(rule, by);
    let at = match approvers.iter().any(|person| case.state.can_answer(person)) {
        true => case.at.plus(escalates.after),
        false => case.at,
    };
    (!to.is_empty()).then_some(Escalation { at, to })
}

/// What happens along with a request that escalates at once.
pub(super) fn at_once(case: &Case<'_>, of: &GrantRef, pinned: &Escalation) -> Option<Event> {
    let escalated = Change::GrantEscalated {
        of: of.clone(),
        to: pinned.to.clone(),
    };
    (pinned.at <= case.at).then(|| case.event(Actor::Broker, escalated))
}

/// Whether the rule as it is now lets the person say yes to a grant: from the beginning, or because
/// it has escalated.
pub(super) fn lets_approve(case: &Case<'_>, rule: &Rule, grant: &Grant, person: &PersonId) -> bool {
    let policy = case.policy();
    let escalated = rule
        .escalates
        .as_ref()
        .filter(|_| grant.escalated_at.is_some());
    *person != grant.of.person
        && (policy.selects(&rule.approvers, person)
            || escalated.is_some_and(|then| policy.selects(&then.to, person)))
}

/// Not one of those who are asked later, before they are.
pub(super) fn need_turn(grant: &Grant, person: &PersonId) -> Result<(), Refusal> {
    match grant.escalates() {
        Some(then) if then.to.contains(person) => Err(Refusal::ApprovalTooEarly {
            person: person.clone(),
            grant: grant.of.grant,
            approvers: names(grant.approvers.iter()),
            from: then.at,
        }),
        _ => Ok(()),
    }
}
