//! A team, a broker in memory, and a clock that stands still until it is moved.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use breakglass_domain::command::Act;
use breakglass_domain::{
    Actor, Command, Grant, IncidentId, KeyId, Lifetime, Line, Nonce, PersonId, Policy, Severity,
    Signed, State,
};
use breakglass_tlog::{Ed25519Signer, KeyName};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::doubles::{Counting, FakeMaker, FakeSequencer, HeldClock};
use super::index::FakeIndex;
use super::outside::{FakeDatabases, FakeNotary, FakeWitnesses};
use crate::app::{About, App, Caller, Feed, Parts, Settings};
use crate::ledger::{MemoryLedger, Signer, entry};
use crate::ports::{Clock as _, Decided, Ledger as _, LedgerReader, Live, Sequencer as _};

pub(crate) const ORIGIN: &str = "glass.example/ledger";

pub(crate) const POLICY: &str = r#"
version = 1
[people.designer]
name = "Dana"
job = "designer"
[people.founder]
name = "Fay"
job = "founder"
[people.leon]
name = "Leon"
job = "engineer"
[people.mia]
name = "Mia"
job = "engineer"
[rights.deploy-shop]
sentence = "deploy the shop app"
risk = "low"
longest = "30m"
audience = "https://deploy.shop.example"
[rights.migrate-shop-db]
sentence = "migrate the shop database"
risk = "high"
longest = "20m"
audience = "https://db.shop.example"
[rights.restore-backup]
sentence = "restore the backup"
risk = "high"
longest = "20m"
audience = "https://backup.shop.example"
[[rules]]
name = "engineers-ship"
who = ["job:engineer"]
rights = ["deploy-shop"]
approvers = []
[[rules]]
name = "database"
who = ["job:engineer"]
rights = ["migrate-shop-db"]
approvers = ["job:engineer", "founder"]
lapses_after = "15m"
if_nobody_answers = "self-grant"
self_grant_after = "10m"
self_grant_longest = "10m"
[[rules]]
name = "backups"
who = ["job:engineer", "founder"]
rights = ["restore-backup"]
approvers = ["leon"]
lapses_after = "15m"
escalate_after = "5m"
then_approvers = ["founder"]
[duties]
open_incidents = ["job:engineer"]
close_incidents = ["job:engineer"]
revoke = ["job:engineer", "founder"]
freeze = ["job:engineer", "founder"]
invite = ["founder"]
export_ledger = ["founder"]
"#;

/// Everything, and the parts that tests look behind.
pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<HeldClock>,
    pub(crate) sequencer: Arc<FakeSequencer>,
    pub(crate) index: Arc<FakeIndex>,
    pub(crate) maker: Arc<FakeMaker>,
    pub(crate) databases: Arc<FakeDatabases>,
    pub(crate) witnesses: Arc<FakeWitnesses>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) live: Live,
    pub(crate) team: BTreeMap<&'static str, Teammate>,
}

/// Somebody with an enrolled key.
pub(crate) struct Teammate {
    pub(crate) caller: Caller,
    pub(crate) pair: EcdsaKeyPair,
    /// The private key, PKCS #8, for TLS.
    pub(crate) pkcs8: Vec<u8>,
}

impl World {
    /// Mia, Leon, Fay and Dana, enrolled; nothing is open.
    pub(crate) async fn new() -> Self {
        Self::with_feed_of(crate::app::limits::FEED_EVENTS).await
    }

    pub(crate) async fn with_feed_of(events: usize) -> Self {
        let mut world = Self::empty(events);
        world.load(POLICY).await;
        for person in ["designer", "founder", "leon", "mia"] {
            let teammate = world.enrol(person).await;
            world.team.insert(person, teammate);
        }
        world
    }

    /// Puts a policy into force.
    pub(crate) async fn load(&self, text: &str) {
        let policy = Arc::new(Policy::parse("policy.toml", text).unwrap());
        let sha256 = format!("{:064x}", text.len());
        self.by_itself(Act::LoadPolicy { policy, sha256 }).await;
    }

    fn empty(events: usize) -> Self {
        let clock = Arc::new(HeldClock::at("2026-11-23T03:05:00Z"));
        let ledger = MemoryLedger::new(signer()).unwrap();
        let reader = ledger.reader();
        let state = State::default();
        let feed = Feed::holding(events, Arc::clone(&reader), entry::read, &state);
        let index = Arc::new(FakeIndex::default());
        let live = Live::new(state);
        let sequencer = Arc::new(FakeSequencer {
            ledger: Mutex::new(ledger),
            clock: clock.clone(),
            live: live.clone(),
            projections: vec![feed.clone(), index.clone()],
            submitted: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
            behind_next: Mutex::default(),
            once_recorded: Mutex::default(),
        });
        let maker = Arc::new(FakeMaker::default());
        let databases = Arc::new(FakeDatabases::default());
        let witnesses = Arc::new(FakeWitnesses::default());
        let parts = Parts {
            clock: clock.clone(),
            entropy: Arc::new(Counting(AtomicUsize::new(1))),
            sequencer: sequencer.clone(),
            live: live.clone(),
            index: index.clone(),
            reader,
            issuer: maker.clone(),
            databases: databases.clone(),
            notary: Arc::new(FakeNotary),
            authority: maker.clone(),
            witnesses: witnesses.clone(),
            feed: feed.clone(),
            about: about(),
            settings: Settings::default(),
            troubles: Box::new(Vec::new),
        };
        Self {
            app: App::new(parts),
            databases,
            witnesses,
            clock,
            sequencer,
            index,
            maker,
            feed,
            live,
            team: BTreeMap::new(),
        }
    }

