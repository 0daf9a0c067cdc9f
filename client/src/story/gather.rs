//! Which entries the story of a grant takes, so that each of them can be checked.
//!
//! - All entries that name it, and those of the grants it was handed over from, each with its incident.
//! - All entries of its incident: an incident ends all its grants under one statement.
//! - Of an act that touched another incident as well (a freeze, a removal), all entries of that one too.
//! - What happened to everybody whom these name, and to whoever invited or stopped them: from the key that
//!   signs to the invitation by the operator that began it.
//! - The policy in force at each of these places.
//! - Each start of the broker while something under these incidents waited that might be begun alone.
//! - Where it began on the fast path and the policy asks for reviews, which answers were owed then: of the
//!   incidents that closed last before it. These entries are proven, and count for nothing else.
//! - Where that asks witnesses, what they have signed meanwhile, and how it stood before.
//! - The marks of what was lost where the broker went on from an older copy; each is checked by itself.
//!
//! The same choice as for the entries from before an exported period (decision 21), narrowed to the people
//! and policies that matter here.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_proto::v1::ListEntriesRequest;
use serde_json::Value;

use super::{InForce, Proven, debts::Debts, marks};
use crate::{
    entry::Entry,
    error::Error,
    limits::{MAX_ID_BYTES, RULES_KNOWN, STORY_ENTRIES, STORY_INCIDENTS, STORY_STARTS},
    time,
};

const BROKER: &str = "breakglass";

/// The request of a grant, and every entry its story takes.
pub(super) async fn all_about(ledger: &impl Proven, grant: &str) -> Result<Gathered, Error> {
    // Whole acts are appended at once, so none is cut in two here.
    let size = ledger.size().await?;
    let asked = ListEntriesRequest {
        grant: grant.to_owned(),
        kind: "grant.requested".to_owned(),
        ..ListEntriesRequest::default()
    };
    let asked = ledger.entries(asked, 1).await?.pop();
    let asked = asked.filter(|entry| entry.text("grant") == Some(grant));
    let Some(asked) = asked else {
        let what = format!("the ledger has no grant {grant}");
        let next = "see them: glass grants";
        return Err(Error::refused("UNKNOWN_GRANT", what, next));
    };
    let mut gathering = Gathering {
        ledger,
        size,
        entries: BTreeMap::new(),
        incidents: BTreeSet::new(),
        without_act: BTreeSet::new(),
    };
    let incident = asked.text("incident").unwrap_or_default().to_owned();
    gathering.incident(&incident).await?;
    gathering.named(grant).await?;
    gathering.people_and_their_acts().await?;
    if gathering.policies().await? {
        gathering.witnesses().await?;
        gathering.policies().await?;
    }
    gathering.held_rules().await?;
    gathering.starts_meanwhile().await?;
    gathering.keys_of_the_ledger().await?;
    let debts = gathering.debts(grant).await?;
    Ok(Gathered {
        asked,
        entries: gathering.entries,
        debts,
        marks: marks::all(ledger).await?,
    })
}

/// What was read.
pub(super) struct Gathered {
    /// The request.
    pub(super) asked: Entry,
    /// What is checked.
    pub(super) entries: BTreeMap<u64, Entry>,
    /// What tells which answers were owed; nothing where that does not matter.
    pub(super) debts: Option<Debts>,
    /// Where parts of the ledger were lost.
    pub(super) marks: Vec<Entry>,
}

pub(super) struct Gathering<'a, L> {
    pub(super) ledger: &'a L,
    size: u64,
    pub(super) entries: BTreeMap<u64, Entry>,
    /// Those that are told whole.
    incidents: BTreeSet<String>,
    /// Entries that go on with an act of which nothing stands before them; the check will say so.
    without_act: BTreeSet<u64>,
}

