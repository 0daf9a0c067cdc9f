//! The life of every grant, as far as it can be told from entries alone.

use std::collections::BTreeMap;

use crate::entry::Entry;

/// Where a grant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Active,
    Ended,
}

struct Grant {
    person: String,
    stage: Stage,
    self_granted: bool,
}

/// All of them, by the place of their request.
#[derive(Default)]
pub(super) struct Grants {
    by_id: std::collections::HashMap<String, Grant>,
    order: BTreeMap<u64, String>,
}

impl Grants {
    pub(super) fn check(&mut self, entry: &Entry) -> Result<(), String> {
        let wanted = match entry.kind.as_str() {
            "grant.requested" => return self.requested_by(entry),
            "grant.started" => Stage::Waiting,
            "grant.extended" | "credential.issued" | "grant.used" => Stage::Active,
            "grant.ended" => return self.ended_by(entry),
            _ => return Ok(()),
        };
        let id = id_of(entry)?;
        let grant = self
            .by_id
            .get_mut(id)
            .ok_or_else(|| format!("{id} was never asked for"))?;
        if grant.stage != wanted {
            return Err(format!(
                "{} of {id}, which is {:?}",
                entry.kind, grant.stage
            ));
        }
        if entry.kind == "grant.started" {
            grant.start(entry, id)?;
        }
        Ok(())
    }

    pub(super) fn requested(&self) -> u64 {
        self.by_id.len() as u64
    }

    pub(super) fn ended(&self) -> u64 {
        self.by_id
            .values()
            .filter(|grant| grant.stage == Stage::Ended)
            .count() as u64
    }

    pub(super) fn open(&self) -> Vec<String> {
        self.ids(|grant| grant.stage != Stage::Ended)
    }

    pub(super) fn self_granted(&self) -> Vec<String> {
        self.ids(|grant| grant.self_granted)
    }

    fn ids(&self, wanted: impl Fn(&Grant) -> bool) -> Vec<String> {
        let ids = self
            .order
            .values()
            .filter(|id| self.by_id.get(*id).is_some_and(&wanted));
        ids.cloned().collect()
    }

    fn requested_by(&mut self, entry: &Entry) -> Result<(), String> {
        let id = id_of(entry)?.to_owned();
        let grant = Grant {
            person: entry.by.clone(),
            stage: Stage::Waiting,
            self_granted: false,
        };
        if self.by_id.insert(id.clone(), grant).is_some() {
            return Err(format!("{id} is asked for a second time"));
        }
        self.order.insert(entry.index, id);
        Ok(())
    }

    fn ended_by(&mut self, entry: &Entry) -> Result<(), String> {
        let id = id_of(entry)?;
        let grant = self
            .by_id
            .get_mut(id)
            .ok_or_else(|| format!("{id} was never asked for"))?;
        if grant.stage == Stage::Ended {
            return Err(format!("{id} ends a second time"));
        }
        grant.stage = Stage::Ended;
        Ok(())
    }
}

impl Grant {
    fn start(&mut self, entry: &Entry, id: &str) -> Result<(), String> {
        let is_own = entry.by == self.person;
        match entry.text("basis") {
            Some("approved") if is_own => {
                return Err(format!("{} approved their own request {id}", entry.by));
            }
            Some("self-granted") if !is_own => {
                return Err(format!(
                    "{} began {id} of {} as a self-grant",
                    entry.by, self.person
                ));
            }
            Some("self-granted") => self.self_granted = true,
            Some("approved" | "fast-path") => {}
            other => return Err(format!("{id} began by `{}`", other.unwrap_or_default())),
        }
        self.stage = Stage::Active;
        Ok(())
    }
}

fn id_of(entry: &Entry) -> Result<&str, String> {
    entry
        .text("grant")
        .ok_or_else(|| format!("the {} names no grant", entry.kind))
}
