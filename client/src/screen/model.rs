//! What the person on duty sees and does: what happens goes in, wishes come out. No terminal, no
//! clock, no broker.

use std::collections::VecDeque;

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{output::canvas::Size, show, text::number, timeline::Item};

/// As much of what happened as any terminal shows.
const REMEMBERED: usize = 200;

/// Everything there is to see.
#[derive(Debug)]
pub(super) struct Model {
    /// Who sits there.
    pub(super) me: String,
    pub(super) server: String,
    pub(super) size: Size,
    /// How things stand, as last heard.
    pub(super) status: v1::GetStatusResponse,
    /// Newest last.
    pub(super) happened: VecDeque<Item>,
    /// The id of the incident, request or grant that was chosen; empty where none was.
    pub(super) chosen: String,
    /// Its incident, which is meant where what was chosen is there no longer.
    pub(super) chosen_of: String,
    pub(super) mode: Mode,
    /// What became of the last key.
    pub(super) said: Option<Said>,
    /// Since when the broker cannot be reached, and why.
    pub(super) lost: Option<(Timestamp, String)>,
}

/// What the keys mean.
#[derive(Debug, Clone)]
pub(super) enum Mode {
    Looking,
    Help,
    /// Something is asked of the broker; what was typed for it is kept until it is done.
    Doing(&'static str, Option<Typing>),
    /// One request, in full.
    Deciding(Box<Decision>),
    Typing(Typing),
    /// Whether an incident is closed, for this reason.
    Sure {
        incident: String,
        reason: String,
    },
}

/// A request that was checked against what its requester signed.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) grant: v1::Grant,
    pub(super) incident: v1::Incident,
}

/// One line that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typing {
    pub(super) what: What,
    pub(super) text: String,
}

/// What it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Deny(String),
    Note(String),
    Close(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) is_bad: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    /// Check a request and show it.
    Look(String),
    Approve(Box<v1::Grant>),
    Deny {
        grant: String,
        reason: String,
    },
    Note {
        incident: String,
        text: String,
    },
    Close {
        incident: String,
        reason: String,
    },
    Redraw,
    Quit,
}

/// A row that keys act on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    Incident(&'a v1::Incident),
    Waiting(&'a v1::Grant),
    Live(&'a v1::Grant),
}

impl Row<'_> {
    pub(super) fn id(&self) -> &str {
        match self {
            Row::Incident(incident) => &incident.id,
            Row::Waiting(grant) | Row::Live(grant) => &grant.id,
        }
    }

    pub(super) fn incident(&self) -> &str {
        match self {
            Row::Incident(incident) => &incident.id,
            Row::Waiting(grant) | Row::Live(grant) => &grant.incident,
        }
    }
}

impl Model {
    pub(super) fn new(me: String, server: String, size: Size) -> Self {
        Self {
            me,
            server,
            size,
            status: v1::GetStatusResponse::default(),
            happened: VecDeque::new(),
            chosen: String::new(),
            chosen_of: String::new(),
            mode: Mode::Looking,
            said: None,
            lost: None,
        }
    }

    /// Incidents, requests, live access, in the order they are shown.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let incidents = self.status.incidents.iter().map(Row::Incident);
        let waiting = self.status.waiting.iter().map(Row::Waiting);
        let live = self.status.active.iter().map(Row::Live);
        incidents.chain(waiting).chain(live).collect()
    }

    /// Where the keys act: the row that was chosen, else its incident; where none was, the only real
    /// incident. What comes later moves nobody, and into a drill nobody is led who did not choose it.
    pub(super) fn at(&self) -> Option<usize> {
        let rows = self.rows();
        let of = |id: &str| rows.iter().position(|row| row.id() == id);
        if !self.chosen.is_empty() {
            return of(&self.chosen).or_else(|| of(&self.chosen_of));
        }
        let mut real = self.status.incidents.iter().filter(|it| !it.drill);
        match (real.next(), real.next()) {
            (Some(only), None) => of(&only.id),
            _ => None,
        }
    }

    /// Where choosing begins: at the real incident that was opened first.
    pub(super) fn first(&self) -> Option<usize> {
        let real = self.status.incidents.iter().enumerate();
        let real = real.filter(|(_, incident)| !incident.drill);
        let first = real.min_by_key(|(_, incident)| number(&incident.id));
        let first = first.map(|(at, _)| at);
        first.or((!self.rows().is_empty()).then_some(0))
    }

    pub(super) fn row(&self) -> Option<Row<'_>> {
        self.at().map(|at| self.rows()[at])
    }

    /// What stands before the name of an incident that is a drill.
    pub(super) fn mark_of(&self, incident: &str) -> &'static str {
        let mut incidents = self.status.incidents.iter();
        show::drill_mark(incidents.any(|it| it.id == incident && it.drill))
    }

    /// How things stand now.
    pub(super) fn stands(&mut self, mut status: v1::GetStatusResponse) {
        // What is broken stands before what is practised.
        status.incidents.sort_by_key(|incident| incident.drill);
        self.status = status;
        self.lost = None;
        let Mode::Deciding(decision) = &self.mode else {
            return;
        };
        let id = decision.grant.id.clone();
        if !self.status.waiting.iter().any(|grant| grant.id == id) {
            self.mode = Mode::Looking;
            self.say(true, format!("{id} waits no longer; nothing was signed."));
        }
    }

    /// Something happened.
    pub(super) fn happens(&mut self, item: Item) {
        if self.happened.len() == REMEMBERED {
            self.happened.pop_front();
        }
        self.happened.push_back(item);
    }

    /// The broker is out of reach. Since when, is told of the first time.
    pub(super) fn loses(&mut self, now: Timestamp, why: String) {
        let since = self.lost.as_ref().map_or(now, |(since, _)| *since);
        self.lost = Some((since, why));
    }

    /// A request was checked, or cannot be shown.
    pub(super) fn looked(&mut self, found: Result<Decision, String>) {
        match found {
            Ok(decision) => {
                self.said = None;
                self.mode = Mode::Deciding(Box::new(decision));
            }
            Err(why) => self.did(Err(why)),
        }
    }

    /// What was asked of the broker is done, or not; then what was typed for it is still there.
    pub(super) fn did(&mut self, outcome: Result<String, String>) {
        let typed = match std::mem::replace(&mut self.mode, Mode::Looking) {
            Mode::Doing(_, typed) => typed,
            other => {
                self.mode = other;
                None
            }
        };
        match outcome {
            Ok(text) => self.say(false, text),
            Err(why) => {
                self.say(true, why);
                if let Some(typed) = typed {
                    self.mode = Mode::Typing(typed);
                }
            }
        }
    }

    pub(super) fn say(&mut self, is_bad: bool, text: impl Into<String>) {
        let text = text.into();
        self.said = Some(Said { text, is_bad });
    }
}
