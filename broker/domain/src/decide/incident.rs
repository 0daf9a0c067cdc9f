//! Opening, noting, closing.

use crate::budget::Spending;
use crate::event::{Change, Event};
use crate::grant::Ending;
use crate::id::{IncidentId, PersonId};
use crate::incident::Severity;
use crate::limits::{OPEN_INCIDENTS, OPENINGS, OPENINGS_WINDOW};
use crate::refusal::Refusal;
use crate::text::{Line, Prose};
use crate::time::Time;

use super::case::Case;
use super::duty::Duty;
use super::{drill, ending, unlock};

pub(super) fn open(
    case: &Case<'_>,
    by: &PersonId,
    severity: Severity,
    title: &Line,
) -> Result<Vec<Event>, Refusal> {
    case.need(Duty::OpenIncidents, by)?;
    let open = || case.state.incidents.values();
    if open().filter(|open| !open.drill).count() >= OPEN_INCIDENTS {
        return Err(Refusal::TooMany {
            what: "open incidents",
            limit: OPEN_INCIDENTS,
        });
    }
    if let Some(again_at) = opens_again_at(case, by) {
        return Err(Refusal::OpenedTooMany {
            person: by.clone(),
            limit: OPENINGS,
            again_at,
        });
    }
    if is_title_of_drill(title) {
        return Err(Refusal::TitleOfDrill);
    }
    let opened = Change::IncidentOpened {
        incident: case.state.next_incident,
        severity,
        title: title.clone(),
        closes_at: case.at.plus(case.policy().incident_longest),
        source: None,
        alert: None,
        delivery: None,
    };
    Ok(vec![case.event(by, opened)])
}

/// When somebody can open one again who has opened as many as there may be; else nothing.
fn opens_again_at(case: &Case<'_>, by: &PersonId) -> Option<Time> {
    let times = case.state.openings.get(by)?;
    let ends = times.iter().map(|opened| opened.plus(OPENINGS_WINDOW));
    let recent: Vec<_> = ends.filter(|end| *end > case.at).collect();
    let over = recent.len().checked_sub(OPENINGS)?;
    recent.get(over).copied()
}

/// `DRILL` stands before whatever is of a drill, and before nothing else.
fn is_title_of_drill(title: &Line) -> bool {
    let word = title
        .as_str()
        .trim_start()
        .split(|c: char| !c.is_alphanumeric());
    word.into_iter()
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("drill"))
}

/// Anybody in the policy may: read access is wide.
pub(super) fn note(
    case: &Case<'_>,
    by: &PersonId,
    incident: IncidentId,
    text: &Prose,
) -> Result<Vec<Event>, Refusal> {
    let incident = case.named_incident(incident)?;
    case.afford(&Spending::Notes(by.clone()))?;
    let noted = Change::IncidentNoted {
        incident: incident.id,
        text: text.clone(),
    };
    Ok(unlock::after_note(case, incident.id, case.event(by, noted)))
}

/// Keeps open what an alert would close, and says that a person knows of it.
pub(super) fn hold(
    case: &Case<'_>,
    by: &PersonId,
    incident: IncidentId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    case.need(Duty::HoldIncidents, by)?;
    let incident = case.open_incident(incident)?;
    if incident.alert.is_none() {
        return Err(Refusal::NothingToHold(incident.id));
    }
    case.afford(&Spending::Notes(by.clone()))?;
    let held = Change::IncidentHeld {
        incident: incident.id,
        reason: reason.clone(),
    };
    Ok(vec![case.event(by, held)])
}

/// Ends every grant under it first.
pub(super) fn close(
    case: &Case<'_>,
    by: &PersonId,
    incident: IncidentId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    let walked = case.state.incidents.get(&incident);
    if !walked.is_some_and(|it| drill::is_walked_by(it, by)) {
        case.need(Duty::CloseIncidents, by)?;
    }
    let incident = case.named_incident(incident)?;
    let mut events: Vec<_> = case
        .state
        .live_under(incident.id)
        .map(|grant| ending::change(grant, Ending::IncidentClosed, Some(reason.clone())))
        .map(|ended| case.event(by, ended))
        .collect();
    let closed = Change::IncidentClosed {
        incident: incident.id,
        reason: reason.clone(),
    };
    events.push(case.event(by, closed));
    Ok(events)
}
