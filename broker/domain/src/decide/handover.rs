//! Handing over: somebody else goes on with what one has, to the same end.
//!
//! A request is made for the receiver, under the rule that gives them the right today. It begins at
//! once where nobody has to agree to it, or where who hands over is one who may; else it waits, and
//! the old grant goes on. Where it begins, the old one ends behind it in the same batch: at every
//! moment one of the two has it.

use std::collections::BTreeSet;

use crate::budget::Spending;
use crate::event::{Actor, Change, Event};
use crate::grant::{Active, Basis, Ending, Grant, GrantRef, Handed, HandedTo};
use crate::id::{GrantId, IncidentId, PersonId, RightId};
use crate::limits::LENGTH_MIN;
use crate::policy::{Right, Rule};
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::{Lifetime, Time};

use super::approve::names;
use super::case::{Case, need_holder};
use super::request::{lapses_at, need_room, need_sentence, needs_nobody};
use super::{alert, drill, escalate, review};

/// What the holder saw and signed.
pub(super) struct Handing<'a> {
    pub(super) grant: GrantId,
    pub(super) to: &'a PersonId,
    pub(super) incident: IncidentId,
    pub(super) right: &'a RightId,
    pub(super) sentence: &'a Line,
    pub(super) reason: &'a Line,
    pub(super) until: Time,
}

pub(super) fn hand_over(
    case: &Case<'_>,
    by: &PersonId,
    handing: &Handing<'_>,
) -> Result<Vec<Event>, Refusal> {
    let old = case.live(handing.grant)?;
    need_holder(old, by)?;
    let (old, active) = case.active(handing.grant)?;
    need_as_shown(case, old, active, handing)?;
    need_receiver(case, old, handing.to)?;
    let (rule, right) = given(case, old, handing.to)?;
    need_sentence(right, handing.sentence)?;
    may_begin(case, old, handing.to, rule, right)?;
    case.afford(&Spending::Requests(by.clone()))?;
    let requested = case.event(by, request(case, old, active, (rule, right), handing)?);
    let new = Grant::requested(&requested).expect("it is a request");
    let agrees = new.approvers.contains(by);
    let at_once = new.escalation.as_ref();
    let at_once = at_once.and_then(|pinned| escalate::at_once(case, &new.of, pinned));
    let mut events = vec![requested];
    events.extend(at_once);
    if needs_nobody(rule, right) {
        events.extend(begins(case, &new, Actor::Broker, Basis::FastPath, right)?);
    } else if agrees && new.unlock.is_none() {
        events.extend(begins(case, &new, by.into(), Basis::Approved, right)?);
    } else if agrees {
        let approved = Change::GrantApproved {
            of: new.of,
            until: handing.until,
        };
        events.push(case.event(by, approved));
    }
    Ok(events)
}

/// What was signed is what stands here. An end later than that of the grant is nobody's to give.
fn need_as_shown(
    case: &Case<'_>,
    old: &Grant,
    active: &Active,
    handing: &Handing<'_>,
) -> Result<(), Refusal> {
    let of = &old.of;
    let differs = if of.incident != handing.incident {
        format!("{} is under {}", of.grant, of.incident)
    } else if of.right != *handing.right {
        format!("{} is for the right {}", of.grant, of.right)
    } else if handing.until > active.ends_at {
        format!("{} ends at {}", of.grant, active.ends_at)
    } else if handing.until.since(case.at) < LENGTH_MIN {
        format!("{} ends at {}, and that is now", of.grant, handing.until)
    } else {
        return Ok(());
    };
    Err(Refusal::SentenceChanged(differs))
}

/// Somebody else, who is here, could use it, and has nothing of the kind.
fn need_receiver(case: &Case<'_>, old: &Grant, to: &PersonId) -> Result<(), Refusal> {
    let state = case.state;
    if old.of.person == *to {
        return Err(Refusal::OwnHandover(old.of.grant));
    }
    if !state.policy.people.contains_key(to) {
        return Err(Refusal::UnknownPerson(to.clone()));
    }
    if state.is_frozen(to) {
        return Err(Refusal::PersonFrozen(to.clone()));
    }
    if !state.has_key(to) {
        return Err(Refusal::HasNoKey(to.clone()));
    }
    let same = |it: &&Grant| it.of.right == old.of.right && it.of.incident == old.of.incident;
    match state.live_of(to).find(same) {
        None => Ok(()),
        Some(theirs) => Err(Refusal::HoldsAlready {
            person: to.clone(),
            grant: theirs.of.grant,
        }),
    }
}

/// What the policy gives the receiver; where it does not, who could have it is told.
fn given<'a>(
    case: &Case<'a>,
    old: &Grant,
    to: &PersonId,
) -> Result<(&'a Rule, &'a Right), Refusal> {
    case.given(to, &old.of.right).map_err(|refusal| {
        let Refusal::NotAllowed {
            person, sentence, ..
        } = refusal
        else {
            return refusal;
        };
        let (state, right) = (case.state, &old.of.right);
        let could = |it: &&PersonId| {
            **it != old.of.person
                && state.can_answer(it)
                && state.policy.rule_for(it, right).is_some()
        };
        Refusal::NotAllowedToReceive {
            person,
            grant: old.of.grant,
            sentence,
            others: names(state.policy.people.keys().filter(could)),
        }
    })
}