impl<L: Proven> Gathering<'_, L> {
    /// Everything under an incident, unless it is there.
    async fn incident(&mut self, id: &str) -> Result<(), Error> {
        if !is_numbered("INC-", id) || !self.incidents.insert(id.to_owned()) {
            return Ok(());
        }
        if self.incidents.len() > STORY_INCIDENTS {
            return Err(too_long());
        }
        let filter = ListEntriesRequest {
            incident: id.to_owned(),
            oldest_first: true,
            ..ListEntriesRequest::default()
        };
        let found = self.ledger.entries(filter, STORY_ENTRIES + 1).await?;
        self.add(found)
    }

    /// Every entry that names a grant, wherever it stands, and those of the grants it comes from.
    async fn named(&mut self, grant: &str) -> Result<(), Error> {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![grant.to_owned()]);
        while let Some(grant) = todo.pop() {
            if !is_numbered("G-", &grant) || !seen.insert(grant.clone()) {
                continue;
            }
            let filter = ListEntriesRequest {
                grant,
                oldest_first: true,
                ..ListEntriesRequest::default()
            };
            let found = self.ledger.entries(filter, STORY_ENTRIES + 1).await?;
            let asks = found.iter().find(|entry| entry.kind == "grant.requested");
            let (from, incident) = asks
                .map(|asks| (asks.text("from"), asks.text("incident")))
                .unwrap_or_default();
            todo.extend(from.map(str::to_owned));
            if let Some(incident) = incident.map(str::to_owned) {
                self.incident(&incident).await?;
            }
            self.add(found)?;
        }
        Ok(())
    }

    /// Until nobody and nothing new is named.
    async fn people_and_their_acts(&mut self) -> Result<(), Error> {
        let mut known = BTreeSet::new();
        loop {
            self.begun_acts().await?;
            let named: BTreeSet<String> = self.entries.values().flat_map(people_of).collect();
            let new: Vec<_> = named.difference(&known).cloned().collect();
            if new.is_empty() {
                return Ok(());
            }
            for person in &new {
                let filter = ListEntriesRequest {
                    person: person.clone(),
                    kind: "person".to_owned(),
                    oldest_first: true,
                    ..ListEntriesRequest::default()
                };
                let found = self.ledger.entries(filter, STORY_ENTRIES + 1).await?;
                let about = |entry: &Entry| entry.text("person") == Some(person);
                self.add(found.into_iter().filter(about).collect())?;
            }
            known.extend(new);
        }
    }

    /// The statement of an act stands on its first entry: for each entry that goes on with one, what is
    /// before it of the same act, with the incidents that touches.
    async fn begun_acts(&mut self) -> Result<(), Error> {
        loop {
            let open = self
                .entries
                .values()
                .find(|entry| self.lacks_beginning(entry));
            let Some(entry) = open.cloned() else {
                return Ok(());
            };
            let filter = ListEntriesRequest {
                cursor: entry.index.to_string(),
                ..ListEntriesRequest::default()
            };
            let before = self.ledger.entries(filter, 1).await?;
            let of_act = |it: &Entry| it.at == entry.at && it.by == entry.by;
            let Some(before) = before.first().filter(|it| of_act(it)).cloned() else {
                self.without_act.insert(entry.index);
                continue;
            };
            let incident = before.text("incident").map(str::to_owned);
            self.add(vec![before])?;
            if let Some(incident) = incident {
                self.incident(&incident).await?;
            }
        }
    }

    /// Whether it goes on with an act that somebody signed, and the entry before it is not there.
    fn lacks_beginning(&self, entry: &Entry) -> bool {
        const OF_ACTS: [&str; 4] = [
            "grant.ended",
            "incident.closed",
            "person.frozen",
            "person.removed",
        ];
        OF_ACTS.contains(&&*entry.kind)
            && entry.signed.is_none()
            && entry.by != BROKER
            && !self.without_act.contains(&entry.index)
            && entry
                .index
                .checked_sub(1)
                .is_some_and(|before| !self.entries.contains_key(&before))
    }

    /// The policy in force at each place; whether one of them asks witnesses.
    pub(super) async fn policies(&mut self) -> Result<bool, Error> {
        let places: Vec<u64> = self.entries.keys().rev().copied().collect();
        let mut covered = u64::MAX;
        for place in places {
            if place >= covered {
                continue;
            }
            let filter = ListEntriesRequest {
                kind: "policy.loaded".to_owned(),
                cursor: place.to_string(),
                ..ListEntriesRequest::default()
            };
            let found = self.ledger.entries(filter, 1).await?;
            covered = found.first().map_or(0, |loaded| loaded.index);
            self.add(found)?;
        }
        let loaded = self.entries.values().filter_map(InForce::read);
        Ok(loaded
            .into_iter()
            .any(|policy| policy.rules.witnesses().is_some()))
    }

    /// How the ledger was handed over from one key to the next: whose turn it is is checked, too.
    async fn keys_of_the_ledger(&mut self) -> Result<(), Error> {
        let filter = ListEntriesRequest {
            kind: "key.added".to_owned(),
            oldest_first: true,
            ..ListEntriesRequest::default()
        };
        let mut added = self.ledger.entries(filter, STORY_ENTRIES + 1).await?;
        added.retain(|entry| entry.text("purpose") == Some("ledger"));
        self.add(added)
    }

    /// Where the broker first said that it holds rules that brokers before did not, of each number of them:
    /// that is never taken back.
    async fn held_rules(&mut self) -> Result<(), Error> {
        for most in [1, STORY_STARTS] {
            let filter = ListEntriesRequest {
                kind: "broker.started".to_owned(),
                oldest_first: true,
                ..ListEntriesRequest::default()
            };
            let starts = self.ledger.entries(filter, most).await?;
            let mut held = 0;
            let firsts = starts.into_iter().filter(|start| {
                let rules = start.number("rules").unwrap_or_default();
                let is_first = rules > held;
                held = held.max(rules);
                is_first
            });
            self.add(firsts.collect())?;
            if held >= RULES_KNOWN {
                break;
            }
        }
        Ok(())
    }

    /// Each start while something waited that might be begun alone: what waits waits anew.
    async fn starts_meanwhile(&mut self) -> Result<(), Error> {
        let may_be_alone = |entry: &&Entry| entry.body.get("self_grant").is_some();
        let Some(first) = self.entries.values().find(may_be_alone) else {
            return Ok(());
        };
        let last = self.entries.values().next_back().map(|entry| entry.at);
        let until = last.and_then(|at| at.checked_add(std::time::Duration::from_millis(1)).ok());
        let filter = ListEntriesRequest {
            kind: "broker.started".to_owned(),
            since: Some(time::to_proto(first.at)),
            until: until.map(time::to_proto),
            oldest_first: true,
            ..ListEntriesRequest::default()
        };
        let found = self.ledger.entries(filter, STORY_ENTRIES + 1).await?;
        self.add(found)
    }

    /// What witnesses have signed from the first credential on, and how it stood before.
    async fn witnesses(&mut self) -> Result<(), Error> {
        let kind = |entry: &&Entry| entry.kind == "credential.issued";
        let Some(first) = self.entries.values().find(kind).map(|entry| entry.index) else {
            return Ok(());
        };
        let last = self.entries.values().next_back().map(|entry| entry.at);
        let until = last.and_then(|at| at.checked_add(std::time::Duration::from_millis(1)).ok());
        let mut stood = Vec::new();
        for kind in ["ledger.unwitnessed", "ledger.witnessed"] {
            let before = ListEntriesRequest {
                kind: kind.to_owned(),
                cursor: first.to_string(),
                ..ListEntriesRequest::default()
            };
            stood.push(self.ledger.entries(before.clone(), 1).await?.pop());
            let since = ListEntriesRequest {
                until: until.map(time::to_proto),
                oldest_first: true,
                ..before
            };
            let found = self.ledger.entries(since, STORY_ENTRIES + 1).await?;
            self.add(found)?;
        }
        // That enough of them sign is how it is unless the newest word says otherwise.
        let newest = stood.into_iter().flatten().max_by_key(|entry| entry.index);
        self.add(newest.into_iter().collect())
    }

    pub(super) fn add(&mut self, found: Vec<Entry>) -> Result<(), Error> {
        for entry in found.into_iter().filter(|entry| entry.index < self.size) {
            self.entries.insert(entry.index, entry);
        }
        match self.entries.len() > STORY_ENTRIES {
            true => Err(too_long()),
            false => Ok(()),
        }
    }
}

