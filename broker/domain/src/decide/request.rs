//! Asking for a grant, which begins at once where the right is low risk and needs no approver.

use crate::budget::Spending;
use crate::event::{Actor, Change, Event};
use crate::grant::{Basis, GrantRef, SelfGrant};
use crate::id::{IncidentId, KeyId, PersonId, RightId};
use crate::incident::Incident;
use crate::limits::{LAPSES_AFTER, LENGTH_MIN, LIVE_GRANTS_PER_PERSON};
use crate::policy::{IfNobodyAnswers, Right, Risk, Rule};
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::{Lifetime, Time};

use super::case::Case;
use super::{alert, credential, drill, escalate, review};

/// What the requester signed, and what they want along with it.
pub(super) struct Wanted<'a> {
    pub(super) right: &'a RightId,
    pub(super) sentence: &'a Line,
    pub(super) incident: IncidentId,
    pub(super) reason: &'a Line,
    pub(super) length: Lifetime,
    pub(super) held: bool,
    /// `None` where it is not the key that signed.
    pub(super) key: Option<&'a KeyId>,
    /// Whether a JWT is wanted at once.
    pub(super) credential: bool,
}

pub(super) fn request(
    case: &Case<'_>,
    by: &PersonId,
    wanted: &Wanted<'_>,
) -> Result<Vec<Event>, Refusal> {
    let incident = case.open_incident(wanted.incident)?;
    let (rule, right) = case.given(by, wanted.right)?;
    drill::need_unlocked(case, (incident.id, incident.drill), wanted.right)?;
    need_sentence(right, wanted.sentence)?;
    need_length(right, wanted.length)?;
    alert::need_confirmed(case, incident, wanted.right, right)?;
    need_room(case, by)?;
    if needs_nobody(rule, right) {
        review::need_answers(case, incident)?;
    }
    let key = wanted.key.ok_or_else(|| Refusal::NotEnrolled(by.clone()))?;
    case.afford(&Spending::Requests(by.clone()))?;
    let call = case.policy().callers(rule, by);
    if call.is_empty() && !rule.call.is_empty() {
        return Err(Refusal::NobodyToCall {
            person: by.clone(),
            rule: rule.name.clone(),
        });
    }
    let of = GrantRef {
        grant: case.state.next_grant,
        person: by.clone(),
        right: wanted.right.clone(),
        incident: incident.id,
        drill: incident.drill,
    };
    let approvers = case.policy().approvers(rule, by);
    let escalation = escalate::pinned(case, rule, by, &approvers);
    let at_once = escalation.as_ref();
    let at_once = at_once.and_then(|pinned| escalate::at_once(case, &of, pinned));
    let requested = Change::GrantRequested {
        of: of.clone(),
        sentence: right.sentence.clone(),
        risk: right.risk,
        reason: wanted.reason.clone(),
        length: wanted.length,
        rule: rule.name.clone(),
        approvers,
        lapses_at: lapses_at(case, rule, incident),
        self_grant: self_grant(case, rule, wanted.length)
            .filter(|_| !case.is_vetoed(incident, by, wanted.right)),
        held: wanted.held,
        key: Some(key.clone()),
        audience: right.audience.clone(),
        call,
        escalation,
        handed: None,
    };
    let mut events = vec![case.event(by, requested)];
    events.extend(at_once);
    if needs_nobody(rule, right) {
        let ends_at = case.at.plus(wanted.length).min(incident.closes_at);
        let started = Change::GrantStarted {
            of: of.clone(),
            basis: Basis::FastPath,
            ends_at,
            alone_before: 0,
        };
        events.push(case.event(Actor::Broker, started));
        if wanted.credential {
            let issued = credential::first(case, of, right, ends_at, key)?;
            events.push(case.event(by, issued));
        }
    }
    Ok(events)
}

/// The policy says both or is not taken; the rules hold it once more.
pub(super) fn needs_nobody(rule: &Rule, right: &Right) -> bool {
    rule.approvers.is_empty() && rule.call.is_empty() && right.risk == Risk::Low
}

pub(super) fn need_sentence(right: &Right, signed: &Line) -> Result<(), Refusal> {
    if right.sentence == *signed {
        return Ok(());
    }
    let now = format!("the policy says `{}`", right.sentence);
    Err(Refusal::SentenceChanged(now))
}

fn need_length(right: &Right, asked: Lifetime) -> Result<(), Refusal> {
    if asked > right.longest {
        let longest = right.longest;
        return Err(Refusal::TooLong { asked, longest });
    }
    if asked < LENGTH_MIN {
        let shortest = LENGTH_MIN;
        return Err(Refusal::TooShort { asked, shortest });
    }
    Ok(())
}

pub(super) fn need_room(case: &Case<'_>, by: &PersonId) -> Result<(), Refusal> {
    let live = case.state.live.get(by).copied().unwrap_or_default();
    if live < LIVE_GRANTS_PER_PERSON {
        return Ok(());
    }
    Err(Refusal::TooMany {
        what: "waiting and active grants of one person",
        limit: LIVE_GRANTS_PER_PERSON,
    })
}

/// Never before a self-grant that the rule allows is possible.
pub(super) fn lapses_at(case: &Case<'_>, rule: &Rule, incident: &Incident) -> Time {
    let waits = case.at.plus(rule.lapses_after);
    let lapses_at = match rule.if_nobody_answers {
        IfNobodyAnswers::SelfGrant { after, .. } if rule.lapses_after <= after => {
            case.at.plus(after).plus(LAPSES_AFTER)
        }
        IfNobodyAnswers::SelfGrant { .. } | IfNobodyAnswers::Deny => waits,
    };
    lapses_at.min(incident.closes_at)
}

fn self_grant(case: &Case<'_>, rule: &Rule, asked: Lifetime) -> Option<SelfGrant> {
    match rule.if_nobody_answers {
        IfNobodyAnswers::Deny => None,
        IfNobodyAnswers::SelfGrant { after, longest } => Some(SelfGrant {
            from: case.at.plus(after),
            longest: longest.min(asked),
        }),
    }
}