/// What holds for every request holds for this one. Somebody whose self-grant was vetoed does not
/// get it on the word of who has it: they ask, and an approver looks at that.
fn may_begin(
    case: &Case<'_>,
    old: &Grant,
    to: &PersonId,
    rule: &Rule,
    right: &Right,
) -> Result<(), Refusal> {
    let incident = case.open_incident(old.of.incident)?;
    if case.is_vetoed(incident, to, &old.of.right) {
        return Err(Refusal::VetoedReceiver {
            person: to.clone(),
            grant: old.of.grant,
        });
    }
    drill::need_unlocked(case, (incident.id, incident.drill), &old.of.right)?;
    alert::need_confirmed(case, incident, &old.of.right, right)?;
    need_room(case, to)?;
    if needs_nobody(rule, right) {
        review::need_answers(case, incident)?;
    }
    if !rule.call.is_empty() && case.policy().callers(rule, to).is_empty() {
        return Err(Refusal::NobodyToCall {
            person: to.clone(),
            rule: rule.name.clone(),
        });
    }
    Ok(())
}

/// Lives by itself: its holder's client was never asked to hold it. Is bound to no key: its holder has
/// signed nothing yet. Has no self-grant: nobody gets alone what somebody else was given.
fn request(
    case: &Case<'_>,
    old: &Grant,
    active: &Active,
    (rule, right): (&Rule, &Right),
    handing: &Handing<'_>,
) -> Result<Change, Refusal> {
    let incident = case.open_incident(old.of.incident)?;
    let approvers = case.policy().approvers(rule, handing.to);
    let escalation = escalate::pinned(case, rule, handing.to, &approvers);
    Ok(Change::GrantRequested {
        of: GrantRef {
            grant: case.state.next_grant,
            person: handing.to.clone(),
            right: old.of.right.clone(),
            incident: incident.id,
            drill: incident.drill,
        },
        sentence: right.sentence.clone(),
        risk: right.risk,
        reason: handing.reason.clone(),
        length: whole_seconds(handing.until.since(case.at)).min(right.longest),
        rule: rule.name.clone(),
        approvers,
        // Nobody waits for what would be over when it began.
        lapses_at: lapses_at(case, rule, incident).min(handing.until),
        self_grant: None,
        held: false,
        key: None,
        audience: right.audience.clone(),
        call: case.policy().callers(rule, handing.to),
        escalation,
        handed: Some(Handed {
            from: old.of.grant,
            since: old.counts_since(active),
            until: handing.until,
        }),
    })
}

/// A length is told in whole seconds, and `until` is the end all the same.
fn whole_seconds(length: Lifetime) -> Lifetime {
    Lifetime::from_millis((length.as_millis() + 999) / 1_000 * 1_000)
}

fn begins(
    case: &Case<'_>,
    new: &Grant,
    by: Actor,
    basis: Basis,
    right: &Right,
) -> Result<Vec<Event>, Refusal> {
    let incident = case.open_incident(new.of.incident)?;
    let ends_at = case.at.plus(new.length.min(right.longest));
    let started = Change::GrantStarted {
        of: new.of.clone(),
        basis,
        ends_at: latest(case, new, ends_at.min(incident.closes_at))?,
        alone_before: 0,
    };
    Ok(with_other_end(case, new, case.event(by, started)))
}

/// The end of a grant that begins: where it was handed over, not after that of the other one.
pub(super) fn latest(case: &Case<'_>, grant: &Grant, ends_at: Time) -> Result<Time, Refusal> {
    let Some(handed) = &grant.handed else {
        return Ok(ends_at);
    };
    let (_, other) = case.active(handed.from)?;
    Ok(ends_at.min(handed.until).min(other.ends_at))
}

/// The beginning of a grant, and behind it the end of the one it was handed over from.
pub(super) fn with_other_end(case: &Case<'_>, grant: &Grant, begun: Event) -> Vec<Event> {
    let mut events = vec![begun];
    let other = grant.handed.as_ref();
    if let Some(other) = other.and_then(|handed| case.state.grants.get(&handed.from)) {
        let ended = Change::GrantEnded {
            of: other.of.clone(),
            ending: Ending::HandedOver,
            reason: None,
            to: Some(HandedTo {
                grant: grant.of.grant,
                person: grant.of.person.clone(),
            }),
        };
        events.push(case.event(Actor::Broker, ended));
    }
    events
}

/// What became of a grant that others waited for: "G-16 went to otto, as G-17".
fn became(of: &GrantRef, ending: Ending, to: Option<&HandedTo>) -> String {
    match to {
        Some(to) => format!("{} went to {}, as {}", of.grant, to.person, to.grant),
        None => format!("{} is over: {}", of.grant, ending.in_words()),
    }
}

/// Behind an act the end of what waits to be handed over from a grant that the act has ended: there is
/// nothing any more to hand over.
pub(super) fn left_waiting(case: &Case<'_>, events: &[Event]) -> Vec<Event> {
    let mut over = Vec::new();
    let mut done = BTreeSet::new();
    for event in events {
        match &event.change {
            Change::GrantEnded { of, ending, to, .. } => {
                over.push((of.grant, became(of, *ending, to.as_ref())));
                done.insert(of.grant);
            }
            Change::GrantStarted { of, .. } => {
                done.insert(of.grant);
            }
            _ => {}
        }
    }
    if over.is_empty() {
        return Vec::new();
    }
    let waits = |grant: &&Grant| grant.is_waiting() && !done.contains(&grant.of.grant);
    let waiting = case.state.grants.values().filter(waits);
    let ended = waiting.filter_map(|grant| {
        let from = grant.handed.as_ref()?.from;
        let (_, became) = over.iter().find(|(ended, _)| *ended == from)?;
        let lapsed = Change::GrantEnded {
            of: grant.of.clone(),
            ending: Ending::Lapsed,
            reason: Some(Line::recorded(became)),
            to: None,
        };
        Some(case.event(Actor::Broker, lapsed))
    });
    ended.collect()
}
