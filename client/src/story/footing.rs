//! What a grant stands on beside the entries that name it: the note behind a call, and who confirmed an
//! alert.

use std::collections::{BTreeMap, BTreeSet};

use super::{InForce, told::list};
use crate::entry::Entry;

/// What a request stands on.
#[derive(Debug, Clone, Default)]
pub(super) struct Footing {
    /// The note that its call asked for.
    pub(super) noted: Option<u64>,
    /// What somebody did who may open incidents, where only an alert had said that something is broken.
    pub(super) confirmed: Option<u64>,
}

impl Footing {
    /// Of a request, by what is known around it.
    pub(super) fn of(asked: &Entry, entries: &BTreeMap<u64, Entry>) -> Self {
        Self {
            noted: noted(asked, entries),
            confirmed: confirmed(asked, entries),
        }
    }

    /// The places of it.
    pub(super) fn places(&self) -> BTreeSet<u64> {
        self.noted.into_iter().chain(self.confirmed).collect()
    }
}

/// The first note by either of those who have to speak, after the request and before it begins.
fn noted(asked: &Entry, entries: &BTreeMap<u64, Entry>) -> Option<u64> {
    let callers = list(asked.body.get("call"));
    if callers.is_empty() {
        return None;
    }
    let (grant, incident) = (asked.text("grant"), asked.text("incident"));
    let begins = |it: &&Entry| it.kind == "grant.started" && it.text("grant") == grant;
    let begun = entries.values().find(begins);
    let until = begun.map_or(u64::MAX, |begun| begun.index);
    let by_either =
        |by: &str| asked.text("person") == Some(by) || callers.iter().any(|it| it == by);
    let counts = |it: &&Entry| {
        it.kind == "incident.noted" && it.text("incident") == incident && by_either(&it.by)
    };
    let note = entries.range(asked.index..until).map(|(_, entry)| entry);
    note.into_iter().find(counts).map(|note| note.index)
}

/// The first word of somebody who may open incidents; nothing where a person opened it, or where the alert
/// alone is enough for this right.
fn confirmed(asked: &Entry, entries: &BTreeMap<u64, Entry>) -> Option<u64> {
    let incident = asked.text("incident");
    let before = || entries.range(..asked.index).map(|(_, entry)| entry);
    let opens = |it: &&Entry| it.kind == "incident.opened" && it.text("incident") == incident;
    let source = before().find(opens)?.text("source")?;
    let policy = before().rev().find_map(InForce::read)?;
    let right = asked.text("right").unwrap_or_default();
    if policy.rules.unlocks(source, right) {
        return None;
    }
    let counts = |it: &&Entry| match it.kind.as_str() {
        "incident.held" => true,
        "incident.noted" => policy.rules.has_duty("open_incidents", &it.by),
        _ => false,
    };
    let words = before().filter(|it| it.text("incident") == incident);
    words.into_iter().find(counts).map(|word| word.index)
}