    async fn enrol(&self, person: &str) -> Teammate {
        let teammate = self.somebody(person);
        let token = crate::app::token::hash(person);
        let (id, hash) = (id(person), token.clone());
        self.by_itself(Act::Invite {
            person: id,
            token: hash,
        })
        .await;
        let enrolling = crate::app::Enrolling {
            token,
            key: teammate.caller.key.clone(),
            public: teammate.caller.public.clone(),
            device: line("laptop"),
            signed: self.signature_of(&teammate.caller.key),
        };
        self.app.enroll(enrolling).await.unwrap();
        teammate
    }

    /// A new key for somebody, not enrolled.
    pub(crate) fn somebody(&self, person: &str) -> Teammate {
        let (alg, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(alg, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(alg, pkcs8.as_ref(), &random).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        Teammate {
            caller: Caller {
                person: id(person),
                key: key_id(&public),
                public,
                certificate_expires_at: self.clock.now().plus(Lifetime::from_secs(86_400)),
            },
            pair,
            pkcs8: pkcs8.as_ref().to_vec(),
        }
    }

    pub(crate) fn caller(&self, person: &str) -> Caller {
        self.team[person].caller.clone()
    }

    /// A statement as the rules see it: checked already.
    fn signature_of(&self, key: &KeyId) -> Arc<Signed> {
        static NONCES: AtomicUsize = AtomicUsize::new(1);
        let mut nonce = [0; 16];
        let number = NONCES.fetch_add(1, Ordering::Relaxed);
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        Arc::new(Signed {
            text: "breakglass/v1 ...\n".to_owned(),
            key: key.clone(),
            signature: vec![0x30],
            nonce: Nonce(nonce),
            at: self.clock.now(),
            other_history: false,
        })
    }

    pub(crate) fn command(&self, person: &str, act: Act) -> Command {
        let caller = self.caller(person);
        Command {
            by: Actor::Person(caller.person),
            signed: Some(self.signature_of(&caller.key)),
            act,
        }
    }

    pub(crate) fn signed_by(&self, person: &str) -> Arc<Signed> {
        self.signature_of(&self.caller(person).key)
    }

    pub(crate) async fn by_itself(&self, act: Act) -> Decided {
        let by = Actor::Broker;
        self.sequencer
            .submit(Command {
                by,
                signed: None,
                act,
            })
            .await
            .unwrap()
    }

    pub(crate) async fn open_incident(&self) -> IncidentId {
        let title = line("the worker is flooded");
        let severity = Severity::Sev2;
        let command = self.command("mia", Act::Open { severity, title });
        self.app.open(command).await.unwrap().0.id
    }

    pub(crate) fn asking(&self, person: &str, right: &str, held: bool) -> Act {
        let policy = self.live.read(|state| Arc::clone(&state.policy));
        let right = right.parse().unwrap();
        Act::Request {
            sentence: policy.rights[&right].sentence.clone(),
            right,
            incident: IncidentId(1),
            reason: line("revert the config change"),
            length: Lifetime::from_secs(15 * 60),
            held,
            key: self.caller(person).key,
            credential: true,
        }
    }

    pub(crate) async fn request(
        &self,
        person: &str,
        right: &str,
        held: bool,
    ) -> crate::app::Requested {
        let command = self.command(person, self.asking(person, right, held));
        self.app
            .request(&self.caller(person), command)
            .await
            .unwrap()
    }

    /// From here on the founder has to agree to a right that engineers have alone.
    pub(crate) async fn asks_the_founder(&self, right: &str) {
        let (alone, asks) = (
            format!("rights = [\"{right}\"]\napprovers = []"),
            format!("rights = [\"{right}\"]\napprovers = [\"founder\"]"),
        );
        assert!(POLICY.contains(&alone));
        let policy = Policy::parse("policy.toml", &POLICY.replace(&alone, &asks)).unwrap();
        let (policy, sha256) = (Arc::new(policy), "1".repeat(64));
        self.by_itself(Act::LoadPolicy { policy, sha256 }).await;
    }

    pub(crate) fn approving(&self, grant: &Grant) -> Act {
        Act::Approve {
            grant: grant.of.grant,
            incident: grant.of.incident,
            requester: grant.of.person.clone(),
            right: grant.of.right.clone(),
            sentence: grant.sentence.clone(),
            until: self.clock.now().plus(Lifetime::from_secs(3_600)),
        }
    }

    /// The kinds of all entries, oldest first.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let entries = self.reader().entries(0, usize::MAX).unwrap();
        let kind =
            |line: &Arc<[u8]>| entry::kind(&entry::decode(line).unwrap().1.change).to_owned();
        entries.iter().map(kind).collect()
    }

    pub(crate) fn reader(&self) -> Arc<dyn LedgerReader> {
        self.sequencer.ledger.lock().unwrap().reader()
    }

    pub(crate) fn size(&self) -> u64 {
        self.reader().checkpoint().size()
    }
}

pub(crate) fn id(person: &str) -> PersonId {
    person.parse().unwrap()
}

pub(crate) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

pub(super) fn key_id(public: &[u8]) -> KeyId {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let digest = ring::digest::digest(&ring::digest::SHA256, public);
    URL_SAFE_NO_PAD.encode(digest).parse().unwrap()
}

/// The ledger's key.
pub(super) fn signer() -> Signer {
    Arc::new(Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap())
}

fn about() -> About {
    About {
        version: "0.1.0".to_owned(),
        origin: ORIGIN.to_owned(),
        ledger_vkey: signer().verifier().to_string(),
        ledger_vkeys: vec![signer().verifier().to_string()],
        handed_over_at: Vec::new(),
        issuer: "https://glass.example:7444".to_owned(),
        url: "https://glass.example:7443".to_owned(),
        authority_pin: "PIN".to_owned(),
    }
}
