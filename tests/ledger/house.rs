//! The rules themselves and the entry's encoding, with people whose keys are real: what this writes
//! is what a broker writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_broker::ledger::entry::encode;
use breakglass_client::key::{PrivateKey, random};
use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::{
    Act, Actor, Change, Command, Event, KeyId, Lifetime, Line, Nonce, PersonId, Policy, Refusal,
    Signed, State, Time, TokenHash, WitnessWord,
};
use breakglass_proto::statement::{Act as Said, Seen, Statement};
use breakglass_tlog::{Frontier, Hash};
use ring::digest::{SHA256, digest};

use crate::night::{ORIGIN, POLICY, hex};
use crate::{heads, witnesses};

/// The people of the policy.
pub(crate) const TEAM: [&str; 3] = ["mia", "leon", "eve"];

/// A state, a clock that is held, and the lines so far.
pub(crate) struct House {
    pub(crate) state: State,
    pub(crate) now: Time,
    pub(crate) lines: Vec<Arc<[u8]>>,
    /// The newest laptop of each.
    keys: BTreeMap<String, PrivateKey>,
    said: Vec<Command>,
    tokens: u32,
    tree: Frontier,
    /// What the laptop of each has seen of the ledger.
    seen: BTreeMap<String, Seen>,
    /// Whose has seen another history, and acts on it.
    was_shown_another: Option<String>,
}

impl House {
    /// Everybody enrolled and an incident open.
    pub(crate) fn burning() -> Self {
        let mut house = Self {
            state: State::default(),
            now: "2026-11-23T03:00:00Z".parse().unwrap(),
            lines: Vec::new(),
            keys: BTreeMap::new(),
            said: Vec::new(),
            tokens: 0,
            tree: Frontier::new(),
            seen: BTreeMap::new(),
            was_shown_another: None,
        };
        let version = "0.1.0".to_owned();
        house.broker_does(Act::Start { version }).unwrap();
        house.loads(POLICY);
        for who in TEAM {
            house.enrols(who);
        }
        house.enrols_guard("web-1");
        house
    }

    pub(crate) fn passes(&mut self, millis: i64) {
        self.now = Time::from_millis(self.now.as_millis() + millis);
        self.ticks();
    }

    /// What time has brought about.
    pub(crate) fn ticks(&mut self) {
        let events = due(&self.state, self.now);
        self.records(&events);
    }

    pub(crate) fn loads(&mut self, text: &str) {
        let policy = Policy::parse("policy.toml", text).unwrap_or_else(|why| panic!("{why}"));
        let sha256 = hex(digest(&SHA256, text.as_bytes()).as_ref());
        let policy = Arc::new(policy);
        self.broker_does(Act::LoadPolicy { policy, sha256 })
            .unwrap();
    }

    /// Invited by the operator, and enrolled on a new laptop where the rules let them.
    pub(crate) fn enrols(&mut self, who: &str) {
        let token = self.token();
        let (person, hash) = (id(who), token.clone());
        let invite = Act::Invite {
            person,
            token: hash,
        };
        if self.broker_does(invite).is_ok() {
            self.redeems(who, token);
        }
    }

    /// The guard of a target gets a key.
    pub(crate) fn enrols_guard(&mut self, target: &str) {
        let (token, id) = (self.token(), target.parse().unwrap());
        let hash = token.clone();
        let invite = Act::InviteTarget {
            target: id,
            token: hash,
        };
        if self.broker_does(invite).is_ok() {
            self.redeems(&format!("target:{target}"), token);
        }
    }

    /// The guard of a target says something.
    pub(crate) fn guard_says(&mut self, target: &str, act: Act) -> Result<(), Refusal> {
        self.submit(&Command {
            by: Actor::Target(target.parse().unwrap()),
            signed: None,
            act,
        })
    }

    /// An alert source says something.
    pub(crate) fn source_says(&mut self, source: &str, act: Act) -> Result<(), Refusal> {
        self.submit(&Command {
            by: Actor::Source(source.parse().unwrap()),
            signed: None,
            act,
        })
    }

    pub(crate) fn token(&mut self) -> TokenHash {
        self.tokens += 1;
        format!("{:064x}", self.tokens).parse().unwrap()
    }

    fn redeems(&mut self, who: &str, token: TokenHash) {
        let key = PrivateKey::generate().unwrap();
        let said = Said::Enroll {
            token_sha256: token.as_str().to_owned(),
            key: key.id(),
            device: "laptop".into(),
        };
        let act = Act::Enroll {
            token,
            key: key.id().parse().unwrap(),
            public: key.public_key().to_vec(),
            device: line("laptop"),
            serial: "0a".into(),
            certificate_expires_at: self.now.plus(Lifetime::from_secs(86_400)),
        };
        // Some laptops named what they knew.
        let knows = self.lines.len().is_multiple_of(2) && !who.starts_with("target:");
        let (origin, by) = if knows { (ORIGIN, who) } else { ("", "") };
        let signed = Some(self.signed(&key, origin, by, said));
        let by = Actor::Broker;
        if self.submit(&Command { by, signed, act }).is_ok() {
            self.keys.insert(who.to_owned(), key);
        }
    }

