//! One grant: what was pinned when it was asked for, and what may happen to it.

use breakglass_proto::statement::Act;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    BROKER, escalating::Escalation, handing::Handed, incidents::Incidents, people::People,
    policies::Policies, unlocking::Unlock,
};
use crate::{entry::Entry, rules::Given};

/// What an entry is read against.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) act: Option<&'a Act>,
    pub(super) policies: &'a Policies,
    pub(super) incidents: &'a Incidents,
    pub(super) people: &'a People,
}

/// A grant that has not ended.
pub(super) struct Grant {
    pub(super) index: u64,
    pub(super) asked_at: Timestamp,
    pub(super) id: String,
    pub(super) person: String,
    pub(super) right: String,
    pub(super) incident: String,
    /// Whether that is a drill.
    drill: bool,
    pub(super) sentence: String,
    pub(super) rule: String,
    pub(super) risk: String,
    /// Who may say yes; those it escalated to as well, once it has.
    pub(super) approvers: Vec<String>,
    pub(super) escalation: Option<Escalation>,
    pub(super) unlock: Unlock,
    /// In milliseconds.
    pub(super) length: i64,
    pub(super) lapses_at: Timestamp,
    pub(super) alone: Option<Alone>,
    /// For how many milliseconds nobody could be told of it: so much was added to `lapses_at` and `alone`.
    pub(super) stood_still: i64,
    pub(super) is_held: bool,
    /// Empty where it was handed over.
    pub(super) key: String,
    pub(super) audience: String,
    /// Where it comes from, where it was handed over.
    pub(super) handed: Option<Handed>,
    pub(super) active: Option<Active>,
}

/// What its holder may begin alone: from when, and for how many milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Alone {
    pub(super) from: Timestamp,
    pub(super) longest: i64,
}

/// How it began.
#[derive(Clone, Copy)]
pub(super) struct Active {
    pub(super) basis: Basis,
    pub(super) begins_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) credentials: u64,
}

/// On whose word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    FastPath,
    Approved,
    SelfGranted,
    Called,
}

impl Grant {
    pub(super) fn read(entry: &Entry) -> Self {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let people = |name| {
            let list = entry.body.get(name).and_then(Value::as_array);
            let ids = list.into_iter().flatten().filter_map(Value::as_str);
            ids.map(str::to_owned).collect()
        };
        let alone = entry.body.get("self_grant").and_then(|alone| {
            Some(Alone {
                from: alone["from"].as_str()?.parse().ok()?,
                longest: alone["longest_ms"].as_i64()?,
            })
        });
        Self {
            index: entry.index,
            asked_at: entry.at,
            id: text("grant"),
            person: text("person"),
            right: text("right"),
            incident: text("incident"),
            drill: entry.is_drill(),
            sentence: text("sentence"),
            rule: text("rule"),
            risk: text("risk"),
            approvers: people("approvers"),
            escalation: Escalation::read(entry),
            unlock: Unlock::new(people("call")),
            length: entry.number("length_ms").unwrap_or_default(),
            lapses_at: entry.time("lapses_at").unwrap_or(entry.at),
            alone,
            stood_still: 0,
            is_held: entry.body["held"] == true,
            key: text("key"),
            audience: text("audience"),
            handed: Handed::read(entry),
            active: None,
        }
    }

    /// What the policy says now of its right for its holder.
    pub(super) fn given(&self, scene: Scene<'_>) -> Result<Given, String> {
        if self.drill && !scene.policies.drills_unlock(&self.right) {
            return Err(format!(
                "{} is of a drill, and the policy in force lets none unlock {}",
                self.id, self.right
            ));
        }
        let given = scene.policies.given(&self.person, &self.right);
        given.ok_or_else(|| {
            format!(
                "the policy in force does not give {} the right {} of {}",
                self.person, self.right, self.id
            )
        })
    }

    /// The same, which must still be what was pinned: nothing begins or grows under words that
    /// nobody signed.
    pub(super) fn still_given(&self, scene: Scene<'_>) -> Result<Given, String> {
        let given = self.given(scene)?;
        if given.rule != self.rule || given.sentence != self.sentence {
            return Err(format!(
                "{} was asked for under the rule {} to `{}`, and the policy in force says {} and `{}`",
                self.id, self.rule, self.sentence, given.rule, given.sentence
            ));
        }
        Ok(given)
    }

