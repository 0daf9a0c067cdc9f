//! Acts that lead to several entries: what has to follow once they began.
//!
//! They stand next to each other with the same time and by the same person; the statement is on the
//! first. Endings come before what caused them, so an act that began with one owes its last entry:
//! an incident whose closing was signed is closed, and whoever was to be stopped is stopped.

use breakglass_proto::statement::Act;
use jiff::Timestamp;

use super::{BROKER, words};
use crate::entry::Entry;

/// An act that is not finished.
pub(super) struct Owed {
    debt: Debt,
    index: u64,
    at: Timestamp,
    by: String,
    act: Option<Act>,
}

enum Debt {
    Closing(String),
    Freeze(String),
    Removal(String),
    /// The end of what the policy no longer allows.
    Load,
    /// The yes to a request by who handed it over, where that is one who may say it. It need not follow.
    Yes(String),
    /// The end of everything else that the holder of what was vetoed has of that right alone there:
    /// person, right, incident. [`super::alone`] knows whether it has to follow.
    Veto([String; 3]),
}

impl Owed {
    /// What an entry that begins an act leaves to follow.
    pub(super) fn after(entry: &Entry, act: Option<&Act>) -> Option<Self> {
        let debt = match act {
            None if entry.kind == "policy.loaded" => Debt::Load,
            Some(Act::HandOver { .. }) => {
                Debt::Yes(entry.text("grant").unwrap_or_default().to_owned())
            }
            Some(_) if entry.kind != "grant.ended" => return None,
            Some(Act::Veto { .. }) => {
                let text = |name| entry.text(name).unwrap_or_default().to_owned();
                Debt::Veto(["person", "right", "incident"].map(text))
            }
            Some(Act::CloseIncident { incident, .. }) => Debt::Closing(incident.clone()),
            Some(Act::Freeze { person, .. }) => Debt::Freeze(person.clone()),
            Some(Act::RemovePerson { person, .. }) => Debt::Removal(person.clone()),
            _ => return None,
        };
        Some(Self {
            debt,
            index: entry.index,
            at: entry.at,
            by: entry.by.clone(),
            act: act.cloned(),
        })
    }

    /// Whether it is the load of a policy.
    pub(super) fn is_load(&self) -> bool {
        matches!(self.debt, Debt::Load)
    }

    /// Whether the act is not whole without more.
    pub(super) fn has_to_follow(&self) -> bool {
        !matches!(self.debt, Debt::Yes(_) | Debt::Veto(_))
    }

    /// Whether an entry without a statement is of this act.
    pub(super) fn is_of(&self, entry: &Entry) -> bool {
        let about = |name, id: &String| entry.text(name) == Some(id);
        let ends = |why| entry.kind == "grant.ended" && entry.text("ending") == Some(why);
        let follows = match &self.debt {
            Debt::Closing(incident) => {
                (ends("incident-closed") || self.is_last(entry)) && about("incident", incident)
            }
            Debt::Freeze(person) => {
                (ends("person-frozen") || self.is_last(entry)) && about("person", person)
            }
            Debt::Removal(person) => {
                (ends("person-left") || self.is_last(entry)) && about("person", person)
            }
            Debt::Yes(grant) => {
                let begins =
                    entry.kind == "grant.started" && entry.text("basis") == Some("approved");
                (begins || entry.kind == "grant.approved")
                    && about("grant", grant)
                    && entry.index == self.index + 1
            }
            Debt::Veto([person, right, incident]) => {
                let is_theirs = about("person", person) && about("right", right);
                ends("vetoed") && is_theirs && about("incident", incident)
            }
            Debt::Load => {
                let removed = ["person.removed", "target.removed"];
                ends("person-left") || removed.contains(&entry.kind.as_str())
            }
        };
        entry.at == self.at && entry.by == self.by && entry.signed.is_none() && follows
    }

    /// Checks that such an entry says what was signed.
    pub(super) fn check(&self, entry: &Entry) -> Result<(), String> {
        match &self.act {
            // What it says was compared with the request, and the request bounds what begins.
            Some(Act::HandOver { .. }) | None => Ok(()),
            // It is of another grant; the reason is one for all.
            Some(Act::Veto { reason, .. }) => match entry.text("reason") == Some(reason) {
                true => Ok(()),
                false => Err(format!(
                    "the veto of entry {} was signed for another reason",
                    self.index
                )),
            },
            Some(act) => words::check(act, entry),
        }
    }

    /// Whether the act is whole with this entry.
    pub(super) fn is_last(&self, entry: &Entry) -> bool {
        let last = match &self.debt {
            Debt::Closing(_) => "incident.closed",
            Debt::Freeze(_) => "person.frozen",
            Debt::Removal(_) => "person.removed",
            Debt::Yes(_) => return true,
            Debt::Load | Debt::Veto(_) => return false,
        };
        entry.kind == last
    }

    /// What is wrong where nothing more of it comes.
    pub(super) fn missing(&self) -> String {
        let (what, kind) = match &self.debt {
            Debt::Closing(incident) => (incident, "incident.closed"),
            Debt::Freeze(person) => (person, "person.frozen"),
            Debt::Removal(person) => (person, "person.removed"),
            Debt::Load | Debt::Yes(_) | Debt::Veto(_) => return String::new(),
        };
        let act = self.act.as_ref().map_or("", Act::name);
        format!(
            "`{act}` was signed in entry {}, and {kind} of {what} does not follow",
            self.index
        )
    }
}

/// What the broker ends by itself because of a policy, it ends with that policy.
pub(super) fn need_load(entry: &Entry) -> Result<(), String> {
    let left = entry.kind == "grant.ended" && entry.text("ending") == Some("person-left");
    let removed = ["person.removed", "target.removed"].contains(&entry.kind.as_str());
    if entry.by == BROKER && (left || removed) {
        return Err(format!(
            "{} by the broker itself, and no policy was loaded just then that would take {} away",
            entry.kind,
            entry
                .text("person")
                .or(entry.text("target"))
                .unwrap_or("somebody")
        ));
    }
    Ok(())
}
