//! A ledger as a broker writes it, by the same rules, without a network and without anybody to wait for.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use breakglass_broker::config::Config;
use breakglass_broker::issue::keys::{KeyFolder, load_ledger_key};
use breakglass_broker::ledger::FileLedger;
use breakglass_broker::ledger::entry::{decode, encode};
use breakglass_broker::ports::Ledger as _;
use breakglass_client::key::{PrivateKey, random};
use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::{
    Act, Actor, Command, Event, GrantId, IncidentId, Lifetime, Line, Nonce, Severity, Signed,
    State, Time,
};
use breakglass_proto::statement::{Act as Said, Statement};
use breakglass_tlog::{NoteSigner as _, SignedCheckpoint};
use jiff::SignedDuration;

use crate::Outcome;
use crate::team::policy_of;

/// How many engineers there are, who restart the worker alone.
const PEOPLE: u64 = 40;

/// Entries a batch, as under load: sixteen grants.
const BATCH: usize = 48;

/// A grant's entries: requested, started, issued, dropped.
const A_GRANT: u64 = 4;

/// What everybody's day may have, with some room: 5,000 requests of one person, and an incident of 8 hours.
const GRANTS_A_DAY: u64 = PEOPLE * 4_000;
const A_SHIFT_MILLIS: i64 = 6 * 3_600 * 1_000;
const A_DAY_MILLIS: i64 = 25 * 3_600 * 1_000;

/// The policy of them, as the other parts have it.
pub(super) fn policy() -> String {
    let names: Vec<_> = (0..PEOPLE).map(|number| format!("p{number}")).collect();
    policy_of(&names, &[])
}

/// What was written.
pub(super) struct Written {
    pub(super) entries: u64,
    pub(super) statements: u64,
    pub(super) commits: u64,
    pub(super) vkey: String,
}

impl Written {
    /// Writes at least so many entries behind those that `glassd init` made.
    pub(super) async fn of(data: &Path, entries: u64) -> Outcome<Self> {
        let config = Config::load(&data.join("glassd.toml"))?;
        let keys = KeyFolder::open(&config.keys_dir)?;
        let signer = Arc::new(load_ledger_key(&keys, &config.ledger_origin())?);
        let vkey = signer.verifier().clone();
        let (ledger, _) = FileLedger::open(&config.ledger_dir(), signer)?;
        let mut pen = Pen::behind(ledger, vkey.name().as_str())?;
        pen.enrolls()?;
        let mut grants = 0;
        while pen.size() < entries {
            if grants % GRANTS_A_DAY == 0 {
                pen.begins_a_day()?;
            }
            pen.grants(grants)?;
            grants += 1;
        }
        pen.writes()?;
        let head = config.ledger_dir().join("checkpoint");
        let size = pen.size();
        // Laid out by a thread of the ledger's own.
        pen.ledger.publish();
        let began = Instant::now();
        while published(&head, &vkey) != Some(size) {
            if began.elapsed() > Duration::from_secs(120) {
                return Err("the tiles were not laid out".into());
            }
            pen.ledger.publish();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            entries: size,
            statements: pen.statements,
            commits: pen.commits,
            vkey: vkey.to_string(),
        })
    }
}

fn published(head: &Path, key: &breakglass_tlog::VerifierKey) -> Option<u64> {
    let note = std::fs::read_to_string(head).ok()?;
    let head = SignedCheckpoint::verify(&note, key).ok()?;
    Some(head.size())
}

/// Whoever writes: everybody at once.
struct Pen {
    ledger: FileLedger,
    origin: String,
    state: State,
    now: Time,
    people: Vec<(Actor, PrivateKey)>,
    incident: Option<IncidentId>,
    waiting: Vec<Arc<[u8]>>,
    statements: u64,
    commits: u64,
}

impl Pen {
    fn behind(ledger: FileLedger, origin: &str) -> Outcome<Self> {
        let reader = ledger.reader();
        let mut state = State::default();
        let size = usize::try_from(ledger.size())?;
        let lines = reader.entries(0, size)?;
        for line in &lines {
            state.apply(&decode(line)?.1);
        }
        Ok(Self {
            now: Time::from_millis(state.newest.as_millis() + 1_000),
            ledger,
            origin: origin.to_owned(),
            state,
            people: Vec::new(),
            incident: None,
            waiting: Vec::new(),
            statements: 0,
            // As many as `glassd init` wrote are too few to count.
            commits: 0,
        })
    }

    fn size(&self) -> u64 {
        self.ledger.size() + self.waiting.len() as u64
    }

