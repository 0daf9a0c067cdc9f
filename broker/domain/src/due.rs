//! What time itself has brought about.

use std::collections::BTreeSet;

use crate::event::{Actor, Change, Event};
use crate::grant::{Ending, Grant};
use crate::id::{GrantId, IncidentId, SessionId};
use crate::incident::Incident;
use crate::state::{Deadline, State};
use crate::text::Line;
use crate::time::Time;

/// The events that are due at `now`, in order of their deadlines: lapses, expiries, requests
/// that go to others as well, warnings and closings of incidents, sessions whose end nobody has confirmed. Applying them removes their deadlines, so asking again gives none.
///
/// What is due at the very instant is over. A clock that fell back does not matter: the newest
/// entry's time has passed, whatever the clock says.
#[must_use]
pub fn due(state: &State, now: Time) -> Vec<Event> {
    let at = now.max(state.newest);
    let mut due = Due {
        state,
        at,
        ended: BTreeSet::new(),
        events: Vec::new(),
    };
    for (when, deadline) in state.deadlines.iter().take_while(|(when, _)| *when <= at) {
        match deadline {
            Deadline::Lapse(grant) => due.end(*grant, Ending::Lapsed, *when),
            Deadline::Expire(grant) => due.end(*grant, Ending::Expired, *when),
            Deadline::Escalate(grant) => due.escalate(*grant),
            Deadline::Warn(incident) => due.warn(*incident),
            Deadline::Close(incident) => due.close(*incident),
            Deadline::Doubt(session) => due.doubt(*session),
        }
    }
    due.events
}

struct Due<'a> {
    state: &'a State,
    at: Time,
    ended: BTreeSet<GrantId>,
    events: Vec<Event>,
}

impl Due<'_> {
    /// A grant that was cut to its incident's end is told that the incident closed.
    fn end(&mut self, grant: GrantId, ending: Ending, when: Time) {
        let Some(grant) = self.state.grants.get(&grant) else {
            return;
        };
        let closes_at = |incident: &Incident| incident.closes_at <= when;
        let incident = self.state.incidents.get(&grant.of.incident);
        if incident.is_some_and(closes_at) {
            self.push_ending(grant, Ending::IncidentClosed);
        } else {
            self.push_ending(grant, ending);
        }
    }

    /// Nobody is asked any more about what is over by now.
    fn escalate(&mut self, grant: GrantId) {
        let Some(grant) = self.state.grants.get(&grant) else {
            return;
        };
        let incident = self.state.incidents.get(&grant.of.incident);
        let lasts = incident.is_some_and(|incident| self.at < incident.closes_at);
        if let Some(escalation) = grant.escalates()
            && lasts
            && self.at < grant.lapses_at
        {
            self.push(Change::GrantEscalated {
                of: grant.of.clone(),
                to: escalation.to.clone(),
            });
        }
    }

    fn warn(&mut self, incident: IncidentId) {
        let Some(incident) = self.state.incidents.get(&incident) else {
            return;
        };
        // No use in warning of what has come.
        if incident.closes_at > self.at {
            self.push(Change::IncidentWarned {
                incident: incident.id,
                closes_at: incident.closes_at,
            });
        }
    }

    fn close(&mut self, incident: IncidentId) {
        for grant in self.state.live_under(incident) {
            self.push_ending(grant, Ending::IncidentClosed);
        }
        let reason = self.why(incident);
        self.push(Change::IncidentClosed { incident, reason });
    }

    fn doubt(&mut self, id: SessionId) {
        if let Some(session) = self.state.targets.sessions.get(&id) {
            self.push(Change::SessionUnconfirmed {
                of: session.of.clone(),
                session: id,
                target: session.target.clone(),
            });
        }
    }

    fn push_ending(&mut self, grant: &Grant, ending: Ending) {
        if !self.ended.insert(grant.of.grant) {
            return;
        }
        let reason = (ending == Ending::IncidentClosed).then(|| self.why(grant.of.incident));
        self.push(Change::GrantEnded {
            of: grant.of.clone(),
            ending,
            reason,
            to: None,
        });
    }

    /// Why an incident closes by itself.
    fn why(&self, incident: IncidentId) -> Line {
        let incident = self.state.incidents.get(&incident);
        match incident.is_some_and(|incident| incident.closes_at < incident.usual_end) {
            true => line("its alert was resolved, and nobody held it open"),
            false => line("it reached its longest time"),
        }
    }

    fn push(&mut self, change: Change) {
        self.events.push(Event {
            at: self.at,
            by: Actor::Broker,
            drill: self.state.is_of_drill(&change),
            change,
            signed: None,
        });
    }
}

fn line(text: &'static str) -> Line {
    Line::parse(text).expect("a constant within the limits")
}
