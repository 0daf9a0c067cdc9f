//! Whether entries can have happened in this order.

use std::fmt::Display;

use breakglass_domain::event::KeyPurpose;
use breakglass_domain::{Change, Event, GrantId, GrantRef, IncidentId, State, Time};
use breakglass_tlog::{LedgerKeys, Succession};

use super::statement::Statement;
use crate::ledger::entry;
use crate::ledger::files::check::Look;

/// Heads of other histories that are told: whoever has more of them knows by then.
const OTHERS_TOLD: usize = 1_000;

/// The fold of the entries so far.
pub(super) struct History {
    state: State,
    newest: Option<Time>,
    /// By which the commits are signed.
    keys: LedgerKeys,
    /// By which notes they have followed each other so far.
    pub(super) handed_over: Vec<String>,
    /// The signatures of people are checked, too.
    deep: bool,
    pub(super) statements: u64,
    /// Marks of histories that were lost.
    notes: Vec<String>,
    /// Heads of another history that somebody had seen: the entry that shows it, its size and its root.
    others: Vec<(u64, u64, String)>,
}

impl Look for History {
    type Read = Result<(u64, Event), String>;
    type Later = Statement;

    fn read(line: &[u8]) -> Self::Read {
        entry::decode(line).map_err(|e| e.to_string())
    }

    fn take(&mut self, place: u64, read: Self::Read) -> (Option<Statement>, Result<(), String>) {
        let (index, event) = match read {
            Ok(read) => read,
            Err(why) => return (None, Err(why)),
        };
        let in_order = self.in_order(place, index, &event);
        let (statement, signed) = match self.deep {
            true => match Statement::of(&event, &self.state) {
                Ok(statement) => (statement, Ok(())),
                Err(why) => (None, Err(why)),
            },
            false => (None, Ok(())),
        };
        self.statements += u64::from(statement.is_some());
        let followed = self.follow(place, &event.change);
        let possible = in_order.and_then(|()| self.possible(&event));
        let taken = possible.and(followed).and(signed);
        self.note(index, &event);
        self.newest = self.newest.max(Some(event.at));
        self.state.apply(&event);
        (statement, taken)
    }

    fn settle(statement: &Statement) -> Result<(), String> {
        statement.verify()
    }
}

impl History {
    fn in_order(&self, place: u64, index: u64, event: &Event) -> Result<(), String> {
        if index != place {
            return Err(format!("entry {place} says that it is entry {index}"));
        }
        match self.newest.filter(|newest| event.at < *newest) {
            Some(newest) => Err(format!("it is from {}, after one from {newest}", event.at)),
            None => Ok(()),
        }
    }

    /// What is no damage and still worth knowing, at the end.
    pub(super) fn notes(&mut self) -> Vec<String> {
        let known = &self.state.restorations;
        let others = self.others.iter();
        let unknown = others.filter(|(_, size, root)| known.naming(*size, root).is_none());
        let places: Vec<_> = unknown.map(|(place, ..)| place.to_string()).collect();
        let mut notes = std::mem::take(&mut self.notes);
        if !places.is_empty() {
            notes.push(format!(
                "ANOTHER HISTORY, signed by the same key, was seen on laptops, and no mark names it: entries {}. \
                 Was a copy restored? glassd recover --help",
                places.join(" ")
            ));
        }
        notes
    }

    /// A head of another history, as a refusal shows it, or an act that was done all the same.
    fn note_other(&mut self, index: u64, event: &Event) {
        let head = match &event.change {
            Change::Refused {
                checkpoint: Some(note),
                ..
            } => {
                // The second and the third line (C2SP tlog-checkpoint).
                let mut lines = note.lines().skip(1);
                let size = lines.next().and_then(|size| size.parse().ok());
                size.zip(lines.next())
            }
            _ => {
                let signed = event.signed.as_ref().filter(|it| it.other_history);
                signed.and_then(|signed| signed.seen())
            }
        };
        if let Some((size, root)) = head
            && self.others.len() < OTHERS_TOLD
        {
            self.others.push((index, size, root.to_owned()));
        }
    }

    /// What the operator should never forget.
    fn note(&mut self, index: u64, event: &Event) {
        self.note_other(index, event);
        if let Change::LedgerRestored {
            kept,
            size,
            operator,
            reason,
            ..
        } = &event.change
        {
            self.notes.push(format!(
                "entry {index}: the broker went on from a copy of {kept} entries, and entries {kept} to {} of \
                 before are lost, says {operator}: {reason}",
                size.saturating_sub(1)
            ));
        }
    }

