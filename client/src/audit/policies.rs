//! The policy that is in force at each place, read by the parser that decides on the broker.

use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::BROKER;
use crate::{
    entry::Entry,
    rules::{Given, Rules},
};

/// The newest that was loaded.
#[derive(Default)]
pub(super) struct Policies {
    in_force: Option<Rules>,
}

impl Policies {
    /// Takes the policy of an entry, where it loads one.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), String> {
        if entry.kind != "policy.loaded" {
            return Ok(());
        }
        let text = entry.text("text").unwrap_or_default();
        if entry.text("sha256") != Some(&hex(digest(&SHA256, text.as_bytes()).as_ref())) {
            return Err("the policy's text has another hash than the entry says".to_owned());
        }
        let rules = match text {
            "" => Rules::nothing(),
            text => Rules::parse("the policy", text).map_err(|mistakes| {
                let first = mistakes.problems().first();
                let first = first.map_or_else(String::new, |problem| problem.message.clone());
                format!(
                    "the policy cannot be read: {first} (if a newer broker took it, use a newer glass)"
                )
            })?,
        };
        self.in_force = Some(rules);
        Ok(())
    }

    /// How many witnesses have to sign, and which there are; nothing where nobody is asked.
    pub(super) fn witnesses(&self) -> Option<(usize, Vec<(String, String)>)> {
        self.in_force.as_ref()?.witnesses()
    }

    /// Whether a credential of a right is given only when enough of them have.
    pub(super) fn needs_witnesses(&self, right: &str) -> bool {
        let rules = self.in_force.as_ref();
        rules.is_some_and(|rules| rules.needs_witnesses(right))
    }

    /// Whether the person is on the team, or the guard's target in the policy. Before the first policy nothing is said of anybody.
    pub(super) fn know(&self, person: &str) -> bool {
        self.in_force
            .as_ref()
            .is_none_or(|rules| rules.knows(person))
    }

    /// What is said of one right for one person.
    pub(super) fn given(&self, person: &str, right: &str) -> Option<Given> {
        self.in_force
            .as_ref()
            .and_then(|rules| rules.given(person, right))
    }

    /// What a kind of credential says under a right of a person's; nothing where there is none.
    pub(super) fn said(&self, person: &str, right: &str, kind: &str) -> Option<Value> {
        self.in_force.as_ref()?.said(person, right, kind)
    }

    /// Whether a right leads to a target.
    pub(super) fn reaches(&self, right: &str, target: &str) -> bool {
        self.in_force
            .as_ref()
            .is_some_and(|rules| rules.reaches(right, target))
    }

    /// How old an incident gets, in milliseconds; nothing before the first policy.
    pub(super) fn incident_longest(&self) -> i64 {
        self.in_force.as_ref().map_or(0, Rules::incident_longest)
    }

    /// How long answers about an incident may be owed, in milliseconds; nothing where for ever.
    pub(super) fn review_within(&self) -> Option<i64> {
        self.in_force.as_ref().and_then(Rules::review_within)
    }

    /// How long an alert's incident stays open after it was resolved, in milliseconds.
    pub(super) fn grace(&self, source: &str) -> i64 {
        let rules = self.in_force.as_ref();
        rules.and_then(|rules| rules.grace(source)).unwrap_or(0)
    }

    /// Whether a right can be asked for on the word of an alert source alone.
    pub(super) fn unlocks(&self, source: &str, right: &str) -> bool {
        let rules = self.in_force.as_ref();
        rules.is_some_and(|rules| rules.unlocks(source, right))
    }

    /// Whether a drill may unlock a right.
    pub(super) fn drills_unlock(&self, right: &str) -> bool {
        let rules = self.in_force.as_ref();
        rules.is_some_and(|rules| rules.drills_unlock(right))
    }

    /// How long each step of a drill may take, in milliseconds; nothing where there are no drills.
    pub(super) fn drill_budgets(&self) -> Option<Vec<(&'static str, i64)>> {
        self.in_force.as_ref()?.drill_budgets()
    }

    /// What the steps of a drill are called, in order.
    pub(super) fn drill_steps(&self) -> Vec<&'static str> {
        Rules::drill_steps().collect()
    }

    pub(super) fn has_duty(&self, duty: &str, person: &str) -> bool {
        self.in_force
            .as_ref()
            .is_some_and(|rules| rules.has_duty(duty, person))
    }

    /// Whoever does this has the duty; the operator on the broker's host needs none.
    pub(super) fn need_duty(&self, duty: &str, entry: &Entry) -> Result<(), String> {
        if entry.by == BROKER || self.has_duty(duty, &entry.by) {
            return Ok(());
        }
        Err(format!(
            "{} is by {}, to whom the policy in force does not give `{duty}`",
            entry.kind, entry.by
        ))
    }
}

/// Lower-case.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
