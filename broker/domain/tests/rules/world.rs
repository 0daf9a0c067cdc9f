//! A team of five with their laptops, one broker's state, and a clock that only moves when told.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::{
    Act, Actor, Change, Command, Ending, Event, Grant, GrantId, IncidentId, KeyId, Lifetime, Line,
    Nonce, PersonId, Policy, Refusal, Signed, State, Time, TokenHash,
};

use crate::acts::open;

/// Two engineers, who ship alone and migrate on each other's or the founder's word, and restore a backup
/// on each other's, or later the founder's; support may only
/// open incidents; the designer only looks.
pub(crate) const POLICY: &str = r#"
version = 1

[people.designer]
name = "Dora"
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

[people.support]
name = "Sam"
job = "support"

[rights.deploy-shop]
sentence = "deploy the shop app"
risk = "low"
longest = "30m"
audience = "https://deploy.shop.example"

[rights.migrate-shop-db]
sentence = "change the shop database"
risk = "high"
longest = "1h"
audience = "https://db.shop.example"

[rights.read-secrets]
sentence = "read the shop's secrets"
risk = "high"
longest = "20m"
audience = "https://vault.shop.example"

[rights.rotate-keys]
sentence = "replace the signing keys"
risk = "high"
longest = "30m"
audience = "https://vault.shop.example"

[rights.restore-backup]
sentence = "restore last night's backup"
risk = "high"
longest = "1h"
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
name = "secrets"
who = ["job:engineer", "founder"]
rights = ["read-secrets"]
approvers = ["founder", "leon"]
lapses_after = "15m"

[[rules]]
name = "founders-path"
who = ["founder"]
rights = ["rotate-keys"]
approvers = []
call = ["job:engineer"]

[[rules]]
name = "keys"
who = ["job:engineer"]
rights = ["rotate-keys"]
approvers = ["founder"]
call = ["job:engineer"]

[[rules]]
name = "backups"
who = ["job:engineer", "founder"]
rights = ["restore-backup"]
approvers = ["job:engineer"]
lapses_after = "15m"
if_nobody_answers = "self-grant"
self_grant_after = "10m"
self_grant_longest = "10m"
escalate_after = "5m"
then_approvers = ["founder", "support"]

[duties]
open_incidents = ["job:engineer", "support"]
close_incidents = ["job:engineer", "founder"]
revoke = ["founder"]
freeze = ["job:engineer", "founder"]
invite = ["founder"]
export_ledger = ["founder"]

[incidents]
longest = "8h"
"#;

pub(crate) const TEAM: [&str; 5] = ["designer", "founder", "leon", "mia", "support"];

/// The right that begins at once, the one with a self-grant, the one that is denied in the end.
pub(crate) const DEPLOY: &str = "deploy-shop";
pub(crate) const MIGRATE: &str = "migrate-shop-db";
pub(crate) const SECRETS: &str = "read-secrets";
/// The one that needs a call.
pub(crate) const ROTATE: &str = "rotate-keys";
/// The one that escalates.
pub(crate) const RESTORE: &str = "restore-backup";

pub(crate) type Outcome = Result<Vec<Event>, Refusal>;

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) now: Time,
    /// Everything that happened.
    pub(crate) ledger: Vec<Event>,
    /// Each person's newest key, enrolled or no longer.
    pub(crate) keys: BTreeMap<PersonId, KeyId>,
    chance: u64,
}

impl World {
    /// Monday night, the policy loaded, nobody enrolled.
    pub(crate) fn empty() -> Self {
        let mut world = Self {
            state: State::default(),
            now: "2026-11-23T03:00:00Z".parse().unwrap(),
            ledger: Vec::new(),
            keys: BTreeMap::new(),
            chance: 0,
        };
        world.loads(policy()).unwrap();
        world
    }

    /// Everybody enrolled.
    pub(crate) fn team() -> Self {
        let mut world = Self::empty();
        for person in TEAM {
            world.enrolls(person).unwrap();
        }
        world
    }

    /// Everybody enrolled and `INC-1` open.
    pub(crate) fn burning() -> Self {
        let mut world = Self::team();
        world.does("mia", open()).unwrap();
        world
    }

