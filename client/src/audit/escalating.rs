//! Asking others as well when those who are asked first do not answer: as the policy says, at its time,
//! and before anything that takes it for granted.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    bounds::later,
    grants::{Grant, Scene},
};
use crate::{entry::Entry, grant::listed, rules::Given};

/// When a request goes to whom else, and whether it has.
pub(super) struct Escalation {
    at: Timestamp,
    to: Vec<String>,
    is_done: bool,
}

impl Escalation {
    /// When it is to go to them.
    pub(super) fn due(&self) -> Timestamp {
        self.at
    }

    /// What a request pins; nothing where it stays with those it asks first.
    pub(super) fn read(entry: &Entry) -> Option<Self> {
        let pinned = entry.body.get("escalation")?;
        Some(Self {
            at: pinned["at"].as_str()?.parse().ok()?,
            to: ids(&pinned["approvers"]),
            is_done: false,
        })
    }
}

fn ids(list: &Value) -> Vec<String> {
    let ids = list.as_array().into_iter().flatten();
    ids.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Grant {
    /// What was pinned is what the policy says: after its time, or at once where none of those it asks
    /// first is there.
    pub(super) fn need_escalation_as_given(
        &self,
        given: &Given,
        scene: Scene<'_>,
    ) -> Result<(), String> {
        let id = &self.id;
        let (at, to) = match &self.escalation {
            None if given.then.is_empty() => return Ok(()),
            None => {
                return Err(format!(
                    "{id} goes to nobody else if nobody answers, and the policy in force says {}",
                    listed(&given.then, "and")
                ));
            }
            Some(pinned) => (pinned.at, &pinned.to),
        };
        if *to != given.then || to.is_empty() {
            return Err(format!(
                "{id} goes to {} if nobody answers, and the policy in force says {}",
                listed(to, "and"),
                listed(&given.then, "and")
            ));
        }
        let is_there = |person: &String| scene.people.is_there(person);
        let said = match self.approvers.iter().any(is_there) {
            true => later(self.asked_at, given.then_after),
            false => self.asked_at,
        };
        match at == said {
            true => Ok(()),
            false => Err(format!(
                "{id} goes to {} at {at}, and the policy in force says {said}",
                listed(to, "and")
            )),
        }
    }

    /// It goes to others as well.
    pub(super) fn escalate(&mut self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        self.need_waiting(entry)?;
        let id = &self.id;
        if entry.at >= self.lapses_at {
            return Err(format!("{} of {id}, which has lapsed", entry.kind));
        }
        scene.incidents.closes_at(&self.incident, entry.at)?;
        let Some(pinned) = &mut self.escalation else {
            return Err(format!("{} of {id}, which goes to nobody else", entry.kind));
        };
        if pinned.is_done {
            return Err(format!("{id} escalates a second time"));
        }
        if entry.at < pinned.at {
            return Err(format!(
                "{id} escalates before its time, which is {}",
                pinned.at
            ));
        }
        let to = ids(&entry.body["approvers"]);
        if to != pinned.to {
            return Err(format!(
                "{id} escalates to {}, and was to go to {}",
                listed(&to, "and"),
                listed(&pinned.to, "and")
            ));
        }
        pinned.is_done = true;
        let others = to.into_iter();
        let others: Vec<_> = others.filter(|it| !self.approvers.contains(it)).collect();
        self.approvers.extend(others);
        Ok(())
    }

    /// Whether the policy lets somebody say yes: from the beginning, or because it has escalated.
    pub(super) fn lets_approve(&self, given: &Given, person: &String) -> bool {
        let escalated = self.escalation.as_ref().is_some_and(|it| it.is_done);
        given.approvers.contains(person) || (escalated && given.then.contains(person))
    }

    /// Not by one of those it goes to, before it has.
    pub(super) fn need_turn(&self, entry: &Entry) -> Result<(), String> {
        match self.pending() {
            Some(pinned) if pinned.to.contains(&entry.by) => Err(format!(
                "{} is by {}, to whom {} has not gone yet",
                entry.kind, entry.by, self.id
            )),
            _ => Ok(()),
        }
    }

    /// Nobody begins alone before everybody was asked.
    pub(super) fn need_everybody_asked(&self, entry: &Entry) -> Result<(), String> {
        match self.pending() {
            Some(pinned) => Err(format!(
                "{} began {} alone before it went to {}",
                entry.by,
                self.id,
                listed(&pinned.to, "and")
            )),
            None => Ok(()),
        }
    }

    fn pending(&self) -> Option<&Escalation> {
        self.escalation.as_ref().filter(|it| !it.is_done)
    }
}
