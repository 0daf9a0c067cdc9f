//! Grants and incidents as the index keeps them: plain JSON, mapped by hand, so that the domain's
//! types know nothing of how they are stored.

use std::ops::Not;
use std::str::FromStr;

use breakglass_domain::grant::{Active, Ended, Escalation, Phase, SelfGrant};
use breakglass_domain::incident::{Alone, Closing, Note};
use breakglass_domain::{
    Actor, Alert, Basis, Ending, Grant, GrantId, GrantRef, Incident, IncidentId, Lifetime, Line,
    PersonId, Prose, RightId, Time,
};
use serde::{Deserialize, Serialize};

use super::handing::{HandedRecord, ToRecord};
use super::unlock::UnlockRecord;
use crate::ports::IndexError;

#[derive(Serialize, Deserialize)]
pub(super) struct GrantRecord {
    id: u64,
    person: String,
    right: String,
    incident: u64,
    sentence: String,
    risk: String,
    reason: String,
    length_ms: i64,
    rule: String,
    approvers: Vec<String>,
    requested_ms: i64,
    lapses_ms: i64,
    self_grant_ms: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "is_nothing")]
    stood_still_ms: i64,
    held: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    audience: String,
    active: Option<ActiveRecord>,
    ended: Option<EndedRecord>,
    credentials: u32,
    #[serde(default)]
    credentials_until_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unlock: Option<UnlockRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    escalation: Option<EscalationRecord>,
    #[serde(default, skip_serializing_if = "Not::not")]
    drill: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handed: Option<HandedRecord>,
}

