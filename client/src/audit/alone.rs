//! What somebody has on nobody's word but their own: one of a right under an incident at a time, and a
//! veto ends each.
//!
//! Ledgers written before brokers held that are not held to it: a broker says so when it starts, in
//! `rules`, and from the first that did on, the ledger is. Taking it back later changes nothing.

use jiff::Timestamp;

use super::{
    grants::{Basis, Grant},
    lives::Lives,
};
use crate::entry::Entry;

/// What has to follow, and whether.
#[derive(Default)]
pub(super) struct Alone {
    is_held: bool,
    vetoed: Option<Vetoed>,
}

/// Whose right under which incident was vetoed just now.
struct Vetoed {
    at: Timestamp,
    of: [String; 3],
}

impl Alone {
    /// What a broker holds that starts.
    pub(super) fn hear(&mut self, entry: &Entry) {
        self.is_held |= entry.number("rules").is_some_and(|rules| rules >= 1);
    }

    /// A grant ended.
    pub(super) fn end(&mut self, entry: &Entry) {
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

    fn is_of(&self, [person, right, incident]: &[String; 3]) -> bool {
        (&self.person, &self.right, &self.incident) == (person, right, incident)
    }
}

impl Lives {
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

fn is_veto(entry: &Entry) -> bool {
    entry.kind == "grant.ended" && entry.text("ending") == Some("vetoed")
}

fn of(entry: &Entry) -> [String; 3] {
    ["person", "right", "incident"].map(|name| entry.text(name).unwrap_or_default().to_owned())
}
