//! A small team, a clock that is held, and a ledger that fails on command.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::{
    Act, Actor, Command, GrantId, IncidentId, KeyId, Lifetime, Line, Nonce, Policy, Severity,
    Signed, State, Time,
};
use breakglass_tlog::proof::{ConsistencyProof, InclusionProof};
use breakglass_tlog::{Hash, SignedCheckpoint};

use super::super::{Appended, Observer, Parts, Sequence, replay};
use crate::ledger::MemoryLedger;
use crate::ledger::fixtures::signer;
use crate::ports::{
    Around, Clock, Decided, Declined, Ledger, LedgerError, LedgerReader, Live, Projection,
    Recorded, Recovered, Room, Sequencer as _,
};

const POLICY: &str = r#"version = 1
[people.mia]
name = "Mia"
job = "engineer"
[people.leon]
name = "Leon"
job = "engineer"
[rights.deploy-shop]
sentence = "deploy the shop app"
risk = "low"
longest = "30m"
audience = "https://deploy.shop.example"
[[rules]]
name = "engineers-ship"
who = ["job:engineer"]
rights = ["deploy-shop"]
approvers = []
[duties]
open_incidents = ["job:engineer"]
close_incidents = ["job:engineer"]
revoke = ["job:engineer"]
"#;

/// How one append goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Well,
    /// An error, and nothing was written.
    Fails,
    /// An error, and some bytes of it were.
    Tears,
    /// An error, although it was.
    Lands,
    /// No space; from then on there is room for endings only.
    Fills,
}

/// What the tests turn on the ledger, and what they see of it.
#[derive(Default)]
pub(super) struct Knobs {
    pub(super) fates: Mutex<VecDeque<Fate>>,
    pub(super) endings_only: Mutex<bool>,
    /// The disk has space again, and nobody has looked yet.
    pub(super) freed: Mutex<bool>,
    /// Its proofs are for something else.
    pub(super) lies: Mutex<bool>,
    /// While somebody holds this, appends wait.
    pub(super) gate: Mutex<()>,
    pub(super) batches: Mutex<Vec<usize>>,
    pub(super) published: AtomicU64,
}

struct TestLedger {
    inner: MemoryLedger,
    knobs: Arc<Knobs>,
    in_doubt: Option<(Vec<Arc<[u8]>>, u64)>,
}

impl Ledger for TestLedger {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn append(&mut self, entries: &[Arc<[u8]>]) -> Result<Arc<SignedCheckpoint>, LedgerError> {
        assert!(self.in_doubt.is_none(), "appended before it has recovered");
        drop(held(&self.knobs.gate));
        let fate = held(&self.knobs.fates).pop_front().unwrap_or(Fate::Well);
        let (landed, cut) = match fate {
            Fate::Well => {
                held(&self.knobs.batches).push(entries.len());
                return self.inner.append(entries);
            }
            Fate::Lands => (entries.to_vec(), 0),
            Fate::Tears => (Vec::new(), 99),
            Fate::Fails | Fate::Fills => (Vec::new(), 0),
        };
        self.in_doubt = Some((landed, cut));
        if fate == Fate::Fills {
            *held(&self.knobs.endings_only) = true;
            return Err(LedgerError::Full("no space left".into()));
        }
        Err(LedgerError::Unavailable("input/output error".into()))
    }

    fn recover(&mut self) -> Result<Recovered, LedgerError> {
        let Some((landed, cut_bytes)) = self.in_doubt.take() else {
            return Ok(Recovered::default());
        };
        self.inner.append(&landed)?;
        Ok(Recovered { landed, cut_bytes })
    }

    fn room(&self) -> Room {
        if *held(&self.knobs.endings_only) {
            Room::EndingsOnly
        } else {
            Room::Plenty
        }
    }

    fn make_room(&mut self) {
        if *held(&self.knobs.freed) {
            *held(&self.knobs.endings_only) = false;
        }
    }

    fn publish(&mut self) {
        self.knobs.published.store(self.size(), Ordering::SeqCst);
    }

    fn reader(&self) -> Arc<dyn LedgerReader> {
        let (inner, knobs) = (self.inner.reader(), Arc::clone(&self.knobs));
        Arc::new(TestReader { inner, knobs })
    }
}