    /// Every entry about it names the same holder, right and incident.
    pub(super) fn need_same(&self, entry: &Entry) -> Result<(), String> {
        for (name, pinned) in [
            ("person", &self.person),
            ("right", &self.right),
            ("incident", &self.incident),
        ] {
            if entry.text(name) != Some(pinned) {
                let recorded = entry.text(name).unwrap_or("nothing");
                return Err(format!(
                    "{} was asked for with `{name}: {pinned}`, and {} says {recorded}",
                    self.id, entry.kind
                ));
            }
        }
        Ok(())
    }

    /// Is put to use.
    pub(super) fn need_use(&self, entry: &Entry) -> Result<(), String> {
        self.need_active(entry)?;
        self.need_holder(entry)
    }

    /// From when on its longest time counts.
    pub(super) fn counts_since(&self, active: &Active) -> Timestamp {
        let handed = self.handed.as_ref();
        handed.map_or(active.begins_at, |handed| handed.since)
    }

    /// Ends: by whom and when it can; `is_left` where it was to be handed over from one that is over.
    pub(super) fn need_ending(
        &self,
        entry: &Entry,
        scene: Scene<'_>,
        is_left: bool,
    ) -> Result<(), String> {
        let ending = entry.text("ending").unwrap_or_default();
        let by_broker = entry.by == BROKER;
        let is_fit = match ending {
            "denied" => self.active.is_none() && self.asks(&entry.by),
            "lapsed" => {
                let is_due = entry.at >= self.lapses_at || is_left;
                by_broker && self.active.is_none() && is_due
            }
            "dropped" => entry.by == self.person || self.is_taken_back(entry),
            "revoked" => self.can_be_revoked(entry, scene),
            "vetoed" => !by_broker && entry.by != self.person && self.can_be_vetoed(entry),
            "expired" => {
                let is_over = |active: Active| entry.at >= active.ends_at;
                by_broker && self.active.is_some_and(is_over)
            }
            "abandoned" => by_broker && self.is_held,
            "incident-closed" => !by_broker || scene.incidents.is_due(&self.incident, entry.at),
            "person-left" => !by_broker || self.given(scene).is_err(),
            // Of a newer broker: it ends something and gives nothing.
            _ => true,
        };
        match is_fit {
            true => Ok(()),
            false => Err(format!(
                "{} ends as {ending} by {}, which cannot be at this place",
                self.id, entry.by
            )),
        }
    }

    /// Whoever hands it over takes it back while it waits.
    fn is_taken_back(&self, entry: &Entry) -> bool {
        let handed = self.handed.as_ref();
        self.active.is_none() && handed.is_some_and(|handed| handed.by == entry.by)
    }

    /// By who could have approved it or had the call, who has the duty, and a self-grant by anybody on the team.
    fn can_be_revoked(&self, entry: &Entry, scene: Scene<'_>) -> bool {
        let began_alone = |active: Active| active.basis == Basis::SelfGranted;
        self.asks(&entry.by)
            || self.active.is_some_and(began_alone)
            || scene.policies.has_duty("revoke", &entry.by)
    }

    /// It was begun alone, or may be; where another of theirs was vetoed and this one ends with it, the first.
    fn can_be_vetoed(&self, entry: &Entry) -> bool {
        match self.active {
            Some(_) => self.runs_alone(entry.at),
            None => self.alone.is_some() && entry.signed.is_some(),
        }
    }

    /// Whether it waits for this person's word.
    fn asks(&self, person: &String) -> bool {
        self.approvers.contains(person) || self.unlock.callers.contains(person)
    }

    /// Whether the policy in force still gives it.
    pub(super) fn is_given(&self, policies: &Policies) -> bool {
        let is_unlocked = !self.drill || policies.drills_unlock(&self.right);
        is_unlocked && policies.given(&self.person, &self.right).is_some()
    }

    pub(super) fn need_waiting(&self, entry: &Entry) -> Result<(), String> {
        match self.active {
            None => Ok(()),
            Some(_) => Err(format!("{} of {}, which is active", entry.kind, self.id)),
        }
    }

    pub(super) fn need_active(&self, entry: &Entry) -> Result<&Active, String> {
        match &self.active {
            Some(active) if entry.at < active.ends_at => Ok(active),
            Some(active) => Err(format!(
                "{} of {}, whose time ran out at {}",
                entry.kind, self.id, active.ends_at
            )),
            None => Err(format!("{} of {}, which waits", entry.kind, self.id)),
        }
    }

    pub(super) fn need_holder(&self, entry: &Entry) -> Result<(), String> {
        match entry.by == self.person {
            true => Ok(()),
            false => Err(format!(
                "{} of {} is by {}, and it is of {}",
                entry.kind, self.id, entry.by, self.person
            )),
        }
    }
}