    pub(crate) fn passes(&mut self, length: Lifetime) {
        self.now = self.now.plus(length);
        self.tick();
    }

    /// What time has brought about happens.
    pub(crate) fn tick(&mut self) -> Vec<Event> {
        let events = due(&self.state, self.now);
        self.record(&events);
        assert_eq!(due(&self.state, self.now), [], "what is due happens once");
        events
    }

    /// A person acts, properly signed.
    pub(crate) fn does(&mut self, person: &str, act: Act) -> Outcome {
        let signed = self.statement(person);
        self.submit(&Command {
            by: Actor::Person(id(person)),
            signed: Some(signed),
            act,
        })
    }

    /// A person calls without a statement.
    pub(crate) fn calls(&mut self, person: &str, act: Act) -> Outcome {
        self.submit(&Command {
            by: Actor::Person(id(person)),
            signed: None,
            act,
        })
    }

    pub(crate) fn broker_does(&mut self, act: Act) -> Outcome {
        self.submit(&Command {
            by: Actor::Broker,
            signed: None,
            act,
        })
    }

    /// What the sequencer does: what is due, then the command.
    pub(crate) fn submit(&mut self, command: &Command) -> Outcome {
        self.tick();
        let events = decide(&self.state, command, self.now)?;
        self.record(&events);
        Ok(events)
    }

    fn record(&mut self, events: &[Event]) {
        self.state.apply_all(events);
        self.ledger.extend_from_slice(events);
    }

    pub(crate) fn statement(&mut self, person: &str) -> Arc<Signed> {
        let key = self.keys.get(&id(person)).cloned();
        self.statement_by(key.unwrap_or_else(|| key_of("nobody", 0)))
    }

