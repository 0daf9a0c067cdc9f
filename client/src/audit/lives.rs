//! The life of every incident and every grant, as far as it can be told from entries alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use breakglass_proto::statement::Act;
use jiff::Timestamp;
use serde_json::Value;

use crate::entry::Entry;

/// Where a grant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Active,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waits",
            Self::Active => "is active",
        }
    }
}

/// A grant that has not ended.
struct Grant {
    index: u64,
    person: String,
    incident: String,
    approvers: Vec<String>,
    stage: Stage,
    ends_at: Option<Timestamp>,
}

/// Everything that lives, and what is remembered of the rest.
#[derive(Default)]
pub(super) struct Lives {
    incidents: HashSet<String>,
    live: HashMap<String, Grant>,
    ended: HashSet<String>,
    self_granted: Vec<String>,
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

    pub(super) fn check(&mut self, entry: &Entry, act: Option<&Act>) -> Result<(), String> {
        match entry.kind.as_str() {
            "incident.opened" => self.open_incident(entry),
            "incident.closed" => self.close_incident(entry),
            "grant.requested" => self.request(entry),
            "grant.started" => self.start(entry, act),
            "grant.extended" => self.extend(entry),
            "credential.issued" => self.issue(entry),
            "grant.used" => self.grant(entry, Stage::Active).map(drop),
            "grant.ended" => self.end(entry),
            _ => Ok(()),
        }
    }

    fn open_incident(&mut self, entry: &Entry) -> Result<(), String> {
        let id = named(entry, "incident")?;
        match self.incidents.insert(id.to_owned()) {
            true => Ok(()),
            false => Err(format!("{id} is opened a second time")),
        }
    }

    fn close_incident(&mut self, entry: &Entry) -> Result<(), String> {
        let id = named(entry, "incident")?;
        if !self.incidents.remove(id) {
            return Err(format!("{id} is closed and was not open"));
        }
        match self.live.iter().find(|(_, grant)| grant.incident == id) {
            Some((grant, _)) => Err(format!("{id} is closed, and {grant} under it lives on")),
            None => Ok(()),
        }
    }

    fn request(&mut self, entry: &Entry) -> Result<(), String> {
        let (id, incident) = (named(entry, "grant")?, named(entry, "incident")?);
        if self.ended.contains(id) || self.live.contains_key(id) {
            return Err(format!("{id} is asked for a second time"));
        }
        if !self.incidents.contains(incident) {
            return Err(format!(
                "{id} is asked for under {incident}, which is not open"
            ));
        }
        if named(entry, "person")? != entry.by {
            return Err(format!(
                "{} asks for {id} in the name of somebody else",
                entry.by
            ));
        }
        let grant = Grant {
            index: entry.index,
            person: entry.by.clone(),
            incident: incident.to_owned(),
            approvers: approvers(entry),
            stage: Stage::Waiting,
            ends_at: None,
        };
        self.live.insert(id.to_owned(), grant);
        Ok(())
    }

    fn start(&mut self, entry: &Entry, act: Option<&Act>) -> Result<(), String> {
        let id = named(entry, "grant")?.to_owned();
        let grant = self.grant(entry, Stage::Waiting)?;
        let by = &entry.by;
        match named(entry, "basis")? {
            "fast-path" if !grant.approvers.is_empty() => {
                return Err(format!("{id} began without a yes, and needed one"));
            }
            "fast-path" if !matches!(act, Some(Act::Request { .. })) => {
                return Err(format!("{id} began without anybody asking just then"));
            }
            "fast-path" => {}
            "approved" if *by == grant.person => {
                return Err(format!("{by} approved their own request {id}"));
            }
            "approved" if !grant.approvers.contains(by) => {
                return Err(format!("{by} approved {id} and is not among its approvers"));
            }
            "approved" => {}
            "self-granted" if *by != grant.person => {
                return Err(format!(
                    "{by} began {id} of {} as a self-grant",
                    grant.person
                ));
            }
            "self-granted" => {}
            other => return Err(format!("{id} began by `{other}`")),
        }
        grant.stage = Stage::Active;
        grant.ends_at = entry.time("ends_at");
        if entry.text("basis") == Some("self-granted") {
            self.self_granted.push(id);
        }
        Ok(())
    }

    fn extend(&mut self, entry: &Entry) -> Result<(), String> {
        let ends_at = entry.time("ends_at");
        self.grant(entry, Stage::Active)?.ends_at = ends_at;
        Ok(())
    }

    fn issue(&mut self, entry: &Entry) -> Result<(), String> {
        let grant = self.grant(entry, Stage::Active)?;
        match (entry.time("expires_at"), grant.ends_at) {
            (Some(expires), Some(ends)) if expires > ends => Err(format!(
                "the credential expires at {expires}, after its grant at {ends}"
            )),
            _ => Ok(()),
        }
    }

    fn end(&mut self, entry: &Entry) -> Result<(), String> {
        let id = named(entry, "grant")?;
        if self.live.remove(id).is_some() {
            self.ended.insert(id.to_owned());
            return Ok(());
        }
        Err(self.not_live(id, "ends"))
    }

    /// The live grant an entry is about, which has to be at that stage.
    fn grant(&mut self, entry: &Entry, stage: Stage) -> Result<&mut Grant, String> {
        let id = named(entry, "grant")?;
        if !self.live.contains_key(id) {
            return Err(self.not_live(id, &entry.kind));
        }
        let holder = entry.text("person");
        match self.live.get_mut(id) {
            Some(grant) if grant.stage != stage => Err(format!(
                "{} of {id}, which {}",
                entry.kind,
                grant.stage.word()
            )),
            Some(grant) if holder.is_some_and(|holder| holder != grant.person) => {
                Err(format!("{id} is of {}", grant.person))
            }
            Some(grant) => Ok(grant),
            None => Err(format!("{id} does not live")),
        }
    }

    fn not_live(&self, id: &str, what: &str) -> String {
        match self.ended.contains(id) {
            true => format!("{id} has ended before: {what}"),
            false => format!("{id} was never asked for: {what}"),
        }
    }
}

fn approvers(entry: &Entry) -> Vec<String> {
    let listed = entry.body.get("approvers").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn named<'a>(entry: &'a Entry, name: &str) -> Result<&'a str, String> {
    entry
        .text(name)
        .ok_or_else(|| format!("the {} names no {name}", entry.kind))
}