    /// Before the first entry; `deep` checks the signatures of people, too.
    pub(super) fn of(keys: LedgerKeys, deep: bool) -> Self {
        Self {
            state: State::default(),
            newest: None,
            keys,
            handed_over: Vec::new(),
            deep,
            statements: 0,
            notes: Vec::new(),
            others: Vec::new(),
        }
    }

    /// The keys that sign are those the ledger was handed over to, each in its turn.
    fn follow(&mut self, place: u64, change: &Change) -> Result<(), String> {
        let next = self.keys.successions().get(self.handed_over.len());
        let Change::KeyAdded {
            purpose: KeyPurpose::Ledger,
            succession: Some(note),
            id,
            ..
        } = change
        else {
            return match next.filter(|next| next.size() <= place) {
                Some(next) => Err(format!(
                    "the key {} signs from here on, and no entry before says so",
                    next.new_key()
                )),
                None => Ok(()),
            };
        };
        self.handed_over.push(note.clone());
        let is_next = |next: &&Succession| {
            next.note() == note && next.size() == place + 1 && next.new_key().to_string() == *id
        };
        match next.filter(is_next) {
            Some(_) => Ok(()),
            None => Err(format!(
                "it hands the ledger over to the key {id}, which is not what the folder of keys has \
                 (ledger.successions)"
            )),
        }
    }

    pub(super) fn into_state(self) -> State {
        self.state
    }

    /// Every grant is asked for once and ends once, and nothing happens to it before or after;
    /// no grant lives on when its incident has closed.
    fn possible(&self, event: &Event) -> Result<(), String> {
        match &event.change {
            Change::GrantRequested { of, .. } => self.is_new(of),
            Change::IncidentOpened { incident, .. } if *incident < self.state.next_incident => {
                Err(format!("{incident} is opened again"))
            }
            Change::IncidentClosed { incident, .. } => self.can_close(*incident),
            Change::SessionEnded { of, session, .. }
            | Change::SessionUnconfirmed { of, session, .. } => {
                let known = self.state.targets.sessions.get(session);
                known_of(known.map(|known| &known.of), of, session)
            }
            // Reported when the broker was back; its grant may be over since.
            Change::SessionOpened {
                of,
                once: Some(_),
                let_in_at: Some(_),
                ..
            } => match self.state.targets.late_under(of.grant, event.at) {
                Some(over) if over.of == *of => Ok(()),
                _ => self.lives(of),
            },
            // These come after their grant, as a rule.
            Change::RoleCreated { of, role, .. }
            | Change::RoleFailed { of, role, .. }
            | Change::RoleDropped { of, role, .. } => {
                let known = self.state.targets.roles.get(role);
                known_of(known.map(|known| &known.of), of, role)
            }
            // So do these, when its incident is over.
            Change::ReviewAnswered { of, .. } => {
                let owed = self.state.reviews.owed.get(&of.incident);
                let known = owed.and_then(|owed| owed.grants.get(&of.grant));
                known_of(known, of, of.grant)
            }
            change => match change.grant() {
                Some(of) => self.lives(of),
                None => Ok(()),
            },
        }
    }

    fn is_new(&self, of: &GrantRef) -> Result<(), String> {
        if of.grant < self.state.next_grant {
            return Err(format!("{} is asked for again", of.grant));
        }
        if !self.state.incidents.contains_key(&of.incident) {
            return Err(format!(
                "{} is asked for, and {} is not open",
                of.grant, of.incident
            ));
        }
        Ok(())
    }

    fn lives(&self, of: &GrantRef) -> Result<(), String> {
        match self.state.grants.get(&of.grant) {
            Some(grant) if grant.of == *of => Ok(()),
            Some(_) => Err(format!(
                "{} is somebody else's or for something else",
                of.grant
            )),
            None => Err(format!("{} is over, or never was", of.grant)),
        }
    }

    fn can_close(&self, incident: IncidentId) -> Result<(), String> {
        if !self.state.incidents.contains_key(&incident) {
            return Err(format!("{incident} is not open"));
        }
        let left: Vec<GrantId> = self
            .state
            .live_under(incident)
            .map(|g| g.of.grant)
            .collect();
        match left.first() {
            None => Ok(()),
            Some(grant) => Err(format!("{incident} closes, and {grant} has not ended")),
        }
    }
}

/// What was made under a grant is over once, and stays what it was.
fn known_of(known: Option<&GrantRef>, of: &GrantRef, what: impl Display) -> Result<(), String> {
    match known {
        Some(known) if known == of => Ok(()),
        Some(known) => Err(format!("{what} is of {}, not of {}", known.grant, of.grant)),
        None => Err(format!("{what} is over, or never was")),
    }
}
