//! Opening a drill, what it unlocks, and how it went.

use crate::budget::Spending;
use crate::drill::{Outcome, Recent, Step, StepTime};
use crate::event::{Change, Event};
use crate::id::{IncidentId, PersonId, RightId};
use crate::incident::{Incident, Severity};
use crate::limits::{DRILL_LONGEST, OPEN_DRILLS};
use crate::policy::DrillRules;
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::Lifetime;

use super::case::Case;
use super::duty::Duty;

/// An incident like any other, but that nothing is broken: the least severity there is, and a short age.
pub(super) fn open(case: &Case<'_>, by: &PersonId, title: &Line) -> Result<Vec<Event>, Refusal> {
    rules(case)?;
    case.need(Duty::OpenIncidents, by)?;
    let open = case.state.incidents.values();
    if open.filter(|open| open.drill).count() >= OPEN_DRILLS {
        return Err(Refusal::TooMany {
            what: "open drills",
            limit: OPEN_DRILLS,
        });
    }
    case.afford(&Spending::Drills(by.clone()))?;
    let longest = case.policy().incident_longest.min(DRILL_LONGEST);
    let opened = Change::IncidentOpened {
        incident: case.state.next_incident,
        severity: Severity::Sev3,
        title: title.clone(),
        closes_at: case.at.plus(longest),
        source: None,
        alert: None,
        delivery: None,
        said_at: None,
    };
    let event = case.event(by, opened);
    Ok(vec![Event {
        drill: true,
        ..event
    }])
}

/// A drill unlocks what the policy lists for drills, whatever the rules give beside.
pub(super) fn need_unlocked(
    case: &Case<'_>,
    (incident, drill): (IncidentId, bool),
    right: &RightId,
) -> Result<(), Refusal> {
    if !drill || case.policy().drills_unlock(right) {
        return Ok(());
    }
    Err(Refusal::DrillRight {
        incident,
        right: right.clone(),
    })
}

/// Who opened a drill closes it, whatever duties they have.
pub(super) fn is_walked_by(incident: &Incident, person: &PersonId) -> bool {
    incident.drill && incident.opened_by.person() == Some(person)
}

/// Once, by who opened it, when it is over. That it was good is held against what the state knows.
pub(super) fn record(
    case: &Case<'_>,
    by: &PersonId,
    incident: IncidentId,
    outcome: &Outcome,
) -> Result<Vec<Event>, Refusal> {
    if incident == IncidentId(0) || incident >= case.state.next_incident {
        return Err(Refusal::UnknownIncident(incident));
    }
    let recent = case.state.drills.recent.get(&incident);
    let recent = recent.ok_or_else(|| {
        wrong(format!(
            "{incident} is no drill, or too many others came after it"
        ))
    })?;
    need_own(incident, recent, by)?;
    need_steps(outcome)?;
    if outcome.good {
        need_good(case, incident, recent, outcome)?;
    }
    let recorded = Change::DrillRecorded {
        incident,
        good: outcome.good,
        steps: outcome.steps.clone(),
        failed: outcome.failed.clone(),
    };
    Ok(vec![case.event(by, recorded)])
}

fn need_own(incident: IncidentId, recent: &Recent, by: &PersonId) -> Result<(), Refusal> {
    if recent.by != *by {
        return Err(wrong(format!("{incident} was walked by {}", recent.by)));
    }
    if !recent.closed {
        return Err(wrong(format!("{incident} is still open")));
    }
    if recent.recorded {
        return Err(wrong(format!("how {incident} went is on record already")));
    }
    Ok(())
}

/// Each at most once, in their order; and what failed stands there just where something did.
fn need_steps(outcome: &Outcome) -> Result<(), Refusal> {
    let places: Vec<_> = outcome.steps.iter().map(|it| it.step.place()).collect();
    if !places.is_sorted_by(|before, after| before < after) {
        return Err(wrong("its steps are not in their order".to_owned()));
    }
    match (outcome.good, &outcome.failed) {
        (true, Some(failed)) => Err(wrong(format!("it was good, and this failed: {failed}"))),
        (false, None) => Err(wrong("it was not good, and nothing failed".to_owned())),
        _ => Ok(()),
    }
}

fn need_good(
    case: &Case<'_>,
    incident: IncidentId,
    recent: &Recent,
    outcome: &Outcome,
) -> Result<(), Refusal> {
    let rules = rules(case)?;
    for step in Step::ALL {
        let time = outcome.steps.iter().find(|time| time.step == *step);
        let time = time.ok_or_else(|| wrong(format!("it was good, and has no step `{step}`")))?;
        need_within(time, rules.budget(*step))?;
    }
    if !recent.issued {
        let why = "it was good, and no credential was issued under it";
        return Err(wrong(why.to_owned()));
    }
    let targets = &case.state.targets;
    let sessions = targets.sessions.values().map(|session| &session.of);
    let mut left = sessions.chain(targets.roles.values().map(|role| &role.of));
    match left.find(|of| of.incident == incident) {
        None => Ok(()),
        Some(of) => Err(wrong(format!(
            "it was good, and something of {} is not over at its target",
            of.grant
        ))),
    }
}

fn need_within(time: &StepTime, budget: Lifetime) -> Result<(), Refusal> {
    let StepTime { step, took, .. } = time;
    if time.budget != budget {
        return Err(wrong(format!(
            "it was good with {} for `{step}`, and the policy gives it {budget}",
            time.budget
        )));
    }
    if time.is_slow() {
        return Err(wrong(format!(
            "it was good, and `{step}` took {took} of {budget}"
        )));
    }
    Ok(())
}

fn rules<'a>(case: &Case<'a>) -> Result<&'a DrillRules, Refusal> {
    case.policy().drills.as_ref().ok_or(Refusal::NoDrills)
}

fn wrong(why: String) -> Refusal {
    Refusal::DrillRecord(why)
}
