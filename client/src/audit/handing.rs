//! Handing over: the request is the old holder's, for somebody else, to the same end; where the new
//! grant begins, the old one ends right behind it; and what waits ends with the grant it comes from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    BROKER,
    grants::{Grant, Scene},
    lives::Lives,
};
use crate::entry::Entry;

/// Where a request comes from.
pub(super) struct Handed {
    /// The old grant.
    pub(super) from: String,
    /// Who hands over.
    pub(super) by: String,
    /// When the first began of those that were handed over.
    pub(super) since: Timestamp,
    /// The latest end that was signed.
    pub(super) until: Timestamp,
}

/// What has to follow.
#[derive(Default)]
pub(super) struct Handovers {
    /// A new grant began: the old one ends in the next entry.
    swap: Option<Swap>,
    /// Waiting requests whose old grant ended, by their id, and when.
    left: BTreeMap<String, Timestamp>,
}

struct Swap {
    old: String,
    new: String,
    person: String,
    at: Timestamp,
}

impl Handed {
    /// All of it or nothing.
    pub(super) fn read(entry: &Entry) -> Option<Self> {
        Some(Self {
            from: entry.text("from")?.to_owned(),
            by: entry.by.clone(),
            since: entry.time("since")?,
            until: entry.time("until")?,
        })
    }
}

impl Grant {
    /// Whether it is this very entry that goes on with what was signed when it was handed over.
    pub(super) fn is_handed_by(&self, entry: &Entry) -> bool {
        let is_theirs = |handed: &Handed| handed.by == entry.by;
        self.handed.as_ref().is_some_and(is_theirs)
            && entry.index == self.index + 1
            && entry.at == self.asked_at
    }

    /// It comes from the grant of who signed, which is active, and ends no later.
    fn need_handed(&self, entry: &Entry, other: &Self, scene: Scene<'_>) -> Result<(), String> {
        let (id, by) = (&self.id, &entry.by);
        let Some(handed) = &self.handed else {
            return Err(format!("{id} does not say how it was handed over"));
        };
        let active = *other.need_active(entry)?;
        if other.person != *by {
            return Err(format!(
                "{by} hands over {}, which is of {}",
                other.id, other.person
            ));
        }
        if self.person == *by {
            return Err(format!("{by} hands {} over to themselves", other.id));
        }
        if (&self.right, &self.incident) != (&other.right, &other.incident) {
            return Err(format!(
                "{id} is of another right or incident than {}",
                other.id
            ));
        }
        if handed.until > active.ends_at || self.lapses_at > active.ends_at {
            return Err(format!(
                "{id} may last or wait longer than {}, which ends at {}",
                other.id, active.ends_at
            ));
        }
        if handed.since != other.counts_since(&active) {
            return Err(format!("{id} counts from another time than {}", other.id));
        }
        if self.is_held || self.alone.is_some() || !self.key.is_empty() {
            return Err(format!(
                "{id} is handed over, and is held, bound to a key, or may be begun alone"
            ));
        }
        self.need_receiver(other, scene)
    }

    /// Somebody who can use it.
    fn need_receiver(&self, other: &Self, scene: Scene<'_>) -> Result<(), String> {
        let person = &self.person;
        if !scene.people.is_there(person) {
            return Err(format!(
                "{} is handed over to {person}, who is frozen or has no key",
                other.id
            ));
        }
        match scene.incidents.is_vetoed(self) {
            false => Ok(()),
            true => Err(format!(
                "{} is handed over to {person}, whose self-grant of it was vetoed",
                other.id
            )),
        }
    }
}

impl Lives {
    /// Checks a request that was made by handing over.
    pub(super) fn need_handed(
        &self,
        grant: &Grant,
        entry: &Entry,
        scene: Scene<'_>,
    ) -> Result<(), String> {
        let Some(handed) = &grant.handed else {
            return Ok(());
        };
        let other = self.live.get(&handed.from);
        let other = other.ok_or_else(|| self.not_live(&handed.from, "handing over"))?;
        grant.need_handed(entry, other, scene)?;
        let same = |it: &Grant| {
            (&it.person, &it.right, &it.incident) == (&grant.person, &grant.right, &grant.incident)
        };
        match self.first(same) {
            None => Ok(()),
            Some(theirs) => Err(format!(
                "{} is handed over to {}, who has {theirs} for that",
                handed.from, grant.person
            )),
        }
    }

