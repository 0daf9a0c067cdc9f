//! What was signed for a story, by whom, and with which key.

use std::collections::BTreeMap;

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
}

/// Of these moments; the keys are among all entries.
pub(super) fn of(moments: &[Moment], entries: &BTreeMap<u64, Entry>) -> Vec<Signature> {
    let signed = moments.iter().filter_map(|moment| {
        let entry = &moment.entry;
        let signed = entry.signed.as_ref()?;
        let enrols = |it: &&Entry| {
            it.kind == "person.enrolled"
                && it.text("key") == Some(&signed.key)
                && it.index < entry.index
        };
        let enrolled = entries.values().rev().find(enrols);
        let head = signed.text.lines().next().unwrap_or_default();
        Some(Signature {
            entry: entry.index,
            by: entry.by.clone(),
            act: head.rsplit(' ').next().unwrap_or_default().to_owned(),
            key: signed.key.clone(),
            device: enrolled.and_then(|it| it.text("device")).map(str::to_owned),
            enrolled: enrolled.map(|it| it.index),
        })
    });
    signed.collect()
}

impl Signature {
    /// In words: "mia's `request`, with the key of `laptop` (entry 12)".
    #[must_use]
    pub fn words(&self) -> String {
        let with = match (&self.device, self.enrolled) {
            (Some(device), Some(entry)) => format!(", with the key of `{device}` (entry {entry})"),
            _ => String::new(),
        };
        format!("{}'s `{}`{with}", self.by, self.act)
    }
}