    pub(crate) fn statement_by(&mut self, key: KeyId) -> Arc<Signed> {
        self.chance += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.chance.to_be_bytes());
        Arc::new(Signed {
            text: "as parsed at the edge".into(),
            key,
            signature: vec![0x30],
            nonce: Nonce(nonce),
            at: self.now,
            other_history: false,
        })
    }

    pub(crate) fn loads(&mut self, policy: Policy) -> Outcome {
        self.chance += 1;
        let sha256 = format!("{:064x}", self.chance);
        let policy = Arc::new(policy);
        self.broker_does(Act::LoadPolicy { policy, sha256 })
    }

    /// The operator invites, the person enrols a new laptop.
    pub(crate) fn enrolls(&mut self, person: &str) -> Outcome {
        let token = self.token();
        let person = id(person);
        self.broker_does(Act::Invite {
            person: person.clone(),
            token: token.clone(),
        })?;
        self.redeems(person.as_str(), token)
    }

    pub(crate) fn token(&mut self) -> TokenHash {
        self.chance += 1;
        format!("{:064x}", self.chance).parse().unwrap()
    }

    /// The person trades a token for a certificate on a new key.
    pub(crate) fn redeems(&mut self, person: &str, token: TokenHash) -> Outcome {
        self.chance += 1;
        let key = key_of(person, self.chance);
        let signed = self.statement_by(key.clone());
        let command = Command {
            by: Actor::Broker,
            signed: Some(signed),
            act: self.enrolment(token, key.clone()),
        };
        let events = self.submit(&command)?;
        self.keys.insert(id(person), key);
        Ok(events)
    }

    pub(crate) fn enrolment(&self, token: TokenHash, key: KeyId) -> Act {
        Act::Enroll {
            token,
            key,
            public: vec![4; 65],
            device: line("laptop"),
            serial: "0a".into(),
            certificate_expires_at: self.now.plus(hours(24)),
        }
    }

    /// Asks for so many minutes under `INC-1`.
    pub(crate) fn asks(&mut self, person: &str, right: &str, minutes: u32) -> GrantId {
        let wanted = self.request(person, right, minutes);
        let events = self.does(person, wanted).unwrap();
        events[0].change.grant().unwrap().grant
    }

    pub(crate) fn request(&self, person: &str, right: &str, minutes: u32) -> Act {
        let known = self.state.policy.rights.get(&right.parse().unwrap());
        Act::Request {
            right: right.parse().unwrap(),
            sentence: known.map_or(line("do anything"), |right| right.sentence.clone()),
            incident: IncidentId(1),
            reason: line("the worker is flooded"),
            length: mins(minutes),
            held: true,
            key: self.keys[&id(person)].clone(),
            credential: true,
        }
    }

    /// What an approver signs who looks at the grant now.
    pub(crate) fn approval(&self, grant: GrantId) -> Act {
        let shown = &self.state.grants[&grant];
        Act::Approve {
            grant,
            incident: shown.of.incident,
            requester: shown.of.person.clone(),
            right: shown.of.right.clone(),
            sentence: shown.sentence.clone(),
            until: self.now.plus(shown.length),
        }
    }

    /// What an engineer signs who spoke with the requester so many minutes ago.
    pub(crate) fn call(&self, grant: GrantId, minutes_ago: i64) -> Act {
        let shown = &self.state.grants[&grant];
        Act::RecordCall {
            grant,
            incident: shown.of.incident,
            requester: shown.of.person.clone(),
            right: shown.of.right.clone(),
            sentence: shown.sentence.clone(),
            spoke_at: Time::from_millis(self.now.as_millis() - minutes_ago * 60_000),
        }
    }

    /// What the holder signs who looks at the grant now and hands it over.
    pub(crate) fn handing(&self, grant: GrantId, to: &str) -> Act {
        let shown = &self.state.grants[&grant];
        Act::HandOver {
            grant,
            to: id(to),
            incident: shown.of.incident,
            right: shown.of.right.clone(),
            sentence: shown.sentence.clone(),
            reason: line("I have to sleep"),
            until: shown.active().map_or(self.now, |active| active.ends_at),
        }
    }

    pub(crate) fn self_grant(&self, grant: GrantId) -> Act {
        let shown = &self.state.grants[&grant];
        Act::SelfGrant {
            grant,
            incident: shown.of.incident,
            right: shown.of.right.clone(),
            sentence: shown.sentence.clone(),
        }
    }

    /// A grant that is active on somebody's word.
    pub(crate) fn approved(&mut self, minutes: u32) -> GrantId {
        let grant = self.asks("mia", MIGRATE, minutes);
        let yes = self.approval(grant);
        self.does("leon", yes).unwrap();
        grant
    }

    pub(crate) fn grant(&self, grant: GrantId) -> &Grant {
        &self.state.grants[&grant]
    }

    pub(crate) fn ends_at(&self, grant: GrantId) -> Time {
        self.grant(grant).active().unwrap().ends_at
    }

    pub(crate) fn is_live(&self, grant: GrantId) -> bool {
        self.state.grants.contains_key(&grant)
    }

    /// How a grant ended; exactly once.
    pub(crate) fn ending(&self, grant: GrantId) -> Ending {
        let endings: Vec<_> = endings(&self.ledger)
            .into_iter()
            .filter(|(ended, _)| *ended == grant)
            .collect();
        assert_eq!(endings.len(), 1, "{grant} ends exactly once");
        endings[0].1
    }
}

/// Which grants ended, and why, in order.
pub(crate) fn endings(events: &[Event]) -> Vec<(GrantId, Ending)> {
    let ending = |event: &Event| match &event.change {
        Change::GrantEnded { of, ending, .. } => Some((of.grant, *ending)),
        _ => None,
    };
    events.iter().filter_map(ending).collect()
}

pub(crate) fn policy() -> Policy {
    Policy::parse("policy.toml", POLICY).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn id(person: &str) -> PersonId {
    person.parse().unwrap()
}

pub(crate) fn key_of(person: &str, number: u64) -> KeyId {
    format!("{person:_<23}{number:020}").parse().unwrap()
}

pub(crate) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

pub(crate) fn mins(minutes: u32) -> Lifetime {
    Lifetime::from_secs(minutes * 60)
}

pub(crate) fn hours(hours: u32) -> Lifetime {
    Lifetime::from_secs(hours * 3_600)
}

pub(crate) fn millis(millis: i64) -> Lifetime {
    Lifetime::from_millis(millis)
}
