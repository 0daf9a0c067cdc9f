//! The fold over the entries of one incident.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    borrowed::{self, Borrowed},
    grants::{Grant, Used},
    kills::{Kill, Kills},
};
use crate::entry::Entry;

/// What happened under one incident, for who looks at it afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Which.
    pub incident: String,
    /// Whether it was a drill, of which nothing is owed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// How bad it was said to be.
    pub severity: String,
    /// One line.
    pub title: String,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    #[serde(serialize_with = "crate::time::in_json_if_known")]
    pub opened_at: Option<Timestamp>,
    /// Who closed it; `breakglass` where it reached its longest time.
    pub closed_by: Option<String>,
    /// When.
    #[serde(serialize_with = "crate::time::in_json_if_known")]
    pub closed_at: Option<Timestamp>,
    /// What was said.
    pub closing_reason: Option<String>,
    /// Everything that was asked for, oldest first.
    pub grants: Vec<Grant>,
    /// What was refused meanwhile.
    pub refused: Vec<Refused>,
    /// What had to be cut at targets, and how long that took.
    pub kills: Vec<Kill>,
    /// Grants that began without anybody's yes.
    pub self_granted: Vec<String>,
    /// Grants that began, and under which nobody took as much as a credential.
    pub never_used: Vec<String>,
    /// What somebody was refused, and somebody else then did.
    pub borrowed: Vec<Borrowed>,
    /// What these entries cannot tell.
    pub unsure: Vec<String>,
}

/// Somebody asked for something and did not get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Who.
    pub person: String,
    /// What they tried.
    pub act: String,
    /// The stable reason.
    pub reason: String,
    /// What they were told.
    pub text: String,
    /// How often.
    pub count: i64,
    /// When it was written.
    #[serde(serialize_with = "crate::time::in_json")]
    pub at: Timestamp,
    /// Whether the entry itself names this incident; where not, it was only at the same time.
    pub of_incident: bool,
}

impl Draft {
    /// Reads the entries of an incident, oldest first, and the refusals of the time it was open.
    #[must_use]
    pub fn read(incident: &str, entries: &[Entry], refusals: &[Entry]) -> Self {
        let mut draft = Self {
            incident: incident.to_owned(),
            ..Self::default()
        };
        let mut kills = Kills::default();
        for entry in entries {
            draft.take(entry);
            kills.take(entry);
        }
        draft.kills = kills.told();
        draft.refused = draft.refused_of(refusals);
        draft.borrowed = borrowed::of(&draft.refused, &draft.grants);
        let ids = |such: fn(&Grant) -> bool| {
            let grants = draft.grants.iter().filter(|grant| such(grant));
            grants.map(|grant| grant.grant.clone()).collect()
        };
        draft.self_granted = ids(|grant| grant.basis.as_deref() == Some("self-granted"));
        draft.never_used = ids(|grant| grant.began_at.is_some() && grant.used == Used::Never);
        draft.unsure = draft.doubts();
        draft
    }

    fn take(&mut self, entry: &Entry) {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        match entry.kind.as_str() {
            "incident.opened" => {
                self.drill = entry.is_drill();
                self.severity = text("severity");
                self.title = text("title");
                self.opened_by.clone_from(&entry.by);
                self.opened_at = Some(entry.at);
            }
            "incident.closed" => {
                self.closed_by = Some(entry.by.clone());
                self.closed_at = Some(entry.at);
                self.closing_reason = Some(text("reason"));
            }
            "grant.requested" => self.grants.push(Grant::asked(entry)),
            _ => {
                let id = entry.text("grant");
                let known = self.grants.iter_mut();
                let known = known.rev().find(|grant| id == Some(&grant.grant));
                if let Some(grant) = known {
                    grant.take(entry);
                }
            }
        }
    }

    /// Why nobody can answer for any of it; nothing where somebody can, or could.
    #[must_use]
    pub fn owes_nothing(&self) -> Option<&'static str> {
        match (self.drill, self.closed_at) {
            (true, _) => Some("it is a drill"),
            (false, None) => Some("it is open"),
            (false, Some(_)) => None,
        }
    }

    fn refused_of(&self, entries: &[Entry]) -> Vec<Refused> {
        let named = |entry: &Entry| entry.text("incident").map(str::to_owned);
        let ours = entries
            .iter()
            .filter(|entry| named(entry).is_none_or(|incident| incident == self.incident));
        let text = |entry: &Entry, name| entry.text(name).unwrap_or_default().to_owned();
        ours.map(|entry| Refused {
            person: entry.by.clone(),
            act: text(entry, "act"),
            reason: text(entry, "reason"),
            text: text(entry, "text"),
            count: entry.number("count").unwrap_or(1),
            at: entry.at,
            of_incident: named(entry).is_some(),
        })
        .collect()
    }

    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.refused.iter().any(|refused| !refused.of_incident) {
            doubts.push(
                "A refusal that names no incident was written while this one was open, and may \
                 belong to another."
                    .to_owned(),
            );
        }
        if self.refused.iter().any(|refused| refused.count > 1) {
            doubts.push(
                "Of refusals that repeat, the ledger keeps the newest one's words: what was \
                 borrowed may be more."
                    .to_owned(),
            );
        }
        let unreported = |grant: &&Grant| grant.used == Used::NotReported;
        for grant in self.grants.iter().filter(unreported) {
            doubts.push(format!(
                "Under {} a credential was taken, and nothing reported that it was used.",
                grant.grant
            ));
        }
        doubts
    }
}

#[cfg(test)]
mod tests;
