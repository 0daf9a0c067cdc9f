//! The life of every grant: asked for once, begun once, ended once, and nothing after it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use super::{
    alone::Alone,
    grants::{Grant, Scene},
    handing::Handovers,
    policies::Policies,
};
use crate::{entry::Entry, limits::LATE_WITHIN};

/// Everything that lives, and what is remembered of the rest.
#[derive(Default)]
pub(super) struct Lives {
    pub(super) live: HashMap<String, Grant>,
    ended: HashSet<String>,
    /// Those that ended within a day, in that order: who came in under them may be reported late.
    over: VecDeque<(Timestamp, Grant)>,
    self_granted: Vec<String>,
    pub(super) handovers: Handovers,
    pub(super) alone: Alone,
}

impl Lives {
    pub(super) fn requested(&self) -> u64 {
        (self.live.len() + self.ended.len()) as u64
    }

    pub(super) fn ended(&self) -> u64 {
        self.ended.len() as u64
    }

    /// Ids in order of asking.
    pub(super) fn open(&self) -> Vec<String> {
        let by_index: BTreeMap<_, _> = self.live.iter().map(|(id, g)| (g.index, id)).collect();
        by_index.into_values().cloned().collect()
    }

    pub(super) fn self_granted(&self) -> Vec<String> {
        self.self_granted.clone()
    }

    /// One that lives under an incident.
    pub(super) fn under(&self, incident: &str) -> Option<&str> {
        self.first(|grant| grant.incident == incident)
    }

    /// One that somebody has.
    pub(super) fn of(&self, person: &str) -> Option<&str> {
        self.first(|grant| grant.person == person)
    }

    /// One that the policy in force no longer gives.
    pub(super) fn not_given(&self, policies: &Policies) -> Option<&str> {
        self.first(|grant| !grant.is_given(policies))
    }

    /// The grant that an entry is about is active, and its credential was issued. Where a guard let
    /// somebody in by itself, it may be over since.
    pub(super) fn need_credential(&self, entry: &Entry) -> Result<(), String> {
        let id = entry.text("grant").unwrap_or_default();
        match self.live.get(id) {
            Some(grant) => {
                grant.need_same(entry)?;
                grant.need_issued(entry)
            }
            None => match self.late(id, entry) {
                Some(grant) => {
                    grant.need_same(entry)?;
                    grant.need_issued_once(entry)
                }
                None => Err(self.not_live(id, &entry.kind)),
            },
        }
    }

    fn late(&self, id: &str, entry: &Entry) -> Option<&Grant> {
        entry.text("let_in_at").and(entry.text("once"))?;
        let (at, grant) = self.over.iter().rev().find(|(_, grant)| grant.id == id)?;
        (entry.at.duration_since(*at) < LATE_WITHIN).then_some(grant)
    }

    fn keep_over(&mut self, at: Timestamp, grant: Grant) {
        self.over.push_back((at, grant));
        while let Some((first, _)) = self.over.front()
            && at.duration_since(*first) >= LATE_WITHIN
        {
            self.over.pop_front();
        }
    }

    pub(super) fn not_live(&self, id: &str, kind: &str) -> String {
        match self.ended.contains(id) {
            true => format!("{id} has ended before: {kind}"),
            false => format!("{id} was never asked for: {kind}"),
        }
    }

    pub(super) fn first(&self, such: impl Fn(&Grant) -> bool) -> Option<&str> {
        let found = self.live.iter().filter(|(_, grant)| such(grant));
        let oldest = found.min_by_key(|(_, grant)| grant.index);
        oldest.map(|(id, _)| id.as_str())
    }

    /// Checks and folds what happens to grants.
    pub(super) fn take(&mut self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        match entry.kind.as_str() {
            "grant.requested" => self.request(entry, scene),
            "broker.started" => {
                self.broker_started(entry);
                Ok(())
            }
            "grant.started" => {
                self.need_none_alone(entry)?;
                self.count_alone(entry)?;
                let other_end = self.other_end(entry)?;
                self.grant(entry)?.start(entry, scene, other_end)?;
                self.owe_swap(entry);
                if entry.text("basis") == Some("self-granted") {
                    self.self_granted
                        .extend(entry.text("grant").map(str::to_owned));
                }
                Ok(())
            }
            "call.recorded" => self.grant(entry)?.take_call(entry, scene),
            "grant.escalated" => {
                self.grant(entry)?.escalate(entry, scene)?;
                self.escalated(entry)
            }
            "grant.approved" => self.grant(entry)?.take_yes(entry, scene),
            "incident.noted" => {
                self.note(entry);
                Ok(())
            }
            "grant.extended" => self.grant(entry)?.extend(entry, scene),
            "credential.issued" => self.grant(entry)?.issue(entry, scene),
            "grant.used" => self.grant(entry)?.need_use(entry),
            "grant.ended" => {
                let is_left = self.is_left(entry);
                self.grant(entry)?.need_ending(entry, scene, is_left)?;
                let ended = entry
                    .text("grant")
                    .and_then(|id| self.live.remove_entry(id));
                if let Some((id, grant)) = ended {
                    self.alone.end(entry, &grant);
                    self.leave(&id, entry.at);
                    self.ended.insert(id);
                    self.keep_over(entry.at, grant);
                }
                Ok(())
            }
            "incident.closed" => {
                self.forget_alone(entry);
                Ok(())
            }
            "person.frozen" | "person.removed" => {
                let person = entry.text("person").unwrap_or_default();
                for grant in self.live.values_mut() {
                    grant.unlock.forget(person);
                }
                self.need_nothing_left(entry)
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, entry: &Entry) {
        let under = |grant: &&mut Grant| entry.text("incident") == Some(&grant.incident);
        for grant in self.live.values_mut().filter(under) {
            grant.take_note(entry);
        }
    }

    fn request(&mut self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        let id = entry.text("grant").unwrap_or_default();
        if self.ended.contains(id) || self.live.contains_key(id) {
            return Err(format!("{id} is asked for a second time"));
        }
        let grant = Grant::asked(entry, scene)?;
        self.need_handed(&grant, entry, scene)?;
        self.live.insert(id.to_owned(), grant);
        Ok(())
    }

    /// Whoever is stopped or leaves has nothing any more.
    fn need_nothing_left(&self, entry: &Entry) -> Result<(), String> {
        let person = entry.text("person").unwrap_or_default();
        match self.of(person) {
            Some(grant) => Err(format!("{}, and {grant} of {person} lives on", entry.kind)),
            None => Ok(()),
        }
    }

    /// The live grant an entry is about.
    pub(super) fn grant(&mut self, entry: &Entry) -> Result<&mut Grant, String> {
        let id = entry.text("grant").unwrap_or_default();
        if !self.live.contains_key(id) {
            return Err(self.not_live(id, &entry.kind));
        }
        let grant = self.live.get_mut(id).ok_or("it does not live")?;
        grant.need_same(entry)?;
        Ok(grant)
    }
}
