//! Sessions and roles at targets: each under a grant, and over once.

use std::collections::HashMap;

use super::{lives::Lives, policies::Policies};
use crate::entry::Entry;

/// Those that are not over, with what they belong to.
#[derive(Default)]
pub(super) struct Targets {
    sessions: HashMap<String, Place>,
    roles: HashMap<String, Place>,
    /// The open sessions, by their target and what its guard drew for them.
    drawn: HashMap<(String, String), String>,
}

/// Under which grant, at which target.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    of: [String; 4],
    target: String,
}

impl Place {
    fn of(entry: &Entry, target: Option<&str>) -> Self {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        Self {
            of: ["grant", "person", "right", "incident"].map(text),
            target: target.unwrap_or_default().to_owned(),
        }
    }
}

impl Targets {
    /// Checks and folds what happens at targets.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        lives: &Lives,
        policies: &Policies,
    ) -> Result<(), String> {
        match entry.kind.as_str() {
            "credential.issued" => self.announce(entry),
            "session.opened" => self.open(entry, lives, policies),
            "session.ended" => self.need_own_guard(entry).and_then(|()| {
                let place = need(&self.sessions, entry, "session")?;
                self.sessions.remove(&place);
                self.drawn.retain(|_, session| *session != place);
                Ok(())
            }),
            "session.unconfirmed" => need(&self.sessions, entry, "session").map(drop),
            "role.created" | "role.failed" => need(&self.roles, entry, "role").map(drop),
            "role.dropped" => {
                let role = need(&self.roles, entry, "role")?;
                self.roles.remove(&role);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A session or a role under an incident that is not over; the first by its name.
    pub(super) fn left_under(&self, incident: &str) -> Option<&str> {
        let all = self.sessions.iter().chain(&self.roles);
        let under = all.filter(|(_, place)| place.of[3] == incident);
        under.map(|(name, _)| name.as_str()).min()
    }

    /// A role is there to be made once its credential was announced.
    fn announce(&mut self, entry: &Entry) -> Result<(), String> {
        let Some(role) = entry.body.get("subject").and_then(|it| it["role"].as_str()) else {
            return Ok(());
        };
        let place = Place::of(entry, entry.body["subject"]["target"].as_str());
        match self.roles.insert(role.to_owned(), place) {
            None => Ok(()),
            Some(_) => Err(format!("the role {role} is announced a second time")),
        }
    }

    fn open(&mut self, entry: &Entry, lives: &Lives, policies: &Policies) -> Result<(), String> {
        self.need_own_guard(entry)?;
        lives.need_credential(entry)?;
        let text = |name| entry.text(name).unwrap_or_default();
        let (session, target, right) = (text("session"), text("target"), text("right"));
        if !policies.reaches(right, target) {
            return Err(format!(
                "{session} is opened at {target}, where the right {right} does not lead"
            ));
        }
        if let Some(once) = entry.text("once") {
            let drawn = (target.to_owned(), once.to_owned());
            if let Some(before) = self.drawn.insert(drawn, session.to_owned()) {
                return Err(format!("{session} is the same login as {before}"));
            }
        }
        let place = Place::of(entry, Some(target));
        match self.sessions.insert(session.to_owned(), place) {
            None => Ok(()),
            Some(_) => Err(format!("{session} is opened a second time")),
        }
    }

    fn need_own_guard(&self, entry: &Entry) -> Result<(), String> {
        let target = entry.text("target").unwrap_or_default();
        match entry.by.strip_prefix("target:") == Some(target) {
            true => Ok(()),
            false => Err(format!("{} speaks for the target {target}", entry.by)),
        }
    }
}

/// The name of the session or role that an entry is about, which is there and not over.
fn need(known: &HashMap<String, Place>, entry: &Entry, name: &str) -> Result<String, String> {
    let id = entry.text(name).unwrap_or_default();
    match known.get(id) {
        Some(place) if *place == Place::of(entry, entry.text("target")) => Ok(id.to_owned()),
        Some(_) => Err(format!(
            "{} of the {name} {id}, which belongs elsewhere",
            entry.kind
        )),
        None => Err(format!(
            "{} of the {name} {id}, which is over or never was",
            entry.kind
        )),
    }
}
