//! The founder's path: a call with an engineer, a note in the incident, and a yes where the rule names
//! approvers. In any order; the grant begins in the batch of whatever came last.

use std::collections::BTreeSet;

use crate::event::{Actor, Change, Event, Signed};
use crate::grant::{Basis, Grant};
use crate::id::{IncidentId, PersonId};
use crate::limits::CALL_WITHIN;
use crate::policy::Rule;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::unlock::{Unlock, Yes};

use super::approve::{Shown, names, need_as_shown, need_requester};
use super::case::{Case, to_another};
use super::{escalate, handover};

/// The record of a request that needs a call; nothing where it needs none. A rule that has come to
/// ask for one since counts.
pub(super) fn of<'g>(rule: &Rule, grant: &'g Grant) -> Result<Option<&'g Unlock>, Refusal> {
    match &grant.unlock {
        None if !rule.call.is_empty() => Err(Refusal::SentenceChanged(format!(
            "{} was asked for without a call, and the rule {} now asks for one",
            grant.of.grant, rule.name,
        ))),
        unlock => Ok(unlock.as_ref()),
    }
}

/// An engineer spoke with the requester; when, they say by the clock they sign by.
pub(super) fn record_call(
    case: &Case<'_>,
    by: &PersonId,
    shown: &Shown<'_>,
    spoke_at: Time,
    signed: Option<&Signed>,
) -> Result<Vec<Event>, Refusal> {
    let id = shown.grant;
    let grant = case.waiting(id).map_err(to_another)?;
    need_as_shown(grant, shown)?;
    case.open_incident(grant.of.incident)?;
    let (rule, _) = case.still_given(grant)?;
    let unlock = of(rule, grant)?.ok_or(Refusal::NoCallWanted(id))?;
    let counts = |person: &PersonId| counts(case, rule, unlock, person);
    if !counts(by) {
        return Err(Refusal::NotCaller {
            person: by.clone(),
            grant: id,
            callers: names(unlock.callers.iter().filter(|person| counts(person))),
        });
    }
    if unlock.calls.iter().any(|call| call.by == *by) {
        return Err(Refusal::CallRecorded(id));
    }
    need_requester(case, grant)?;
    let signed_at = signed.map_or(case.at, |signed| signed.at);
    if spoke_at > signed_at || spoke_at.plus(CALL_WITHIN) < signed_at {
        return Err(Refusal::CallTime { spoke_at });
    }
    let recorded = Change::CallRecorded {
        of: grant.of.clone(),
        spoke_at,
    };
    Ok(with_beginning(case, grant, case.event(by, recorded)))
}

/// A yes that cannot begin it alone.
pub(super) fn approve(
    case: &Case<'_>,
    by: &PersonId,
    grant: &Grant,
    unlock: &Unlock,
    until: Time,
) -> Result<Vec<Event>, Refusal> {
    // One that has run out can be given again.
    if unlock
        .yes
        .iter()
        .any(|yes| yes.by == *by && yes.until > case.at)
    {
        return Err(Refusal::ApprovedAlready(grant.of.grant));
    }
    let approved = Change::GrantApproved {
        of: grant.of.clone(),
        until,
    };
    Ok(with_beginning(case, grant, case.event(by, approved)))
}

/// What a note leads to: requests under the incident for which it was the last that was needed. A
/// note that does not count for a request begins none, also where nothing is missing any more: what
/// begins, begins with what was done for it. What is handed over is handed over once: of several who wait
/// for the same the first has it.
pub(super) fn after_note(case: &Case<'_>, incident: IncidentId, noted: Event) -> Vec<Event> {
    let mut events = vec![noted];
    let mut gone = BTreeSet::new();
    for grant in case.state.live_under(incident) {
        let from = grant.handed.as_ref().map(|handed| handed.from);
        if from.is_some_and(|from| gone.contains(&from)) {
            continue;
        }
        let counts = events[0].by.person().is_some_and(|by| notes_of(grant, by));
        let begun = counts.then(|| beginning(case, grant, &events[0]));
        let begun: Vec<_> = begun.flatten().into_iter().flatten().collect();
        if !begun.is_empty() {
            gone.extend(from);
        }
        events.extend(begun);
    }
    events
}

fn notes_of(grant: &Grant, person: &PersonId) -> bool {
    let unlock = grant.unlock.as_ref();
    unlock.is_some_and(|unlock| unlock.takes_notes_of(person, &grant.of.person))
}

fn with_beginning(case: &Case<'_>, grant: &Grant, event: Event) -> Vec<Event> {
    let begun = beginning(case, grant, &event);
    std::iter::once(event)
        .chain(begun.into_iter().flatten())
        .collect()
}

/// That it begins, where nothing is missing after the event. What no longer counts by now (a policy
/// that changed, somebody who left) leaves it waiting.
fn beginning(case: &Case<'_>, grant: &Grant, event: &Event) -> Option<Vec<Event>> {
    if case.clock_is_behind() || !grant.is_waiting() {
        return None;
    }
    let mut after = grant.clone();
    after.apply(event);
    let incident = case.open_incident(grant.of.incident).ok()?;
    let (rule, right) = case.still_given(grant).ok()?;
    let unlock = of(rule, &after).ok()??;
    need_requester(case, grant).ok()?;
    let approves =
        |yes: &Yes| yes.until > case.at && escalate::lets_approve(case, rule, grant, &yes.by);
    let unlock = unlock
        .clone()
        .counting(|person| counts(case, rule, unlock, person), approves);
    let asks = !rule.approvers.is_empty() || !grant.approvers.is_empty();
    if !unlock.missing(&grant.of.person, asks).is_nothing() {
        return None;
    }
    let length = grant.length.min(right.longest);
    let agreed = unlock.yes.iter().map(|yes| yes.until).max();
    let ends_at = case.at.plus(length).min(incident.closes_at);
    let ends_at = handover::latest(case, grant, ends_at).ok()?;
    let ends_at = agreed.map_or(ends_at, |until| until.min(ends_at));
    if ends_at <= case.at {
        return None;
    }
    let begun = Change::GrantStarted {
        of: grant.of.clone(),
        basis: Basis::Called,
        ends_at,
        alone_before: 0,
    };
    let begun = case.event(Actor::Broker, begun);
    Some(handover::with_other_end(case, grant, begun))
}

/// Those whose call a request asks for, as far as the rule still selects them.
pub(super) fn still_counting<'a>(
    case: &Case<'_>,
    rule: &Rule,
    grant: &'a Grant,
) -> Vec<&'a PersonId> {
    let unlock = grant.unlock.as_ref();
    let callers = unlock.iter().flat_map(|unlock| &unlock.callers);
    callers
        .filter(|person| case.policy().selects(&rule.call, person))
        .collect()
}

/// Pinned in the request, and the rule still selects them.
fn counts(case: &Case<'_>, rule: &Rule, unlock: &Unlock, person: &PersonId) -> bool {
    unlock.callers.contains(person) && case.policy().selects(&rule.call, person)
}