    fn enrolls(&mut self) -> Outcome<()> {
        let people: Vec<_> = self.state.policy.people.keys().cloned().collect();
        for (number, person) in people.into_iter().enumerate() {
            let token: breakglass_domain::TokenHash = format!("{number:064x}").parse()?;
            let invite = Act::Invite {
                person: person.clone(),
                token: token.clone(),
            };
            self.does(Actor::Broker, None, invite)?;
            let key = PrivateKey::generate()?;
            let said = Said::Enroll {
                token_sha256: token.as_str().to_owned(),
                key: key.id(),
                device: "laptop".into(),
            };
            let enroll = Act::Enroll {
                token,
                key: key.id().parse()?,
                public: key.public_key().to_vec(),
                device: line("laptop")?,
                serial: format!("{number:02x}"),
                certificate_expires_at: self.now.plus(Lifetime::from_secs(86_400)),
            };
            let signed = self.signed(&key, "", "", said)?;
            self.does(Actor::Broker, Some(signed), enroll)?;
            self.people.push((Actor::Person(person), key));
        }
        Ok(())
    }

    /// What was open is over, and something else is broken.
    fn begins_a_day(&mut self) -> Outcome<()> {
        if self.incident.is_some() {
            self.now = Time::from_millis(self.now.as_millis() + A_DAY_MILLIS);
        }
        let said = Said::OpenIncident {
            severity: "sev2".into(),
            title: "the worker floods".into(),
        };
        let open = Act::Open {
            severity: Severity::Sev2,
            title: line("the worker floods")?,
        };
        let events = self.acts(0, said, open)?;
        self.incident = events.iter().find_map(|event| event.change.incident());
        Ok(())
    }

    /// Somebody asks, is given it with its credential at once, and gives it back.
    fn grants(&mut self, number: u64) -> Outcome<()> {
        let step = A_SHIFT_MILLIS / i64::try_from(GRANTS_A_DAY)?;
        self.now = Time::from_millis(self.now.as_millis() + step);
        let who = usize::try_from(number)? % self.people.len();
        let incident = self.incident.ok_or("nothing is broken")?;
        let said = Said::Request {
            right: "restart-worker".into(),
            sentence: "restart the worker".into(),
            incident: incident.to_string(),
            reason: "the queue is full, and the worker does not take from it".into(),
            length: SignedDuration::from_mins(10),
            held: false,
        };
        let request = Act::Request {
            right: "restart-worker".parse()?,
            sentence: line("restart the worker")?,
            incident,
            reason: line("the queue is full, and the worker does not take from it")?,
            length: Lifetime::from_secs(600),
            held: false,
            key: self.people[who].1.id().parse()?,
            credential: true,
        };
        let events = self.acts(who, said, request)?;
        let of = events.iter().find_map(|event| event.change.grant());
        let grant: GrantId = of.ok_or("nothing was given")?.grant;
        let said = Said::Drop {
            grant: grant.to_string(),
        };
        self.acts(who, said, Act::Drop { grant })?;
        debug_assert_eq!(A_GRANT, events.len() as u64 + 1);
        Ok(())
    }

    fn acts(&mut self, who: usize, said: Said, act: Act) -> Outcome<Vec<Event>> {
        let (by, key) = &self.people[who];
        let name = by.person().ok_or("a person")?.to_string();
        let signed = self.signed(key, &self.origin, &name, said)?;
        let by = by.clone();
        self.does(by, Some(signed), act)
    }

    fn does(&mut self, by: Actor, signed: Option<Arc<Signed>>, act: Act) -> Outcome<Vec<Event>> {
        self.statements += u64::from(signed.is_some());
        let command = Command { by, signed, act };
        self.records(due(&self.state, self.now))?;
        let events = decide(&self.state, &command, self.now)?;
        self.records(events.clone())?;
        Ok(events)
    }

    fn records(&mut self, events: Vec<Event>) -> Outcome<()> {
        for event in &events {
            self.waiting.push(encode(self.size(), event)?);
            self.state.apply(event);
        }
        match self.waiting.len() >= BATCH {
            true => self.writes(),
            false => Ok(()),
        }
    }

    fn writes(&mut self) -> Outcome<()> {
        if !self.waiting.is_empty() {
            self.ledger.append(&self.waiting)?;
            self.waiting.clear();
            self.commits += 1;
        }
        Ok(())
    }

    fn signed(&self, key: &PrivateKey, origin: &str, by: &str, act: Said) -> Outcome<Arc<Signed>> {
        let nonce = random()?;
        let statement = Statement {
            origin: origin.to_owned(),
            by: by.to_owned(),
            at: self.now.timestamp(),
            act,
            seen: None,
            nonce,
        };
        let signed = key.sign(&statement)?;
        Ok(Arc::new(Signed {
            text: signed.text,
            key: key.id().parse()?,
            signature: signed.signature,
            nonce: Nonce(nonce),
            at: self.now,
            other_history: false,
        }))
    }
}

fn line(text: &str) -> Outcome<Line> {
    Ok(Line::parse(text)?)
}
