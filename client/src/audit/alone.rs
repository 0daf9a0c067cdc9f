//! What somebody has on nobody's word but their own: one of a right under an incident at a time, and a
//! veto ends each; and everybody had the policy's time to answer, since they could be told and since the
//! last of them was over, and they are counted.
//!
//! Ledgers written before brokers held that are not held to it: a broker says so when it starts, in
//! `rules`, and from the first that did on, the ledger is. Taking it back later changes nothing.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    bounds::later,
    escalating::Escalation,
    grants::{Active, Basis, Grant},
    lives::Lives,
};
use crate::{entry::Entry, limits::ESCALATES_WITHIN};

/// Person, right and incident.
type Of = [String; 3];

/// What has to follow, and whether.
#[derive(Default)]
pub(super) struct Alone {
    is_held: bool,
    /// Whether their time is.
    is_timed: bool,
    vetoed: Option<Vetoed>,
    /// Under open incidents.
    before: HashMap<Of, Before>,
}

/// What somebody began alone of a right, under an incident.
#[derive(Default, Clone, Copy)]
struct Before {
    begun: i64,
    /// When the last of them was over.
    ended_at: Option<Timestamp>,
}

/// Whose right under which incident was vetoed just now.
struct Vetoed {
    at: Timestamp,
    of: Of,
}

impl Alone {
    /// What a broker holds that starts, and whether it holds that there is time for everybody.
    fn hear(&mut self, entry: &Entry) -> bool {
        let rules = entry.number("rules").unwrap_or_default();
        self.is_held |= rules >= 1;
        self.is_timed |= rules >= 2;
        rules >= 2
    }

    /// A grant ended that its holder may have begun alone.
    pub(super) fn end(&mut self, entry: &Entry, grant: &Grant) {
        let is_alone = |active: &Active| active.basis == Basis::SelfGranted;
        if grant.active.as_ref().is_some_and(is_alone) {
            self.before.entry(of(entry)).or_default().ended_at = Some(entry.at);
        }
        if self.is_held && is_veto(entry) {
            self.vetoed = Some(Vetoed {
                at: entry.at,
                of: of(entry),
            });
        }
    }
}

impl Grant {
    /// Whether its holder began it alone, and it still runs.
    pub(super) fn runs_alone(&self, at: Timestamp) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.basis == Basis::SelfGranted && at < active.ends_at)
    }

    /// Of what may be begun alone, in all so long does not count: nobody could be told.
    fn stand_still(&mut self, in_all: i64) {
        let waits = self.active.is_none();
        let Some(alone) = self.alone.as_mut().filter(|_| waits) else {
            return;
        };
        let more = in_all - self.stood_still;
        if more > 0 {
            alone.from = later(alone.from, more);
            self.lapses_at = later(self.lapses_at, more);
            self.stood_still = in_all;
        }
    }

    /// It went to others when it was due, or so much later.
    fn escalated(&mut self, entry: &Entry) {
        let due = self.escalation.as_ref().map(Escalation::due);
        let late = due.map_or(0, |due| millis(due, entry.at));
        if late > ESCALATES_WITHIN {
            self.stand_still(late);
        }
    }

    fn is_of(&self, [person, right, incident]: &Of) -> bool {
        (&self.person, &self.right, &self.incident) == (person, right, incident)
    }
}

impl Lives {
    /// Nobody knows whether anybody could be told before: what waits and may be begun alone waits anew.
    pub(super) fn broker_started(&mut self, entry: &Entry) {
        if !self.alone.hear(entry) {
            return;
        }
        for grant in self.live.values_mut() {
            if entry.at < grant.lapses_at {
                grant.stand_still(millis(grant.asked_at, entry.at));
            }
        }
    }

    /// A request went to others.
    pub(super) fn escalated(&mut self, entry: &Entry) -> Result<(), String> {
        let is_timed = self.alone.is_timed;
        let grant = self.grant(entry)?;
        if is_timed {
            grant.escalated(entry);
        }
        Ok(())
    }

    /// An incident is over, and what was begun alone under it.
    pub(super) fn forget_alone(&mut self, entry: &Entry) {
        let incident = entry.text("incident").unwrap_or_default();
        self.alone.before.retain(|of, _| of[2] != incident);
    }

    /// A grant began: alone, it is counted, and everybody had their time since the last was over.
    pub(super) fn count_alone(&mut self, entry: &Entry) -> Result<(), String> {
        let said = entry.number("alone_before").unwrap_or_default();
        let is_alone = entry.text("basis") == Some("self-granted");
        let of = of(entry);
        let before = match is_alone {
            true => self.alone.before.get(&of).copied().unwrap_or_default(),
            false => Before::default(),
        };
        let is_timed = self.alone.is_timed;
        let id = entry.text("grant").unwrap_or_default();
        if is_timed && said != before.begun {
            return Err(format!(
                "{id} says that {said} were begun alone before it, and {} were",
                before.begun
            ));
        }
        if !is_alone {
            return Ok(());
        }
        let (by, grant) = (entry.by.clone(), self.grant(entry)?);
        let asked_at = later(grant.asked_at, grant.stood_still);
        let patience = grant.alone.map_or(0, |alone| millis(asked_at, alone.from));
        let from = before.ended_at.map(|ended| later(ended, patience));
        if let Some(from) = from.filter(|from| is_timed && entry.at < *from) {
            return Err(format!(
                "{by} began {id} alone before everybody had their time again, until {from}"
            ));
        }
        self.alone.before.entry(of).or_default().begun += 1;
        Ok(())
    }

    /// Nobody begins alone while another like it runs that they began alone.
    pub(super) fn need_none_alone(&self, entry: &Entry) -> Result<(), String> {
        if !self.alone.is_held || entry.text("basis") != Some("self-granted") {
            return Ok(());
        }
        let of = of(entry);
        match self.first(|grant| grant.is_of(&of) && grant.runs_alone(entry.at)) {
            None => Ok(()),
            Some(other) => Err(format!(
                "{} began {} alone, and {other} runs, which they began alone too",
                entry.by,
                entry.text("grant").unwrap_or_default()
            )),
        }
    }

    /// Behind a veto stands the end of whatever else its holder has of that right alone there.
    pub(super) fn need_vetoed(&mut self, entry: Option<&Entry>) -> Result<(), String> {
        let follows = |vetoed: &Vetoed| {
            entry.is_some_and(|it| it.at == vetoed.at && is_veto(it) && of(it) == vetoed.of)
        };
        let vetoed = self.alone.vetoed.take();
        let Some(vetoed) = vetoed.filter(|vetoed| !follows(vetoed)) else {
            return Ok(());
        };
        let runs = |grant: &Grant| grant.is_of(&vetoed.of) && grant.runs_alone(vetoed.at);
        match self.first(runs) {
            None => Ok(()),
            Some(other) => Err(format!(
                "{other} lives on, which {} began alone, and that was vetoed",
                vetoed.of[0]
            )),
        }
    }
}

/// From one time to a later one; nothing where it is not.
fn millis(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_millisecond() - from.as_millisecond()).max(0)
}

fn is_veto(entry: &Entry) -> bool {
    entry.kind == "grant.ended" && entry.text("ending") == Some("vetoed")
}

fn of(entry: &Entry) -> Of {
    ["person", "right", "incident"].map(|name| entry.text(name).unwrap_or_default().to_owned())
}
