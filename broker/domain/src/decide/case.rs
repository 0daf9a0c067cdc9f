//! What every decision looks things up in: the state, at one moment.

use crate::event::{Actor, Change, Event};
use crate::grant::{Active, Ending, Grant, Phase};
use crate::id::{GrantId, IncidentId, PersonId, RightId};
use crate::incident::Incident;
use crate::limits::CLOCK_BEHIND;
use crate::policy::{Policy, Right, Rule};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Time;

use super::drill;
use super::duty::Duty;

/// The state at one moment.
pub(super) struct Case<'a> {
    pub(super) state: &'a State,
    /// The wall clock.
    pub(super) now: Time,
    /// The same, but never before the newest event: what is decided by and what events are dated.
    pub(super) at: Time,
}

impl<'a> Case<'a> {
    pub(super) fn new(state: &'a State, now: Time) -> Self {
        let at = now.max(state.newest);
        Self { state, now, at }
    }

    pub(super) fn policy(&self) -> &'a Policy {
        &self.state.policy
    }

    /// One event of this moment; the first one gets the statement later.
    pub(super) fn event(&self, by: impl Into<Actor>, change: Change) -> Event {
        Event {
            at: self.at,
            by: by.into(),
            drill: self.state.is_of_drill(&change),
            change,
            signed: None,
        }
    }

    /// Whether the wall clock fell so far behind the ledger that nothing may begin.
    pub(super) fn clock_is_behind(&self) -> bool {
        self.state.newest.since(self.now) > CLOCK_BEHIND
    }

    /// The policy gives the duty to the person.
    pub(super) fn need(&self, duty: Duty, person: &PersonId) -> Result<(), Refusal> {
        if self.has(duty, person) {
            return Ok(());
        }
        Err(Refusal::NotPermitted {
            person: person.clone(),
            duty: duty.text(),
        })
    }

    pub(super) fn has(&self, duty: Duty, person: &PersonId) -> bool {
        let policy = self.policy();
        policy.selects(duty.given_to(&policy.duties), person)
    }

    /// An incident that is open at this moment, for what needs one: where none is, that is what has
    /// to be said, and not which one.
    pub(super) fn open_incident(&self, id: IncidentId) -> Result<&'a Incident, Refusal> {
        let is_open = |incident: &Incident| self.at < incident.closes_at;
        self.named_incident(id).map_err(|refusal| {
            if self.state.incidents.values().any(is_open) {
                refusal
            } else {
                Refusal::NoOpenIncident
            }
        })
    }

    /// The same, for what is done to the incident itself: opening another would not help.
    pub(super) fn named_incident(&self, id: IncidentId) -> Result<&'a Incident, Refusal> {
        let is_open = |incident: &&Incident| self.at < incident.closes_at;
        if let Some(incident) = self.state.incidents.get(&id).filter(is_open) {
            return Ok(incident);
        }
        if id == IncidentId(0) || id >= self.state.next_incident {
            return Err(Refusal::UnknownIncident(id));
        }
        Err(Refusal::IncidentClosed(id))
    }

    /// A grant that waits or is active at this moment.
    pub(super) fn live(&self, id: GrantId) -> Result<&'a Grant, Refusal> {
        let Some(grant) = self.state.grants.get(&id) else {
            if id == GrantId(0) || id >= self.state.next_grant {
                return Err(Refusal::UnknownGrant(id));
            }
            return Err(over(id, None));
        };
        match &grant.phase {
            Phase::Waiting if self.at < grant.lapses_at => Ok(grant),
            Phase::Waiting => Err(over(id, Some((Ending::Lapsed, grant.lapses_at)))),
            Phase::Active(active) if self.at < active.ends_at => Ok(grant),
            Phase::Active(active) => Err(over(id, Some((Ending::Expired, active.ends_at)))),
            Phase::Ended(ended) => Err(over(id, Some((ended.ending, ended.at)))),
        }
    }

    /// A request that waits at this moment.
    pub(super) fn waiting(&self, id: GrantId) -> Result<&'a Grant, Refusal> {
        let grant = self.live(id)?;
        if grant.is_waiting() {
            Ok(grant)
        } else {
            Err(Refusal::GrantActive(id))
        }
    }

    /// A grant that is active at this moment.
    pub(super) fn active(&self, id: GrantId) -> Result<(&'a Grant, &'a Active), Refusal> {
        let grant = self.live(id)?;
        let active = grant.active().ok_or(Refusal::GrantWaiting(id))?;
        Ok((grant, active))
    }

    /// Whether a self-grant of the person for the right was vetoed under the incident.
    pub(super) fn is_vetoed(
        &self,
        incident: &Incident,
        person: &PersonId,
        right: &RightId,
    ) -> bool {
        let vetoed = (person.clone(), right.clone());
        incident.vetoed.contains(&vetoed)
    }

    /// What the policy says now of a right for a person.
    pub(super) fn given(
        &self,
        person: &PersonId,
        right: &RightId,
    ) -> Result<(&'a Rule, &'a Right), Refusal> {
        let policy = self.policy();
        let known = policy.rights.get(right);
        let known = known.ok_or_else(|| Refusal::UnknownRight(right.clone()))?;
        let rule = policy.rule_for(person, right);
        let rule = rule.ok_or_else(|| Refusal::NotAllowed {
            person: person.clone(),
            right: right.clone(),
            sentence: known.sentence.as_str().to_owned(),
        })?;
        Ok((rule, known))
    }

    /// What the policy says now of a grant, which must still be what was pinned: the same rule, the
    /// same sentence. A grant does not begin or grow under words that nobody signed.
    pub(super) fn still_given(&self, grant: &Grant) -> Result<(&'a Rule, &'a Right), Refusal> {
        let (rule, right) = self.given(&grant.of.person, &grant.of.right)?;
        let of = &grant.of;
        drill::need_unlocked(self, (of.incident, of.drill), &of.right)?;
        let differs = if rule.name != grant.rule {
            format!("the rule was {}, and is {}", grant.rule, rule.name)
        } else if right.sentence != grant.sentence {
            format!(
                "it was to `{}`, and is to `{}`",
                grant.sentence, right.sentence
            )
        } else {
            return Ok((rule, right));
        };
        Err(Refusal::PolicyChanged {
            grant: of.grant,
            holder: of.person.clone(),
            right: of.right.clone(),
            differs,
        })
    }
}

/// Only the holder goes on.
pub(super) fn need_holder(grant: &Grant, person: &PersonId) -> Result<(), Refusal> {
    if grant.of.person == *person {
        return Ok(());
    }
    Err(Refusal::NotYours {
        grant: grant.of.grant,
        holder: grant.of.person.clone(),
    })
}

/// For acts of others than the holder, who would not ask for it again.
pub(super) fn to_another(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::GrantEnded { grant, ended } => Refusal::EndedAlready { grant, ended },
        other => other,
    }
}

fn over(grant: GrantId, ended: Option<(Ending, Time)>) -> Refusal {
    Refusal::GrantEnded { grant, ended }
}