    /// Somebody does something under their signature.
    pub(crate) fn does(&mut self, who: &str, said: Said, act: Act) -> Result<(), Refusal> {
        let signed = self.signed(&self.keys[who], ORIGIN, who, said);
        let command = Command {
            by: Actor::Person(id(who)),
            signed: Some(signed),
            act,
        };
        self.said.push(command.clone());
        self.submit(&command)
    }

    /// Somebody calls without a statement.
    pub(crate) fn calls(&mut self, who: &str, act: Act) -> Result<(), Refusal> {
        self.submit(&Command {
            by: Actor::Person(id(who)),
            signed: None,
            act,
        })
    }

    /// What was said so long ago is said again, byte for byte.
    pub(crate) fn says_it_again(&mut self, back: usize) -> Result<(), Refusal> {
        let before = self.said.iter().rev().nth(back).cloned();
        before.map_or(Ok(()), |command| self.submit(&command))
    }

    pub(crate) fn broker_does(&mut self, act: Act) -> Result<(), Refusal> {
        self.submit(&Command {
            by: Actor::Broker,
            signed: None,
            act,
        })
    }

    pub(crate) fn key_of(&self, who: &str) -> KeyId {
        self.keys[who].id().parse().unwrap()
    }

    /// What the sequencer does: what is due, then the command; a refusal is an entry too.
    fn submit(&mut self, command: &Command) -> Result<(), Refusal> {
        self.ticks();
        let decided = decide(&self.state, command, self.now);
        if let (Err(refusal), Actor::Person(_) | Actor::Source(_)) = (&decided, &command.by) {
            self.notes_refusal(command, refusal);
        }
        let events = decided?;
        self.records(&events);
        let needs = |event: &Event| {
            let Change::CredentialIssued { witnesses, .. } = &event.change else {
                return false;
            };
            *witnesses == Some(WitnessWord::Needed)
        };
        if events.iter().any(needs) {
            // A broker makes it only then.
            self.witnesses_sign();
        }
        self.sees(&command.by);
        Ok(())
    }

    /// The receipt shows whoever acted the newest head.
    fn sees(&mut self, who: &Actor) {
        let head = heads::head(self.tree.size(), self.tree.root());
        if let Actor::Person(_) = who {
            self.seen.insert(who.to_string(), heads::seen_of(&head));
        }
    }

    /// Enough witnesses sign what is there, and the broker says so.
    pub(crate) fn witnesses_sign(&mut self) {
        let (size, checkpoint) = witnesses::signed(&self.lines, &[1, 2]);
        let _nobody = self.broker_does(Act::NoteWitnessed { size, checkpoint });
    }

    fn notes_refusal(&mut self, command: &Command, refusal: &Refusal) {
        let act = Act::NoteRefusal {
            by: command.by.clone(),
            act: command.act.name().to_owned(),
            reason: refusal.code().to_owned(),
            text: refusal.to_string(),
            count: 1,
            incident: command.act.incident(&self.state),
            checkpoint: None,
        };
        let note = Command {
            by: Actor::Broker,
            signed: None,
            act,
        };
        let events = decide(&self.state, &note, self.now).unwrap();
        self.records(&events);
    }

    fn records(&mut self, events: &[Event]) {
        for event in events {
            let index = self.lines.len() as u64;
            let line = encode(index, event).unwrap();
            self.tree.push(Hash::of_leaf(&line));
            self.lines.push(line);
            self.state.apply(event);
            if let Change::GrantEnded { of, .. } = &event.change {
                assert!(!self.state.grants.contains_key(&of.grant));
            }
        }
    }

    fn signed(&self, key: &PrivateKey, origin: &str, by: &str, act: Said) -> Arc<Signed> {
        let nonce = random().unwrap();
        let statement = Statement {
            origin: origin.into(),
            by: by.into(),
            at: self.now.timestamp(),
            act,
            seen: self.seen.get(by).cloned(),
            nonce,
        };
        let signed = key.sign(&statement).unwrap();
        Arc::new(Signed {
            text: signed.text,
            key: key.id().parse().unwrap(),
            signature: signed.signature,
            nonce: Nonce(nonce),
            at: self.now,
            other_history: self.was_shown_another.as_deref() == Some(by),
        })
    }

    /// Somebody whose laptop has seen this acts, and the broker finds that it is of another history.
    pub(crate) fn having_seen<T>(
        &mut self,
        who: &str,
        other: Seen,
        acts: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.seen.insert(who.to_owned(), other);
        self.was_shown_another = Some(who.to_owned());
        let done = acts(self);
        self.was_shown_another = None;
        match before {
            Some(before) => self.seen.insert(who.to_owned(), before),
            None => self.seen.remove(who),
        };
        done
    }
}

pub(crate) fn id(person: &str) -> PersonId {
    person.parse().unwrap()
}

pub(crate) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}
