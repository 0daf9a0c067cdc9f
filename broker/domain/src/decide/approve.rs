//! Yes, no, and what a rule allows when nobody says either.

use crate::event::{Change, Event};
use crate::grant::{Basis, Ending, Grant};
use crate::id::{GrantId, IncidentId, PersonId, RightId};
use crate::policy::{IfNobodyAnswers, Rule};
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::Time;

use super::case::{Case, need_holder, to_another};
use super::{alone, ending, escalate, handover, unlock};

/// What the signer saw of a request when they signed.
pub(super) struct Shown<'a> {
    pub(super) grant: GrantId,
    pub(super) incident: IncidentId,
    pub(super) requester: &'a PersonId,
    pub(super) right: &'a RightId,
    pub(super) sentence: &'a Line,
}

/// The approver was pinned when the request was made, and the policy still names them.
pub(super) fn approve(
    case: &Case<'_>,
    by: &PersonId,
    shown: &Shown<'_>,
    until: Time,
) -> Result<Vec<Event>, Refusal> {
    let grant = case.live(shown.grant).map_err(to_another)?;
    if grant.of.person == *by {
        return Err(Refusal::SelfApproval(grant.of.grant));
    }
    let grant = case.waiting(grant.of.grant)?;
    need_as_shown(grant, shown)?;
    let incident = case.open_incident(grant.of.incident)?;
    let (rule, right) = case.still_given(grant)?;
    escalate::need_turn(grant, by)?;
    need_approver(case, rule, grant, by)?;
    need_requester(case, grant)?;
    let length = grant.length.min(right.longest);
    let ends_at = case.at.plus(length).min(until).min(incident.closes_at);
    let ends_at = handover::latest(case, grant, ends_at)?;
    let unlock = unlock::of(rule, grant)?;
    if ends_at <= case.at {
        let past = format!("the end that you agreed to, {until}, has passed");
        return Err(Refusal::SentenceChanged(past));
    }
    if let Some(unlock) = unlock {
        return unlock::approve(case, by, grant, unlock, until);
    }
    let started = Change::GrantStarted {
        of: grant.of.clone(),
        basis: Basis::Approved,
        ends_at,
        alone_before: 0,
    };
    Ok(handover::with_other_end(
        case,
        grant,
        case.event(by, started),
    ))
}

/// An approver, or one whose call it needs.
pub(super) fn deny(
    case: &Case<'_>,
    by: &PersonId,
    grant: GrantId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    let grant = case.waiting(grant).map_err(to_another)?;
    if !grant.asks(by) {
        escalate::need_turn(grant, by)?;
        return Err(not_approver(grant, by, who_is_asked(grant)));
    }
    let denied = ending::change(grant, Ending::Denied, Some(reason.clone()));
    Ok(vec![case.event(by, denied)])
}

/// Pinned when the request was made; a policy that has become stricter since counts as well.
pub(super) fn self_grant(
    case: &Case<'_>,
    by: &PersonId,
    shown: &Shown<'_>,
) -> Result<Vec<Event>, Refusal> {
    let grant = case.live(shown.grant)?;
    need_holder(grant, by)?;
    let grant = case.waiting(grant.of.grant)?;
    need_as_shown(grant, shown)?;
    let incident = case.open_incident(grant.of.incident)?;
    let (rule, right) = case.still_given(grant)?;
    let id = grant.of.grant;
    if case.is_vetoed(incident, by, &grant.of.right) {
        return Err(Refusal::Vetoed(id));
    }
    if grant.handed.is_some() {
        return Err(Refusal::HandedOver(id));
    }
    let pinned = grant.self_grant.ok_or(Refusal::SelfGrantDenied(id))?;
    let IfNobodyAnswers::SelfGrant { longest, .. } = rule.if_nobody_answers else {
        return Err(Refusal::SelfGrantDenied(id));
    };
    alone::need_none(case, &grant.of)?;
    let from = case.state.alone_from(grant).unwrap_or(pinned.from);
    if case.at < from {
        return Err(Refusal::SelfGrantTooEarly { grant: id, from });
    }
    let length = pinned.longest.min(longest).min(right.longest);
    let ends_at = case.at.plus(length).min(incident.closes_at);
    let started = Change::GrantStarted {
        of: grant.of.clone(),
        basis: Basis::SelfGranted,
        ends_at,
        alone_before: incident.alone_before(by, &grant.of.right),
    };
    Ok(vec![case.event(by, started)])
}

/// One of those pinned in the request, whom the rule still selects.
pub(super) fn need_approver(
    case: &Case<'_>,
    rule: &Rule,
    grant: &Grant,
    person: &PersonId,
) -> Result<(), Refusal> {
    let may = |person: &&PersonId| escalate::lets_approve(case, rule, grant, person);
    if grant.approvers.contains(person) && may(&person) {
        return Ok(());
    }
    let is_there = |person: &&PersonId| case.state.can_answer(person);
    let others = grant.approvers.iter().filter(may);
    let mut others = others.filter(is_there).peekable();
    let callers = unlock::still_counting(case, rule, grant);
    // Who is asked for a call is told of that; and so is everybody where no yes is asked for.
    if callers.contains(&person) || (others.peek().is_none() && !callers.is_empty()) {
        return Err(Refusal::CallInstead {
            person: person.clone(),
            grant: grant.of.grant,
            requester: grant.of.person.clone(),
            callers: names(callers.into_iter()),
        });
    }
    Err(not_approver(grant, person, others))
}

pub(super) fn need_as_shown(grant: &Grant, shown: &Shown<'_>) -> Result<(), Refusal> {
    let of = &grant.of;
    let differs = if of.incident != shown.incident {
        format!("{} is under {}", of.grant, of.incident)
    } else if of.person != *shown.requester {
        format!("{} was asked for by {}", of.grant, of.person)
    } else if of.right != *shown.right {
        format!("{} is for the right {}", of.grant, of.right)
    } else if grant.sentence != *shown.sentence {
        format!("{} is to `{}`", of.grant, grant.sentence)
    } else {
        return Ok(());
    };
    Err(Refusal::SentenceChanged(differs))
}

/// The requester could use what they would get.
pub(super) fn need_requester(case: &Case<'_>, grant: &Grant) -> Result<(), Refusal> {
    let requester = &grant.of.person;
    if case.state.is_frozen(requester) {
        return Err(Refusal::PersonFrozen(requester.clone()));
    }
    let has_key = match &grant.key {
        Some(key) => case.state.knows(requester, key),
        // Nobody has signed it for them: any laptop of theirs will do.
        None => case.policy().people.contains_key(requester) && case.state.has_key(requester),
    };
    if !has_key {
        return Err(Refusal::NotEnrolled(requester.clone()));
    }
    Ok(())
}

fn not_approver<'a>(
    grant: &Grant,
    person: &PersonId,
    approvers: impl Iterator<Item = &'a PersonId>,
) -> Refusal {
    Refusal::NotApprover {
        person: person.clone(),
        grant: grant.of.grant,
        approvers: names(approvers),
    }
}

/// Those whose word it waits for.
fn who_is_asked(grant: &Grant) -> impl Iterator<Item = &PersonId> {
    let callers = grant.unlock.iter().flat_map(|unlock| &unlock.callers);
    let others = callers.filter(|caller| !grant.approvers.contains(caller));
    grant.approvers.iter().chain(others)
}

/// Comma separated; `nobody` where there is none.
pub(super) fn names<'a>(people: impl Iterator<Item = &'a PersonId>) -> String {
    let names: Vec<_> = people.map(PersonId::as_str).collect();
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}
