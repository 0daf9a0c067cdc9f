//! Ending one grant: giving back, and being told to.

use crate::event::{Change, Event};
use crate::grant::{Basis, Ending, Grant, HandedOver};
use crate::id::{GrantId, PersonId};
use crate::refusal::Refusal;
use crate::text::Line;

use super::approve::names;
use super::case::{Case, need_holder, to_another};
use super::duty::Duty;

/// Its holder; and while it waits to be handed over, whoever hands it over.
pub(super) fn drop(case: &Case<'_>, by: &PersonId, grant: GrantId) -> Result<Vec<Event>, Refusal> {
    let grant = case.live(grant)?;
    let hands_it = |it: &HandedOver| it.by == *by && grant.is_waiting();
    if !grant.handed.as_ref().is_some_and(hands_it) {
        need_holder(grant, by)?;
    }
    let dropped = change(grant, Ending::Dropped, None);
    Ok(vec![case.event(by, dropped)])
}

/// Who has the duty, who could have approved it or had the call, and for a self-grant, which nobody has agreed to,
/// anybody on the team.
pub(super) fn revoke(
    case: &Case<'_>,
    by: &PersonId,
    grant: GrantId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    let grant = case.live(grant).map_err(to_another)?;
    let self_granted = |grant: &Grant| {
        let basis = grant.active().map(|active| active.basis);
        basis == Some(Basis::SelfGranted)
    };
    if !grant.asks(by) && !self_granted(grant) {
        case.need(Duty::Revoke, by)?;
    }
    let revoked = change(grant, Ending::Revoked, Some(reason.clone()));
    Ok(vec![case.event(by, revoked)])
}

/// Anybody on the team but its holder, whatever rights they have: what was begun alone, and a request
/// that may be. For the rest of the incident the holder does not begin that right alone.
pub(super) fn veto(
    case: &Case<'_>,
    by: &PersonId,
    grant: GrantId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    let grant = case.live(grant).map_err(to_another)?;
    let id = grant.of.grant;
    let is_alone = match grant.active() {
        Some(active) => active.basis == Basis::SelfGranted,
        None => grant.self_grant.is_some(),
    };
    if !is_alone {
        let policy = case.policy();
        let may = |it: &&PersonId| case.has(Duty::Revoke, it) || grant.asks(it);
        return Err(Refusal::NothingToVeto {
            grant: id,
            person: by.clone(),
            revokers: names(policy.people.keys().filter(may)),
        });
    }
    if grant.of.person == *by {
        return Err(Refusal::OwnVeto(id));
    }
    let vetoed = change(grant, Ending::Vetoed, Some(reason.clone()));
    Ok(vec![case.event(by, vetoed)])
}

/// The one ending of a grant.
pub(super) fn change(grant: &Grant, ending: Ending, reason: Option<Line>) -> Change {
    Change::GrantEnded {
        of: grant.of.clone(),
        ending,
        reason,
        to: None,
    }
}
