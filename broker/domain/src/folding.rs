//! Refusals that repeat become one entry with a count, so that nobody known can fill the ledger.

use std::collections::BTreeMap;

use crate::command::{Act, Command};
use crate::event::Actor;
use crate::id::IncidentId;
use crate::limits::{PROSE_MAX, REFUSAL_KEYS, REFUSAL_WINDOW};
use crate::time::Time;

/// What stands in the entry's reason where refusals for several reasons are counted together.
pub const SEVERAL: &str = "TOO_MANY";

/// Counts refusals by person, reason and incident. Holds nothing that matters after a restart.
///
/// The first one is an entry at once. What repeats within [`REFUSAL_WINDOW`] is counted, and comes
/// out as one entry when the window has passed; while it goes on there is one entry a window. Beyond
/// [`REFUSAL_KEYS`] people and reasons at once, what is new is counted by person alone.
#[derive(Debug, Default)]
pub struct RefusalFolder {
    slots: BTreeMap<Key, Slot>,
}

/// Who was refused, for which reason, under which incident where it is known.
type Key = (Actor, String, Option<IncidentId>);

/// One person's refusals for one reason since the last entry.
#[derive(Debug)]
struct Slot {
    /// When the last entry was made.
    since: Time,
    count: u32,
    act: String,
    text: String,
}

impl RefusalFolder {
    /// Takes one refusal: who tried what (a statement's act or an RPC's name), the stable reason,
    /// what they were told, and under which open incident, if any. Answers the entry to make now, if
    /// any.
    pub fn note(
        &mut self,
        now: Time,
        by: &Actor,
        act: &str,
        reason: &str,
        text: &str,
        incident: Option<IncidentId>,
    ) -> Option<Command> {
        let mut key = (by.clone(), reason.to_owned(), incident);
        if !self.slots.contains_key(&key) && self.slots.len() >= REFUSAL_KEYS {
            key = (by.clone(), SEVERAL.to_owned(), None);
        }
        let slot = self.slots.get_mut(&key);
        let Some(slot) = slot else {
            let slot = Slot::new(now, act, text);
            let command = slot.command(&key, 1);
            self.slots.insert(key, slot);
            return Some(command);
        };
        slot.repeat(act, text);
        if !slot.is_over(now) {
            return None;
        }
        Some(slot.take(&key, now))
    }

    /// The entries for what was counted in windows that have passed.
    pub fn due(&mut self, now: Time) -> Vec<Command> {
        // A window without a repeat ends the matter.
        self.slots
            .retain(|_, slot| slot.count > 0 || !slot.is_over(now));
        let over = self.slots.iter_mut().filter(|(_, slot)| slot.is_over(now));
        over.map(|(key, slot)| slot.take(key, now)).collect()
    }

    /// When [`RefusalFolder::due`] next has something to do.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        let ends = self
            .slots
            .values()
            .map(|slot| slot.since.plus(REFUSAL_WINDOW));
        ends.min()
    }

    /// The entries for everything counted so far; for the end of serving.
    pub fn flush(&mut self) -> Vec<Command> {
        let slots = std::mem::take(&mut self.slots);
        slots
            .iter()
            .filter(|(_, slot)| slot.count > 0)
            .map(|(key, slot)| slot.command(key, slot.count))
            .collect()
    }
}

impl Slot {
    fn new(since: Time, act: &str, text: &str) -> Self {
        let mut slot = Self {
            since,
            count: 0,
            act: String::new(),
            text: String::new(),
        };
        slot.remember(act, text);
        slot
    }

    fn repeat(&mut self, act: &str, text: &str) {
        self.count = self.count.saturating_add(1);
        self.remember(act, text);
    }

    /// The newest words stand for all of them.
    fn remember(&mut self, act: &str, text: &str) {
        let end = text.floor_char_boundary(PROSE_MAX);
        text[..end].clone_into(&mut self.text);
        act.clone_into(&mut self.act);
    }

    fn is_over(&self, now: Time) -> bool {
        now.since(self.since) >= REFUSAL_WINDOW
    }

    /// The entry for what was counted; the next window begins.
    fn take(&mut self, key: &Key, now: Time) -> Command {
        let command = self.command(key, self.count);
        self.since = now;
        self.count = 0;
        command
    }

    fn command(&self, (by, reason, incident): &Key, count: u32) -> Command {
        Command {
            by: Actor::Broker,
            signed: None,
            act: Act::NoteRefusal {
                by: by.clone(),
                act: self.act.clone(),
                reason: reason.clone(),
                text: self.text.clone(),
                count,
                incident: *incident,
                checkpoint: None,
            },
        }
    }
}
