//! What the keys do to the model.

use breakglass_proto::v1;

use super::{
    keys::Key,
    model::{Decision, Mode, Model, Row, Typing, What, Wish},
};
use crate::{
    asks::{how_to_call, is_asked, wants_call, wants_yes, why_no_yes},
    grant::asked_in_turn,
    text,
};

impl Model {
    /// A key; what is to be done because of it. `fits` says whether the request that is being decided
    /// on can be seen in full.
    pub(super) fn key(&mut self, key: Key, fits: bool) -> Option<Wish> {
        match key {
            Key::Interrupt => return Some(Wish::Quit),
            Key::Redraw => return Some(Wish::Redraw),
            _ => {}
        }
        match std::mem::replace(&mut self.mode, Mode::Looking) {
            Mode::Looking => self.looking(&key),
            Mode::Help => match key {
                Key::Char('q') => Some(Wish::Quit),
                _ => None,
            },
            doing @ Mode::Doing(..) => {
                self.mode = doing;
                None
            }
            Mode::Deciding(decision) => self.deciding(decision, &key, fits),
            Mode::Typing(typing) => self.typing(typing, key),
            Mode::Sure { incident, reason } => self.sure(incident, reason, &key),
        }
    }

    fn looking(&mut self, key: &Key) -> Option<Wish> {
        self.said = None;
        match key {
            Key::Up | Key::Char('k') => self.step(false),
            Key::Down | Key::Char('j') => self.step(true),
            Key::Char('a') => return self.look(),
            Key::Char('d') => self.deny(),
            Key::Char('n') => self.type_of_incident(What::Note),
            Key::Char('c') => self.type_of_incident(What::Close),
            Key::Char('?' | 'h') => self.mode = Mode::Help,
            Key::Char('q') => return Some(Wish::Quit),
            _ => {}
        }
        None
    }

    fn step(&mut self, is_down: bool) {
        let rows = self.rows();
        let next = match (self.at(), is_down) {
            (None, _) => self.first(),
            (Some(at), true) => Some((at + 1).min(rows.len() - 1)),
            (Some(at), false) => Some(at.saturating_sub(1)),
        };
        let Some(next) = next else { return };
        let (id, of) = (rows[next].id().to_owned(), rows[next].incident().to_owned());
        (self.chosen, self.chosen_of) = (id, of);
    }

    /// The request the keys act on, else the only one that waits for this person.
    fn asked(&self) -> Result<v1::Grant, String> {
        let mine = |grant: &&v1::Grant| is_asked(grant, &self.me);
        let missing =
            |grant: &&v1::Grant| wants_yes(grant, &self.me) || wants_call(grant, &self.me);
        let asked = match self.row() {
            Some(Row::Waiting(grant)) => grant.clone(),
            _ => {
                let mut waiting = self.status.waiting.iter().filter(missing);
                match (waiting.next(), waiting.next()) {
                    (Some(only), None) => only.clone(),
                    (None, _) => return Err("Nothing waits for you.".to_owned()),
                    _ => return Err("Choose a request with the arrow keys first.".to_owned()),
                }
            }
        };
        if mine(&&asked) {
            return Ok(asked);
        }
        let (id, them) = (&asked.id, asked_in_turn(&asked));
        Err(format!("{id} waits for {them}, not for you."))
    }

    fn look(&mut self) -> Option<Wish> {
        match self.asked() {
            Ok(asked) => {
                self.mode = Mode::Doing("checking what the requester signed", None);
                Some(Wish::Look(asked.id))
            }
            Err(why) => {
                self.say(true, why);
                None
            }
        }
    }

    fn deny(&mut self) {
        match self.asked() {
            Ok(asked) => self.begin(What::Deny(asked.id)),
            Err(why) => self.say(true, why),
        }
    }

    fn type_of_incident(&mut self, what: impl Fn(String) -> What) {
        match self.row().map(|row| row.incident().to_owned()) {
            Some(incident) => self.begin(what(incident)),
            None => self.say(true, self.which()),
        }
    }

