//! Alerts: what sources may do, and what their word is worth.

use crate::budget::Spending;
use crate::command::Act;
use crate::deliveries::Delivery;
use crate::event::{Change, Event};
use crate::grant::Grant;
use crate::id::{RightId, SourceId};
use crate::incident::Incident;
use crate::limits::{OPEN_FOR_ALERTS, OPEN_INCIDENTS};
use crate::policy::{Right, Source};
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::Time;

use super::admit;
use super::case::Case;
use super::duty::Duty;

/// What a source may do, and nothing else.
pub(super) fn act(case: &Case<'_>, by: &SourceId, act: &Act) -> Result<Vec<Event>, Refusal> {
    let source = case.policy().sources.get(by);
    let source = source.ok_or_else(|| Refusal::UnknownSource(by.clone()))?;
    admit::clock(case, act)?;
    match act {
        Act::Fire { key, delivery, .. } | Act::Resolve { key, delivery }
            if was_taken(case, by, key, delivery.as_ref()) =>
        {
            Ok(Vec::new())
        }
        Act::Fire { key, delivery, .. } => match known(case, by, key) {
            Some(incident) if incident.resolved => {
                Ok(vec![refired(case, by, incident, delivery.as_ref())])
            }
            Some(_) => Ok(Vec::new()),
            None => open(case, (by, source), act),
        },
        Act::Resolve { key, delivery } => match known(case, by, key) {
            Some(incident) if !incident.resolved => {
                resolve(case, (by, source), incident, delivery.as_ref())
            }
            Some(_) | None => Ok(Vec::new()),
        },
        // Everything else takes the signature of a person.
        _ => Err(Refusal::StatementMissing),
    }
}

/// What can be asked for on an alert's word alone: it may be false, or made up by somebody who holds
/// the source's secret. A person who could have opened the incident themselves makes it theirs by a
/// note or by holding it open.
pub(super) fn need_confirmed(
    case: &Case<'_>,
    incident: &Incident,
    id: &RightId,
    right: &Right,
) -> Result<(), Refusal> {
    let Some(alert) = &incident.alert else {
        return Ok(());
    };
    let source = case.policy().sources.get(&alert.source);
    if is_confirmed(case, incident) || source.is_some_and(|source| source.unlocks(id, right)) {
        return Ok(());
    }
    Err(Refusal::Unconfirmed {
        incident: incident.id,
        alert_source: alert.source.clone(),
        sentence: right.sentence.to_string(),
    })
}

fn is_confirmed(case: &Case<'_>, incident: &Incident) -> bool {
    let mut writers = incident.notes.iter().filter_map(|note| note.by.person());
    incident.held || writers.any(|by| case.has(Duty::OpenIncidents, by))
}

/// Whether a delivery is one that was taken before, or may be, or is older than what was taken of its alert.
fn was_taken(case: &Case<'_>, by: &SourceId, key: &Line, delivery: Option<&Delivery>) -> bool {
    let deliveries = &case.state.deliveries;
    delivery.is_some_and(|delivery| {
        deliveries.knows(by, &delivery.id, case.at)
            || deliveries.may_have_forgotten(by, key, delivery.signed_at)
            || deliveries.knows_newer(by, key, delivery.signed_at)
    })
}

fn id_of(delivery: Option<&Delivery>) -> Option<Line> {
    delivery.map(|delivery| delivery.id.clone())
}

/// The open incident of an alert. There are few, so they are looked through.
fn known<'a>(case: &Case<'a>, by: &SourceId, key: &Line) -> Option<&'a Incident> {
    let mut incidents = case.state.incidents.values();
    incidents.find(|incident| case.at < incident.closes_at && incident.is_of(by, key))
}

fn open(
    case: &Case<'_>,
    (by, source): (&SourceId, &Source),
    fires: &Act,
) -> Result<Vec<Event>, Refusal> {
    let Act::Fire {
        key,
        title,
        words,
        delivery,
    } = fires
    else {
        return Ok(Vec::new());
    };
    let severity = source.severity.of(words);
    let severity = severity.ok_or_else(|| unknown_severity(by, words))?;
    let open = || case.state.incidents.values();
    if open().filter(|open| !open.drill).count() >= OPEN_INCIDENTS {
        return Err(Refusal::TooMany {
            what: "open incidents",
            limit: OPEN_INCIDENTS,
        });
    }
    if open().filter(|open| open.alert.is_some()).count() >= OPEN_FOR_ALERTS {
        return Err(Refusal::TooMany {
            what: "open incidents of alerts",
            limit: OPEN_FOR_ALERTS,
        });
    }
    afford(case, by, key)?;
    let opened = Change::IncidentOpened {
        incident: case.state.next_incident,
        severity,
        title: title.clone(),
        closes_at: case.at.plus(case.policy().incident_longest),
        source: Some(by.clone()),
        alert: Some(key.clone()),
        delivery: id_of(delivery.as_ref()),
        said_at: delivery.as_ref().map(|it| it.signed_at),
    };
    Ok(vec![case.event(by, opened)])
}

/// One that flaps is stopped before it uses up what its source may do for others.
fn afford(case: &Case<'_>, by: &SourceId, key: &Line) -> Result<(), Refusal> {
    case.afford(&Spending::Alert(by.clone(), key.clone()))?;
    case.afford(&Spending::Alerts(by.clone()))
}

fn unknown_severity(by: &SourceId, words: &[Line]) -> Refusal {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    let words = match words.is_empty() {
        true => "an alert that says none".to_owned(),
        false => words.join(" or "),
    };
    Refusal::UnknownSeverity {
        alert_source: by.clone(),
        words,
    }
}

fn refired(
    case: &Case<'_>,
    by: &SourceId,
    incident: &Incident,
    delivery: Option<&Delivery>,
) -> Event {
    let change = Change::IncidentRefired {
        incident: incident.id,
        closes_at: incident.usual_end,
        delivery: id_of(delivery),
        said_at: delivery.map(|it| it.signed_at),
    };
    case.event(by, change)
}

/// Nobody is cut off by an alert: it closes after the grace, and not before the last grant that runs or
/// is waited for now would have ended by itself.
fn resolve(
    case: &Case<'_>,
    (by, source): (&SourceId, &Source),
    incident: &Incident,
    delivery: Option<&Delivery>,
) -> Result<Vec<Event>, Refusal> {
    if let Some(alert) = &incident.alert {
        afford(case, by, &alert.key)?;
    }
    let ends = case.state.live_under(incident.id);
    let last = ends.map(latest_end).max();
    let early = case.at.plus(source.grace);
    let closes_at = last.map_or(early, |last| last.max(early));
    let resolved = Change::IncidentResolved {
        incident: incident.id,
        closes_at: match incident.held {
            true => incident.usual_end,
            false => closes_at.min(incident.usual_end),
        },
        delivery: id_of(delivery),
        said_at: delivery.map(|it| it.signed_at),
    };
    Ok(vec![case.event(by, resolved)])
}

/// When it is over by itself at the latest; of a request, where it is answered at the last moment.
fn latest_end(grant: &Grant) -> Time {
    match grant.active() {
        Some(active) => active.ends_at,
        None => grant.lapses_at.plus(grant.length),
    }
}