    /// The end of the grant that the one an entry begins comes from: it lives, and goes on until then.
    pub(super) fn other_end(&self, entry: &Entry) -> Result<Option<Timestamp>, String> {
        let grant = entry.text("grant").and_then(|id| self.live.get(id));
        let Some(handed) = grant.and_then(|grant| grant.handed.as_ref()) else {
            return Ok(None);
        };
        let other = self.live.get(&handed.from);
        let other = other.ok_or_else(|| self.not_live(&handed.from, "handing over"))?;
        let active = other.need_active(entry)?;
        Ok(Some(active.ends_at.min(handed.until)))
    }

    /// A grant that was handed over began.
    pub(super) fn owe_swap(&mut self, entry: &Entry) {
        let grant = entry.text("grant").and_then(|id| self.live.get(id));
        let Some((grant, handed)) = grant.and_then(|it| Some((it, it.handed.as_ref()?))) else {
            return;
        };
        self.handovers.swap = Some(Swap {
            old: handed.from.clone(),
            new: grant.id.clone(),
            person: grant.person.clone(),
            at: entry.at,
        });
    }

    /// Behind the beginning of the new grant stands the end of the old one, and such an end nowhere else.
    pub(super) fn need_swap(&mut self, entry: &Entry) -> Result<(), String> {
        let ends_so = entry.kind == "grant.ended" && entry.text("ending") == Some("handed-over");
        let Some(swap) = self.handovers.swap.take() else {
            return match ends_so {
                false => Ok(()),
                true => Err(format!(
                    "{} ends as handed over, and no other grant began just then",
                    entry.text("grant").unwrap_or_default()
                )),
            };
        };
        let is_it = ends_so
            && entry.by == BROKER
            && entry.at == swap.at
            && entry.text("grant") == Some(&swap.old)
            && entry.text("to") == Some(&swap.new)
            && entry.text("to_person") == Some(&swap.person);
        match is_it {
            true => Ok(()),
            false => Err(swap.missing()),
        }
    }

    /// What waited for a grant that ended is over at the same moment.
    pub(super) fn need_none_left(&mut self, at: Timestamp) -> Result<(), String> {
        let live = &self.live;
        let waits = |id: &str| live.get(id).is_some_and(|grant| grant.active.is_none());
        self.handovers.left.retain(|id, _| waits(id));
        match self.handovers.left.iter().find(|(_, since)| **since < at) {
            None => Ok(()),
            Some((id, _)) => Err(format!(
                "{id} waits on, and the grant it was to be handed over from is over"
            )),
        }
    }

    /// Nothing is missing at the end.
    pub(super) fn need_whole(&mut self) -> Result<(), String> {
        if let Some(swap) = self.handovers.swap.take() {
            return Err(swap.missing());
        }
        self.need_vetoed(None)?;
        self.need_none_left(Timestamp::MAX)
    }

    /// Whether the grant that an entry ends waits for one that is over.
    pub(super) fn is_left(&self, entry: &Entry) -> bool {
        let id = entry.text("grant").unwrap_or_default();
        self.handovers.left.contains_key(id)
    }

    /// A grant ended: what waited for it is to end too.
    pub(super) fn leave(&mut self, ended: &str, at: Timestamp) {
        let waits = |grant: &&Grant| {
            let handed = grant.handed.as_ref();
            grant.active.is_none() && handed.is_some_and(|handed| handed.from == ended)
        };
        let left = self.live.values().filter(waits);
        let left: Vec<_> = left.map(|grant| (grant.id.clone(), at)).collect();
        self.handovers.left.extend(left);
    }
}

impl Swap {
    fn missing(&self) -> String {
        format!(
            "{} began by handing over, and the end of {} does not stand behind it",
            self.new, self.old
        )
    }
}