    /// Why it is not known which incident is meant.
    fn which(&self) -> String {
        let incidents = &self.status.incidents;
        let gone = &self.chosen_of;
        if incidents.is_empty() {
            return "No incident is open. Open one: glass incident open \"what is broken\""
                .to_owned();
        }
        if !gone.is_empty() {
            return format!("{gone} is over. Choose another with the arrow keys first.");
        }
        match incidents.iter().all(|incident| incident.drill) {
            true => "Only a drill is open. Where you mean it, choose it with the arrow keys first.",
            false => "Several incidents are open. Choose one with the arrow keys first.",
        }
        .to_owned()
    }

    fn begin(&mut self, what: What) {
        let text = String::new();
        self.mode = Mode::Typing(Typing { what, text });
    }

    fn deciding(&mut self, decision: Box<Decision>, key: &Key, fits: bool) -> Option<Wish> {
        let id = decision.grant.id.clone();
        match key {
            Key::Char('y' | 'Y') if !fits => {
                self.say(true, "Not all of it can be seen: make the terminal larger.");
                self.mode = Mode::Deciding(decision);
            }
            Key::Char('y' | 'Y') if !wants_yes(&decision.grant, &self.me) => {
                let why = why_no_yes(&decision.grant, &self.me);
                let how = match wants_call(&decision.grant, &self.me) {
                    true => format!(": {}", how_to_call(&decision.grant)),
                    false => String::new(),
                };
                self.say(true, format!("{why}{how}."));
                self.mode = Mode::Deciding(decision);
            }
            Key::Char('y' | 'Y') => {
                self.mode = Mode::Doing("signing your yes", None);
                return Some(Wish::Approve(Box::new(decision.grant)));
            }
            Key::Char('n' | 'N') => self.begin(What::Deny(id)),
            // What comes from a clipboard answers nothing.
            Key::Pasted(_) => self.mode = Mode::Deciding(decision),
            _ => self.say(false, format!("{id} still waits.")),
        }
        None
    }

    fn typing(&mut self, mut typing: Typing, key: Key) -> Option<Wish> {
        match key {
            Key::Escape => {
                self.say(false, "Nothing was done.");
                return None;
            }
            Key::Enter => return self.typed(typing),
            Key::Char(c) => typing.text.push(c),
            Key::Pasted(pasted) => typing.text.extend(pasted.split_whitespace().flat_map(
                // What is pasted is one line here; the ends of its lines are spaces.
                |word| word.chars().chain([' ']),
            )),
            Key::Erase => drop(typing.text.pop()),
            Key::EraseAll => typing.text.clear(),
            _ => {}
        }
        self.mode = Mode::Typing(typing);
        None
    }

    fn typed(&mut self, typing: Typing) -> Option<Wish> {
        let checked = match typing.what {
            What::Note(_) => text::note(&typing.text),
            What::Deny(_) | What::Close(_) => text::reason(&typing.text),
        };
        let text = match checked {
            Ok(text) => text,
            Err(why) => {
                self.say(true, why.to_string());
                self.mode = Mode::Typing(typing);
                return None;
            }
        };
        self.said = None;
        let wish = match typing.what.clone() {
            What::Deny(grant) => Wish::Deny {
                grant,
                reason: text,
            },
            What::Note(incident) => Wish::Note { incident, text },
            What::Close(incident) => {
                self.mode = Mode::Sure {
                    incident,
                    reason: text,
                };
                return None;
            }
        };
        self.mode = Mode::Doing("signing and sending it", Some(typing));
        Some(wish)
    }

    fn sure(&mut self, incident: String, reason: String, key: &Key) -> Option<Wish> {
        match key {
            Key::Char('y' | 'Y') => {
                let typed = Typing {
                    what: What::Close(incident.clone()),
                    text: reason.clone(),
                };
                self.mode = Mode::Doing("closing it", Some(typed));
                Some(Wish::Close { incident, reason })
            }
            Key::Pasted(_) => {
                self.mode = Mode::Sure { incident, reason };
                None
            }
            _ => {
                self.say(false, format!("{incident} is still open."));
                None
            }
        }
    }
}
