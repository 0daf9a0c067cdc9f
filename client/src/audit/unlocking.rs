//! The founder's path: what a request waits for whose rule asks for a call, and that it begins when
//! the last of it is there.

use breakglass_proto::statement::Act;
use jiff::{SignedDuration, Timestamp};

use super::{
    BROKER,
    grants::{Grant, Scene},
};
use crate::{entry::Entry, limits::CALL_WITHIN, rules::Given};

/// Whose call counts, and what is on record.
#[derive(Default)]
pub(super) struct Unlock {
    pub(super) callers: Vec<String>,
    calls: Vec<String>,
    /// Who said yes, and until when.
    yes: Vec<(String, Timestamp)>,
    noted: Vec<String>,
    /// When the last of it came.
    last_at: Option<Timestamp>,
}

impl Unlock {
    pub(super) fn new(callers: Vec<String>) -> Self {
        Self {
            callers,
            ..Self::default()
        }
    }

    /// The word of somebody who is stopped or gone counts no more.
    pub(super) fn forget(&mut self, person: &str) {
        self.calls.retain(|by| by != person);
        self.yes.retain(|(by, _)| by != person);
    }
}

impl Grant {
    /// Somebody spoke with who asked.
    pub(super) fn take_call(&mut self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        let given = self.need_unlocking(entry, scene)?;
        let (id, by) = (&self.id, &entry.by);
        if *by == self.person || !self.unlock.callers.contains(by) || !given.callers.contains(by) {
            return Err(format!("{by} is not one whose call counts for {id}"));
        }
        if self.unlock.calls.contains(by) {
            return Err(format!("the call of {by} for {id} is recorded twice"));
        }
        let signed_at = entry.signed.as_ref().and_then(|signed| signed.at);
        let signed_at = signed_at.unwrap_or(entry.at);
        let spoke_at = entry.time("spoke_at").unwrap_or(Timestamp::MAX);
        let age = signed_at.duration_since(spoke_at);
        if age < SignedDuration::ZERO || age > CALL_WITHIN {
            return Err(format!(
                "{by} signed at {signed_at} that they spoke at {spoke_at}"
            ));
        }
        self.unlock.calls.push(by.clone());
        self.unlock.last_at = Some(entry.at);
        Ok(())
    }

    /// A yes that does not begin it.
    pub(super) fn take_yes(&mut self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        let given = self.need_unlocking(entry, scene)?;
        let (id, by) = (&self.id, &entry.by);
        if *by == self.person {
            return Err(format!("{by} approved their own request {id}"));
        }
        self.need_approver(entry, &given)?;
        let stands = |(before, until): &(String, Timestamp)| before == by && *until > entry.at;
        if self.unlock.yes.iter().any(stands) {
            return Err(format!("{by} says yes to {id} twice"));
        }
        self.unlock.yes.retain(|(before, _)| before != by);
        let until = entry.time("until").unwrap_or(entry.at);
        self.unlock.yes.push((by.clone(), until));
        self.unlock.last_at = Some(entry.at);
        Ok(())
    }

    /// A note in its incident.
    pub(super) fn take_note(&mut self, entry: &Entry) {
        let by = &entry.by;
        let counts = *by == self.person || self.unlock.callers.contains(by);
        let waits = self.active.is_none() && !self.unlock.callers.is_empty();
        if waits && counts {
            if !self.unlock.noted.contains(by) {
                self.unlock.noted.push(by.clone());
            }
            self.unlock.last_at = Some(entry.at);
        }
    }

    /// It waits for a call, and what was signed is what stands in it.
    fn need_unlocking(&self, entry: &Entry, scene: Scene<'_>) -> Result<Given, String> {
        let id = &self.id;
        self.need_waiting(entry)?;
        if self.unlock.callers.is_empty() {
            return Err(format!("{} of {id}, which needs no call", entry.kind));
        }
        if entry.at >= self.lapses_at {
            return Err(format!("{} of {id}, which has lapsed", entry.kind));
        }
        scene.incidents.closes_at(&self.incident, entry.at)?;
        match scene.act {
            Some(Act::RecordCall { sentence, .. } | Act::Approve { sentence, .. })
                if *sentence == self.sentence =>
            {
                self.still_given(scene)
            }
            None if self.is_handed_by(entry) && entry.kind == "grant.approved" => {
                let signed = self.handed.as_ref().map(|handed| handed.until);
                match entry.time("until") == signed {
                    true => self.still_given(scene),
                    false => Err(format!("the yes to {id} is until another time than signed")),
                }
            }
            _ => Err(format!(
                "{} signed another sentence than that of {id}",
                entry.by
            )),
        }
    }

    /// Nothing is missing, and the last of it came just then; gives the latest end agreed to.
    pub(super) fn need_unlocked(
        &self,
        entry: &Entry,
        given: &Given,
    ) -> Result<Option<Timestamp>, String> {
        let id = &self.id;
        let unlock = &self.unlock;
        if unlock.callers.is_empty() || entry.by != BROKER {
            return Err(format!("{id} began by a call, and is no request for one"));
        }
        let called = unlock.calls.iter();
        let called: Vec<_> = called.filter(|by| given.callers.contains(by)).collect();
        if called.is_empty() {
            return Err(format!("{id} began without a call"));
        }
        let noted = |by: &String| unlock.noted.contains(by);
        if !noted(&self.person) && !called.into_iter().any(noted) {
            return Err(format!("{id} began without a note"));
        }
        if unlock.last_at != Some(entry.at) {
            return Err(format!("{id} began, and nothing was done for it just then"));
        }
        let counts =
            |(by, until): &&(String, Timestamp)| self.lets_approve(given, by) && *until > entry.at;
        let yes = unlock.yes.iter().filter(counts);
        let agreed = yes.map(|(_, until)| *until).max();
        let asks = given.asks || !self.approvers.is_empty();
        match agreed {
            None if asks => Err(format!("{id} began without a yes, and needed one")),
            agreed => Ok(agreed),
        }
    }
}
