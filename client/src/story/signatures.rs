//! What was signed for a story, by whom, and with which key.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Moment;
use crate::entry::Entry;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// The entry that bears it.
    pub entry: u64,
    /// Who signed.
    pub by: String,
    /// What they signed: `approve`.
    pub act: String,
    /// The key.
    pub key: String,
    /// What its owner called the laptop, and the entry in which it was enrolled.
    pub device: Option<String>,
    /// That entry.
    pub enrolled: Option<u64>,
    /// The entry of this story that goes on with the act, where the one that bears the signature is about
    /// something else: one act ended several grants.
    pub goes_on: Option<u64>,
    /// What that one is about: `G-5`.
    pub of: Option<String>,
}

/// Of these moments; the keys, and where each act begins, are among all entries.
pub(super) fn of(moments: &[Moment], entries: &BTreeMap<u64, Entry>) -> Vec<Signature> {
    let told: BTreeSet<u64> = moments.iter().map(|moment| moment.entry.index).collect();
    let mut done = BTreeSet::new();
    let mut signatures = Vec::new();
    for moment in moments {
        let Some(bears) = bearer(&moment.entry, entries) else {
            continue;
        };
        if done.insert(bears.index) {
            let goes_on = (!told.contains(&bears.index)).then_some(moment.entry.index);
            signatures.extend(signature(bears, goes_on, entries));
        }
    }
    signatures.sort_by_key(|signature| signature.entry);
    signatures
}

/// The entry that bears the signature of the act an entry is of: itself, or the first of that act, before it.
/// Nothing where nobody signed.
pub(super) fn bearer<'a>(entry: &'a Entry, entries: &'a BTreeMap<u64, Entry>) -> Option<&'a Entry> {
    if entry.signed.is_some() {
        return Some(entry);
    }
    const OF_ACTS: [&str; 2] = ["grant.ended", "incident.closed"];
    if !OF_ACTS.contains(&&*entry.kind) {
        return None;
    }
    let mut next = entry;
    while next.signed.is_none() {
        let before = entries.get(&next.index.checked_sub(1)?)?;
        next = Some(before).filter(|it| it.at == entry.at && it.by == entry.by)?;
    }
    Some(next)
}

fn signature(
    entry: &Entry,
    goes_on: Option<u64>,
    entries: &BTreeMap<u64, Entry>,
) -> Option<Signature> {
    let signed = entry.signed.as_ref()?;
    let enrols = |it: &&Entry| {
        it.kind == "person.enrolled"
            && it.text("key") == Some(&signed.key)
            && it.index < entry.index
    };
    let enrolled = entries.values().rev().find(enrols);
    let head = signed.text.lines().next().unwrap_or_default();
    let about = ["grant", "incident", "person"];
    let about = about.iter().find_map(|name| entry.text(name));
    Some(Signature {
        entry: entry.index,
        by: entry.by.clone(),
        act: head.rsplit(' ').next().unwrap_or_default().to_owned(),
        key: signed.key.clone(),
        device: enrolled.and_then(|it| it.text("device")).map(str::to_owned),
        enrolled: enrolled.map(|it| it.index),
        goes_on,
        of: goes_on.and(about).map(str::to_owned),
    })
}

impl Signature {
    /// In words: "mia's `request`, with the key of `laptop` (entry 12)".
    #[must_use]
    pub fn words(&self) -> String {
        let with = match (&self.device, self.enrolled) {
            (Some(device), Some(entry)) => format!(", with the key of `{device}` (entry {entry})"),
            _ => String::new(),
        };
        let goes_on = match (&self.of, self.goes_on) {
            (Some(of), Some(entry)) => {
                format!("; it stands with {of}, and entry {entry} is of the same act")
            }
            _ => String::new(),
        };
        format!("{}'s `{}`{with}{goes_on}", self.by, self.act)
    }
}