struct TestReader {
    inner: Arc<dyn LedgerReader>,
    knobs: Arc<Knobs>,
}

impl LedgerReader for TestReader {
    fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        self.inner.checkpoint()
    }

    fn checkpoints_around(&self, size: u64) -> Result<Around, LedgerError> {
        self.inner.checkpoints_around(size)
    }

    fn entries(&self, from: u64, max: usize) -> Result<Vec<Arc<[u8]>>, LedgerError> {
        self.inner.entries(from, max)
    }

    fn prove_inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, LedgerError> {
        let mut proof = self.inner.prove_inclusion(index, size)?;
        if *held(&self.knobs.lies) {
            proof.hashes.push(Hash::EMPTY_TREE);
        }
        Ok(proof)
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<ConsistencyProof, LedgerError> {
        self.inner.prove_consistency(old, new)
    }
}

/// Time stands still until somebody moves it.
pub(super) struct HeldClock(AtomicU64);

impl Clock for HeldClock {
    fn now(&self) -> Time {
        Time::from_millis(1_795_000_000_000).plus(Lifetime::from_millis(
            i64::try_from(self.0.load(Ordering::SeqCst)).expect("it fits"),
        ))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Keeps what it hears.
#[derive(Default)]
pub(super) struct Listener {
    pub(super) heard: Mutex<Vec<Recorded>>,
    pub(super) failures: Mutex<Vec<String>>,
    pub(super) appended: Mutex<Vec<Appended>>,
    pub(super) room: Mutex<Option<Room>>,
    pub(super) refused_for_room: AtomicU64,
}

impl Projection for Listener {
    fn committed(&self, batch: &[Recorded], checkpoint: &Arc<SignedCheckpoint>) {
        let last = batch.last().expect("no batch is empty");
        assert_eq!(
            checkpoint.size(),
            last.index + 1,
            "the batch's own checkpoint"
        );
        held(&self.heard).extend_from_slice(batch);
    }
}

impl Observer for Listener {
    fn appended(&self, batch: Appended) {
        held(&self.appended).push(batch);
    }

    fn room(&self, room: Room) {
        *held(&self.room) = Some(room);
    }

    fn refused_for_room(&self) {
        self.refused_for_room.fetch_add(1, Ordering::SeqCst);
    }

    fn failed(&self, why: &LedgerError) {
        held(&self.failures).push(why.to_string());
    }
}

/// The team and its broker's sequencer.
pub(super) struct World {
    pub(super) sequence: Sequence,
    pub(super) live: Live,
    pub(super) knobs: Arc<Knobs>,
    pub(super) listener: Arc<Listener>,
    pub(super) reader: Arc<dyn LedgerReader>,
    pub(super) clock: Arc<HeldClock>,
    statements: AtomicU64,
}

impl World {
    /// Before anything has happened.
    pub(super) fn empty() -> Self {
        let knobs = Arc::new(Knobs::default());
        let inner = MemoryLedger::new(signer()).expect("a ledger");
        let ledger = TestLedger {
            inner,
            knobs: Arc::clone(&knobs),
            in_doubt: None,
        };
        let (live, reader) = (Live::default(), ledger.reader());
        let (clock, listener) = (
            Arc::new(HeldClock(AtomicU64::new(0))),
            Arc::new(Listener::default()),
        );
        let sequence = Sequence::start(Parts {
            ledger: Box::new(ledger),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            live: live.clone(),
            projections: vec![Arc::clone(&listener) as Arc<dyn Projection>],
            observer: Arc::clone(&listener) as Arc<dyn Observer>,
        });
        Self {
            sequence: sequence.expect("a thread"),
            live,
            knobs,
            listener,
            reader,
            clock,
            statements: AtomicU64::new(0),
        }
    }

    /// The policy is loaded, and Mia and Leon are enrolled.
    pub(super) async fn new() -> Self {
        let world = Self::empty();
        let policy = Policy::parse("policy.toml", POLICY).unwrap_or_else(|e| panic!("{e}"));
        let sha256 = "0".repeat(64);
        let policy = Arc::new(policy);
        world.does(broker(Act::LoadPolicy { policy, sha256 })).await;
        for person in ["mia", "leon"] {
            let token: breakglass_domain::TokenHash =
                format!("{:064x}", person.len()).parse().expect("64 digits");
            let invited = Act::Invite {
                person: person.parse().expect("an id"),
                token: token.clone(),
            };
            world.does(broker(invited)).await;
            let enrolled = Act::Enroll {
                token,
                key: key_of(person),
                public: vec![4; 65],
                device: Line::parse("laptop").expect("a line"),
                serial: "01".into(),
                certificate_expires_at: world.clock.now().plus(Lifetime::from_secs(86_400)),
            };
            let signed = Some(world.statement(person));
            world
                .does(Command {
                    signed,
                    ..broker(enrolled)
                })
                .await;
        }
        world
    }

    /// Time goes on.
    pub(super) fn wait(&self, length: Lifetime) {
        let millis = u64::try_from(length.as_millis()).expect("not negative");
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(super) async fn submit(&self, command: Command) -> Result<Decided, Declined> {
        self.sequence.submit(command).await
    }

    /// What must go well.
    pub(super) async fn does(&self, command: Command) -> Decided {
        self.submit(command)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The next appends go like this, then all is well.
    pub(super) fn fate(&self, fates: &[Fate]) {
        held(&self.knobs.fates).extend(fates);
    }

    /// The kinds of everything in the ledger.
    pub(super) fn kinds(&self) -> Vec<String> {
        let lines = self.reader.entries(0, 100_000).expect("readable");
        let kinds = lines.iter().map(|line| {
            let (_, event) = crate::ledger::entry::decode(line).expect("an entry");
            crate::ledger::entry::kind(&event.change).to_owned()
        });
        kinds.collect()
    }

    /// Everything agrees: the ledger, replayed, is the live state, and every entry was heard once.
    pub(super) fn check(&self) {
        let replayed = replay(&*self.reader, 0, State::default()).expect("readable");
        assert!(
            self.live.read(|live| *live == replayed),
            "the live state is not the ledger's"
        );
        let heard: Vec<u64> = held(&self.listener.heard)
            .iter()
            .map(|one| one.index)
            .collect();
        assert!(
            heard.iter().copied().eq(0..self.reader.checkpoint().size()),
            "{heard:?}"
        );
    }

    pub(super) fn open(&self, person: &str) -> Command {
        let title = Line::parse("the worker is flooded").expect("a line");
        let severity = Severity::Sev2;
        self.signed(person, Act::Open { severity, title })
    }

    pub(super) fn close(&self, person: &str, incident: u64) -> Command {
        let reason = Line::parse("reverted").expect("a line");
        let incident = IncidentId(incident);
        self.signed(person, Act::Close { incident, reason })
    }

    pub(super) fn request(&self, person: &str, incident: u64) -> Command {
        let act = Act::Request {
            right: "deploy-shop".parse().expect("an id"),
            sentence: Line::parse("deploy the shop app").expect("a line"),
            incident: IncidentId(incident),
            reason: Line::parse("revert").expect("a line"),
            length: Lifetime::from_secs(600),
            held: false,
            key: key_of(person),
            credential: false,
        };
        self.signed(person, act)
    }

    pub(super) fn give_back(&self, person: &str, grant: u64) -> Command {
        let grant = GrantId(grant);
        self.signed(person, Act::Drop { grant })
    }

    fn signed(&self, person: &str, act: Act) -> Command {
        Command {
            by: Actor::Person(person.parse().expect("an id")),
            signed: Some(self.statement(person)),
            act,
        }
    }

    fn statement(&self, person: &str) -> Arc<Signed> {
        let number = self.statements.fetch_add(1, Ordering::SeqCst);
        Arc::new(Signed {
            text: format!("statement {number} by {person}\n"),
            key: key_of(person),
            signature: vec![7; 70],
            nonce: Nonce(u128::from(number).to_be_bytes()),
            at: self.clock.now(),
            other_history: false,
        })
    }
}

pub(super) fn broker(act: Act) -> Command {
    Command {
        by: Actor::Broker,
        signed: None,
        act,
    }
}

pub(super) fn held<T>(what: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key_of(person: &str) -> KeyId {
    format!("{person:_<43}").parse().expect("43 characters")
}
