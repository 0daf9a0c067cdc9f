//! Incidents.

use breakglass_domain::incident::Note;
use breakglass_domain::{Incident, Severity};
use breakglass_proto::v1;

use super::time;

/// With its notes and the ids of its grants.
pub(in crate::api) fn incident(incident: &Incident) -> v1::Incident {
    v1::Incident {
        notes: incident.notes.iter().map(note).collect(),
        grants: incident.grants.iter().map(ToString::to_string).collect(),
        ..incident_in_brief(incident)
    }
}

/// For lists and events: without its notes and grants, which can be long.
pub(in crate::api) fn incident_in_brief(incident: &Incident) -> v1::Incident {
    let open = v1::Incident {
        id: incident.id.to_string(),
        severity: severity(incident.severity).into(),
        title: incident.title.to_string(),
        opened_by: incident.opened_by.to_string(),
        opened_at: Some(time(incident.opened_at)),
        closes_at: Some(time(incident.closes_at)),
        state: v1::IncidentState::Open.into(),
        alert: incident
            .alert
            .as_ref()
            .map(|alert| alert.key.to_string())
            .unwrap_or_default(),
        resolved: incident.resolved,
        held: incident.held,
        held_by: incident
            .held_by
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        drill: incident.drill,
        ..v1::Incident::default()
    };
    match &incident.closed {
        None => open,
        Some(closing) => v1::Incident {
            state: v1::IncidentState::Closed.into(),
            closed_by: closing.by.to_string(),
            closed_at: Some(time(closing.at)),
            closing_reason: closing.reason.to_string(),
            ..open
        },
    }
}

fn note(note: &Note) -> v1::IncidentNote {
    v1::IncidentNote {
        by: note.by.to_string(),
        at: Some(time(note.at)),
        text: note.text.to_string(),
    }
}

fn severity(severity: Severity) -> v1::Severity {
    match severity {
        Severity::Sev1 => v1::Severity::Sev1,
        Severity::Sev2 => v1::Severity::Sev2,
        Severity::Sev3 => v1::Severity::Sev3,
    }
}