#[derive(Serialize, Deserialize)]
struct EscalationRecord {
    at_ms: i64,
    to: Vec<String>,
    done_ms: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ActiveRecord {
    basis: String,
    by: String,
    begins_ms: i64,
    ends_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct EndedRecord {
    ending: String,
    at_ms: i64,
    by: String,
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<ToRecord>,
}

impl From<&Grant> for GrantRecord {
    fn from(grant: &Grant) -> Self {
        let (active, ended) = match &grant.phase {
            Phase::Waiting => (None, None),
            Phase::Active(active) => (Some(active), None),
            Phase::Ended(ended) => (ended.was.as_ref(), Some(ended)),
        };
        Self {
            id: grant.of.grant.0,
            person: grant.of.person.to_string(),
            right: grant.of.right.to_string(),
            incident: grant.of.incident.0,
            sentence: grant.sentence.to_string(),
            risk: grant.risk.to_string(),
            reason: grant.reason.to_string(),
            length_ms: grant.length.as_millis(),
            rule: grant.rule.to_string(),
            approvers: grant.approvers.iter().map(ToString::to_string).collect(),
            requested_ms: grant.requested_at.as_millis(),
            lapses_ms: grant.lapses_at.as_millis(),
            self_grant_ms: grant
                .self_grant
                .map(|allowed| (allowed.from.as_millis(), allowed.longest.as_millis())),
            stood_still_ms: grant.stood_still.as_millis(),
            held: grant.held,
            key: grant.key.as_ref().map(ToString::to_string),
            audience: grant.audience.to_string(),
            active: active.map(ActiveRecord::from),
            ended: ended.map(EndedRecord::from),
            credentials: grant.credentials,
            credentials_until_ms: grant.credentials_until.map(Time::as_millis),
            unlock: grant.unlock.as_ref().map(UnlockRecord::from),
            drill: grant.of.drill,
            escalation: EscalationRecord::of(grant),
            handed: grant.handed.as_ref().map(HandedRecord::from),
        }
    }
}

impl EscalationRecord {
    fn of(grant: &Grant) -> Option<Self> {
        let escalation = grant.escalation.as_ref()?;
        Some(Self {
            at_ms: escalation.at.as_millis(),
            to: escalation.to.iter().map(ToString::to_string).collect(),
            done_ms: grant.escalated_at.map(Time::as_millis),
        })
    }

    fn pinned(&self) -> Result<Escalation, IndexError> {
        let to = self.to.iter().map(|id| word(id));
        Ok(Escalation {
            at: Time::from_millis(self.at_ms),
            to: to.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Active> for ActiveRecord {
    fn from(active: &Active) -> Self {
        Self {
            basis: active.basis.to_string(),
            by: active.by.to_string(),
            begins_ms: active.begins_at.as_millis(),
            ends_ms: active.ends_at.as_millis(),
        }
    }
}

impl From<&Ended> for EndedRecord {
    fn from(ended: &Ended) -> Self {
        Self {
            ending: ended.ending.to_string(),
            at_ms: ended.at.as_millis(),
            by: ended.by.to_string(),
            reason: ended.reason.as_ref().map(ToString::to_string),
            to: ended.to.as_ref().map(ToRecord::from),
        }
    }
}

impl GrantRecord {
    pub(super) fn into_grant(self) -> Result<Grant, IndexError> {
        let active = self.active.map(ActiveRecord::into_active).transpose()?;
        let phase = match (self.ended, active) {
            (Some(ended), was) => Phase::Ended(ended.into_ended(was)?),
            (None, Some(active)) => Phase::Active(active),
            (None, None) => Phase::Waiting,
        };
        let escalation = self.escalation;
        let escalated_ms = escalation.as_ref().and_then(|it| it.done_ms);
        Ok(Grant {
            of: GrantRef {
                grant: GrantId(self.id),
                person: word(&self.person)?,
                right: word(&self.right)?,
                incident: IncidentId(self.incident),
                drill: self.drill,
            },
            sentence: Line::recorded(&self.sentence),
            risk: word(&self.risk)?,
            reason: Line::recorded(&self.reason),
            length: Lifetime::from_millis(self.length_ms),
            rule: word(&self.rule)?,
            approvers: self
                .approvers
                .iter()
                .map(|id| word(id))
                .collect::<Result<_, _>>()?,
            requested_at: Time::from_millis(self.requested_ms),
            lapses_at: Time::from_millis(self.lapses_ms),
            self_grant: self.self_grant_ms.map(|(from, longest)| SelfGrant {
                from: Time::from_millis(from),
                longest: Lifetime::from_millis(longest),
            }),
            stood_still: Lifetime::from_millis(self.stood_still_ms),
            held: self.held,
            key: self.key.as_deref().map(word).transpose()?,
            audience: Line::recorded(&self.audience),
            phase,
            credentials: self.credentials,
            credentials_until: self.credentials_until_ms.map(Time::from_millis),
            unlock: self.unlock.map(UnlockRecord::into_unlock).transpose()?,
            escalation: escalation.map(|it| it.pinned()).transpose()?,
            escalated_at: escalated_ms.map(Time::from_millis),
            handed: self.handed.map(HandedRecord::into_handed).transpose()?,
        })
    }
}

impl ActiveRecord {
    fn into_active(self) -> Result<Active, IndexError> {
        Ok(Active {
            basis: word::<Basis>(&self.basis)?,
            by: word::<Actor>(&self.by)?,
            begins_at: Time::from_millis(self.begins_ms),
            ends_at: Time::from_millis(self.ends_ms),
        })
    }
}

impl EndedRecord {
    fn into_ended(self, was: Option<Active>) -> Result<Ended, IndexError> {
        Ok(Ended {
            was,
            ending: word::<Ending>(&self.ending)?,
            at: Time::from_millis(self.at_ms),
            by: word(&self.by)?,
            reason: self.reason.as_deref().map(Line::recorded),
            to: self.to.map(ToRecord::into_to).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct IncidentRecord {
    id: u64,
    severity: String,
    title: String,
    opened_by: String,
    opened_ms: i64,
    closes_ms: i64,
    warned: bool,
    notes: Vec<(String, i64, String)>,
    closed: Option<(String, i64, String)>,
    /// Missing, like what follows, in what was written before alerts opened incidents.
    #[serde(default)]
    alert: Option<(String, String)>,
    #[serde(default)]
    usual_ms: Option<i64>,
    #[serde(default)]
    since_ms: Option<i64>,
    #[serde(default)]
    resolved: bool,
    #[serde(default)]
    held: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
    /// Person and right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vetoed: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alone: Vec<AloneRecord>,
    #[serde(default, skip_serializing_if = "Not::not")]
    drill: bool,
}

/// What somebody began alone.
#[derive(Serialize, Deserialize)]
struct AloneRecord {
    person: String,
    right: String,
    begun: u32,
    runs: Vec<u64>,
    ended_ms: Option<i64>,
}

type OneAlone = ((PersonId, RightId), Alone);

impl AloneRecord {
    fn of((whose, alone): (&(PersonId, RightId), &Alone)) -> Self {
        Self {
            person: whose.0.to_string(),
            right: whose.1.to_string(),
            begun: alone.begun,
            runs: alone.runs.iter().map(|grant| grant.0).collect(),
            ended_ms: alone.ended_at.map(Time::as_millis),
        }
    }

    fn into_alone(self) -> Result<OneAlone, IndexError> {
        let alone = Alone {
            begun: self.begun,
            runs: self.runs.into_iter().map(GrantId).collect(),
            ended_at: self.ended_ms.map(Time::from_millis),
        };
        Ok(((word(&self.person)?, word(&self.right)?), alone))
    }
}

impl From<&Incident> for IncidentRecord {
    /// Leaves the grants out: they are found by their postings, and one incident may have many.
    fn from(incident: &Incident) -> Self {
        let note = |note: &Note| {
            (
                note.by.to_string(),
                note.at.as_millis(),
                note.text.to_string(),
            )
        };
        Self {
            id: incident.id.0,
            severity: incident.severity.to_string(),
            title: incident.title.to_string(),
            opened_by: incident.opened_by.to_string(),
            opened_ms: incident.opened_at.as_millis(),
            closes_ms: incident.closes_at.as_millis(),
            warned: incident.warned,
            notes: incident.notes.iter().map(note).collect(),
            vetoed: incident
                .vetoed
                .iter()
                .map(|(person, right)| (person.to_string(), right.to_string()))
                .collect(),
            alone: incident.alone.iter().map(AloneRecord::of).collect(),
            closed: incident
                .closed
                .as_ref()
                .map(|it| (it.by.to_string(), it.at.as_millis(), it.reason.to_string())),
            alert: incident
                .alert
                .as_ref()
                .map(|it| (it.source.to_string(), it.key.to_string())),
            usual_ms: Some(incident.usual_end.as_millis()),
            since_ms: Some(incident.closes_since.as_millis()),
            resolved: incident.resolved,
            held: incident.held,
            held_by: incident.held_by.as_ref().map(ToString::to_string),
            drill: incident.drill,
        }
    }
}

impl IncidentRecord {
    pub(super) fn into_incident(self, grants: Vec<GrantId>) -> Result<Incident, IndexError> {
        let note = |(by, at, text): &(String, i64, String)| {
            Ok(Note {
                by: word(by)?,
                at: Time::from_millis(*at),
                text: Prose::recorded(text),
            })
        };
        let closing = |(by, at, reason): (String, i64, String)| {
            Ok(Closing {
                by: word(&by)?,
                at: Time::from_millis(at),
                reason: Line::recorded(&reason),
            })
        };
        let alert = |(source, key): (String, String)| {
            Ok::<_, IndexError>(Alert {
                source: word(&source)?,
                key: Line::recorded(&key),
            })
        };
        Ok(Incident {
            id: IncidentId(self.id),
            severity: word(&self.severity)?,
            title: Line::recorded(&self.title),
            opened_by: word(&self.opened_by)?,
            opened_at: Time::from_millis(self.opened_ms),
            closes_at: Time::from_millis(self.closes_ms),
            usual_end: Time::from_millis(self.usual_ms.unwrap_or(self.closes_ms)),
            closes_since: Time::from_millis(self.since_ms.unwrap_or(self.opened_ms)),
            warned: self.warned,
            alert: self.alert.map(alert).transpose()?,
            resolved: self.resolved,
            held: self.held,
            held_by: self.held_by.as_deref().map(word).transpose()?,
            notes: self
                .notes
                .iter()
                .map(note)
                .collect::<Result<_, IndexError>>()?,
            grants,
            vetoed: self
                .vetoed
                .iter()
                .map(|(person, right)| Ok((word(person)?, word(right)?)))
                .collect::<Result<_, IndexError>>()?,
            alone: self
                .alone
                .into_iter()
                .map(AloneRecord::into_alone)
                .collect::<Result<_, IndexError>>()?,
            drill: self.drill,
            closed: self.closed.map(closing).transpose()?,
        })
    }
}

fn is_nothing(millis: &i64) -> bool {
    *millis == 0
}

/// Writes a record; a struct of plain fields always can be.
pub(super) fn to_bytes(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).expect("plain fields and string keys always serialize")
}

/// Reads one back.
pub(super) fn from_bytes<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, IndexError> {
    serde_json::from_slice(bytes).map_err(unreadable)
}

pub(super) fn word<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, IndexError> {
    text.parse().map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> IndexError {
    IndexError(format!("a record cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use breakglass_domain::{Change, Event, GrantId};

    use super::*;

    const ASKED: &str = r#"{"v":1,"index":0,"at":"2026-11-23T03:05:00.000Z","kind":"grant.requested","by":"mia","grant":"G-45","person":"mia","right":"restore","incident":"INC-12","sentence":"restore it","risk":"high","reason":"gone","length_ms":900000,"rule":"backups","approvers":["leon"],"lapses_at":"2026-11-23T03:20:00.000Z","held":false,"key":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","audience":"https://db.shop.example","escalation":{"at":"2026-11-23T03:10:00.000Z","approvers":["founder"]}}"#;

    /// A broker that is started again goes on where it was, before and after.
    #[test]
    fn a_request_is_stored_with_whom_it_goes_to_and_whether_it_has() {
        let (_, asked) = crate::ledger::entry::read(ASKED.as_bytes()).unwrap();
        let mut grant = Grant::requested(&asked).unwrap();
        let stored = |grant: &Grant| {
            let bytes = to_bytes(&GrantRecord::from(grant));
            from_bytes::<GrantRecord>(&bytes).unwrap().into_grant()
        };
        assert!(grant.escalates().is_some());
        assert_eq!(stored(&grant).unwrap(), grant);
        grant.apply(&Event {
            at: asked.at.plus(Lifetime::from_secs(300)),
            by: Actor::Broker,
            change: Change::GrantEscalated {
                of: grant.of.clone(),
                to: vec!["founder".parse().unwrap()],
            },
            signed: None,
            drill: false,
        });
        assert!(grant.escalated_at.is_some() && grant.of.grant == GrantId(45));
        assert_eq!(stored(&grant).unwrap(), grant);
    }

    /// So is what nobody could be told of, and what was begun alone under an incident that somebody holds.
    #[test]
    fn what_was_begun_alone_is_stored_and_for_how_long_nobody_could_be_told() {
        let (_, asked) = crate::ledger::entry::read(ASKED.as_bytes()).unwrap();
        let mut grant = Grant::requested(&asked).unwrap();
        grant.stood_still = Lifetime::from_secs(60);
        let bytes = to_bytes(&GrantRecord::from(&grant));
        let read = from_bytes::<GrantRecord>(&bytes).unwrap();
        assert_eq!(read.into_grant().unwrap(), grant);
        const OPENED: &str = r#"{"v":1,"index":0,"at":"2026-11-23T03:05:00.000Z","kind":"incident.opened","by":"mia","incident":"INC-12","severity":"sev2","title":"down","closes_at":"2026-11-23T11:05:00.000Z"}"#;
        let (_, opened) = crate::ledger::entry::read(OPENED.as_bytes()).unwrap();
        let mut incident = Incident::opened(&opened).unwrap();
        incident.held_by = Some(Actor::Person("leon".parse().unwrap()));
        let alone = Alone {
            begun: 2,
            runs: [GrantId(45)].into(),
            ended_at: Some(opened.at),
        };
        let whose = ("mia".parse().unwrap(), "restore".parse().unwrap());
        incident.alone.insert(whose, alone);
        let bytes = to_bytes(&IncidentRecord::from(&incident));
        let read = from_bytes::<IncidentRecord>(&bytes).unwrap();
        assert_eq!(read.into_incident(Vec::new()).unwrap(), incident);
    }
}