fn too_long() -> Error {
    Error::refused(
        "TOO_MANY",
        format!(
            "this story takes more than {STORY_ENTRIES} entries, or {STORY_INCIDENTS} incidents, to be \
             checked by itself"
        ),
        "check all there is: glass ledger verify. To read it: glass ledger list --grant ID",
    )
}

/// Everybody an entry names, by their ids.
fn people_of(entry: &Entry) -> Vec<String> {
    let mut named = Vec::new();
    let is_person = |id: &str| id != BROKER && !id.contains(':');
    named.extend(Some(&*entry.by).filter(|by| is_person(by)));
    named.extend(
        ["person", "to_person"]
            .iter()
            .filter_map(|name| entry.text(name)),
    );
    let escalation = entry.body.get("escalation");
    let later = escalation.and_then(|pinned| pinned.get("approvers"));
    let lists = [entry.body.get("approvers"), entry.body.get("call"), later];
    for list in lists.into_iter().flatten() {
        let ids = list.as_array().into_iter().flatten();
        named.extend(ids.filter_map(Value::as_str));
    }
    // What can be nobody's id is not asked for: the check says what is wrong with it.
    let ids = named.into_iter().filter(|id| is_id(id));
    ids.map(str::to_owned).collect()
}

/// As `docs/ledger-format.md` has ids of people.
fn is_id(text: &str) -> bool {
    let proper = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(proper)
}

/// `G-45`, `INC-12`.
fn is_numbered(before: &str, text: &str) -> bool {
    let number = text.strip_prefix(before).unwrap_or_default();
    (1..=19).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}
