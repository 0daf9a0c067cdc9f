//! Everything the rules need to know, and nothing that grows with history: people, open incidents,
//! waiting and active grants. What is over is in the ledger and the index.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::actor::Actor;
use crate::budget::Budgets;
use crate::deliveries::Deliveries;
use crate::drill::Drills;
use crate::grant::{Grant, Phase};
use crate::id::{GrantId, IncidentId, KeyId, Nonce, PersonId, RightId, SessionId, TargetId};
use crate::incident::Incident;
use crate::invitation::{Invitations, is_by};
use crate::people::Member;
use crate::played::Played;
use crate::policy::{Policy, Right};
use crate::restoring::Restorations;
use crate::review::Reviews;
use crate::stream::Streams;
use crate::targets::Targets;
use crate::time::Time;
use crate::witnessing::Witnessing;

/// The fold of all events so far. Fields are plain so that a snapshot can hold and restore them;
/// outside of a restore only [`State::apply`] changes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The rules in force; an empty policy that allows nothing before the first is loaded.
    pub policy: Arc<Policy>,
    /// SHA-256 of the policy's text; empty before the first is loaded.
    pub policy_sha256: String,
    /// When it was loaded.
    pub policy_loaded_at: Time,
    /// Enrolled keys and freezes, by person.
    pub members: BTreeMap<PersonId, Member>,
    /// Invitations not used yet.
    pub tokens: Invitations<PersonId>,
    /// Open incidents.
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// Waiting and active grants.
    pub grants: BTreeMap<GrantId, Grant>,
    /// The number the next incident gets.
    pub next_incident: IncidentId,
    /// The number the next grant gets.
    pub next_grant: GrantId,
    /// Nonces of statements that are not stale yet, with the moment they will be.
    pub nonces: BTreeMap<Nonce, Time>,
    /// The same, in order of that moment.
    pub nonce_ends: BTreeSet<(Time, Nonce)>,
    /// Statements that a clock that is set back would make fresh again.
    pub played: Played,
    /// Guards, sessions, and what was made at targets.
    pub targets: Targets,
    /// When each person last opened incidents, oldest first, within the window.
    pub openings: BTreeMap<PersonId, VecDeque<Time>>,
    /// What was written so often that it counts.
    pub budgets: Budgets,
    /// Answers that are owed of incidents that are over.
    pub reviews: Reviews,
    /// How far witnesses have signed the ledger.
    pub witnessing: Witnessing,
    /// Histories that were lost where the broker went on from a copy.
    pub restorations: Restorations,
    /// Where the ledger is copied to as it grows.
    pub streams: Streams,
    /// What alert sources delivered lately.
    pub deliveries: Deliveries,
    /// What is remembered of drills.
    pub drills: Drills,
    /// When something happens by itself, in order of time.
    pub deadlines: BTreeSet<(Time, Deadline)>,
    /// Who holds which key: the inverse of `members`.
    pub keys: BTreeMap<KeyId, PersonId>,
    /// How many live grants each person has; only people with some.
    pub live: BTreeMap<PersonId, usize>,
    /// The time of the newest event.
    pub newest: Time,
}

/// Something that happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deadline {
    /// A request lapses.
    Lapse(GrantId),
    /// A grant expires.
    Expire(GrantId),
    /// A request goes to others as well.
    Escalate(GrantId),
    /// People are warned that an incident will close.
    Warn(IncidentId),
    /// An incident reaches its maximum age.
    Close(IncidentId),
    /// Nobody has confirmed that a session is over.
    Doubt(SessionId),
}

impl Default for State {
    fn default() -> Self {
        Self {
            policy: Arc::new(Policy::nothing()),
            policy_sha256: String::new(),
            policy_loaded_at: Time::from_millis(0),
            members: BTreeMap::new(),
            tokens: BTreeMap::new(),
            incidents: BTreeMap::new(),
            grants: BTreeMap::new(),
            next_incident: IncidentId(1),
            next_grant: GrantId(1),
            nonces: BTreeMap::new(),
            nonce_ends: BTreeSet::new(),
            played: Played::default(),
            targets: Targets::default(),
            openings: BTreeMap::new(),
            budgets: Budgets::default(),
            reviews: Reviews::default(),
            witnessing: Witnessing::default(),
            restorations: Restorations::default(),
            streams: Streams::default(),
            deliveries: Deliveries::default(),
            drills: Drills::default(),
            deadlines: BTreeSet::new(),
            keys: BTreeMap::new(),
            live: BTreeMap::new(),
            newest: Time::from_millis(0),
        }
    }
}

impl State {
    /// Whether the person may call at all now: in the policy, not frozen, the key enrolled.
    #[must_use]
    pub fn knows(&self, person: &PersonId, key: &KeyId) -> bool {
        self.policy.people.contains_key(person)
            && self.keys.get(key) == Some(person)
            && !self.is_frozen(person)
    }

    /// Whether the person has a laptop enrolled.
    #[must_use]
    pub fn has_key(&self, person: &PersonId) -> bool {
        let member = self.members.get(person);
        member.is_some_and(|member| !member.devices.is_empty())
    }

    /// Whether the guard may call at all now: its target in the policy, the key enrolled.
    #[must_use]
    pub fn knows_guard(&self, target: &TargetId, key: &KeyId) -> bool {
        self.policy.targets.contains_key(target) && self.targets.keys.get(key) == Some(target)
    }

    /// Until when an SSH host can show a certificate for the address its target has now; `None` where
    /// it has none, or one that is over or for another name.
    #[must_use]
    pub fn certified_until(&self, target: &TargetId, now: Time) -> Option<Time> {
        let host = self.policy.targets.get(target)?.host()?;
        let certified = self.targets.hosts.get(target)?;
        let holds = certified.host.as_str() == host && now < certified.until;
        holds.then_some(certified.until)
    }

    /// Active grants at `now` whose right leads to a target, oldest first.
    pub fn live_at<'a>(
        &'a self,
        target: &'a TargetId,
        now: Time,
    ) -> impl Iterator<Item = &'a Grant> {
        let policy = &self.policy;
        let known = policy.targets.get(target);
        let reaches = move |right: &Right| known.is_some_and(|known| right.reaches(target, known));
        let active = move |grant: &&Grant| {
            let active = grant.active();
            active.is_some_and(|active| now < active.ends_at)
        };
        let leads = move |grant: &&Grant| policy.rights.get(&grant.of.right).is_some_and(reaches);
        self.grants.values().filter(active).filter(leads)
    }

    /// Whether the person is stopped from everything.
    #[must_use]
    pub fn is_frozen(&self, person: &PersonId) -> bool {
        self.members
            .get(person)
            .is_some_and(|member| member.frozen.is_some())
    }

    /// Whom an invitation is for that nobody has used, one for each; also where its time has come.
    pub fn invited(&self) -> impl Iterator<Item = &PersonId> {
        let waiting = self.tokens.values().filter(|it| it.withdrawn.is_none());
        waiting.map(|it| &it.whom)
    }

    /// For whom the invitations are that a person has made and that work at a time: people, and guards
    /// as `target:ID`. In order.
    #[must_use]
    pub fn invitations_by(&self, person: &PersonId, now: Time) -> Vec<String> {
        let (people, guards) = (self.tokens.values(), self.targets.tokens.values());
        let people = people.filter(|it| it.works(now) && is_by(person)(it));
        let guards = guards.filter(|it| it.works(now) && is_by(person)(it));
        let people = people.map(|it| it.whom.to_string());
        let guards = guards.map(|it| Actor::from(&it.whom).to_string());
        let mut all: Vec<_> = people.chain(guards).collect();
        all.sort_unstable();
        all
    }

    /// Waiting and active grants under an incident, oldest first.
    pub fn live_under(&self, incident: IncidentId) -> impl Iterator<Item = &Grant> {
        self.grants
            .values()
            .filter(move |grant| grant.of.incident == incident)
    }

    /// Waiting and active grants of a person, oldest first.
    pub fn live_of<'a>(&'a self, person: &'a PersonId) -> impl Iterator<Item = &'a Grant> {
        self.grants
            .values()
            .filter(move |grant| grant.of.person == *person)
    }

    /// The active grant, valid at `now`: an ended one never is, whatever the deadlines say.
    #[must_use]
    pub fn active_at(&self, grant: GrantId, now: Time) -> Option<&Grant> {
        let grant = self.grants.get(&grant)?;
        match &grant.phase {
            Phase::Active(active) if now < active.ends_at => Some(grant),
            _ => None,
        }
    }

    /// How many waiting and active grants of one right a person has. Each is its own record, so
    /// ending one leaves the others.
    #[must_use]
    pub fn live_count(&self, person: &PersonId, right: &RightId) -> usize {
        self.live_of(person)
            .filter(|grant| grant.of.right == *right)
            .count()
    }

    /// When something next happens by itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Works out anew what follows from the rest (`nonce_ends`, `deadlines`, `keys`, `live`), so
    /// that a snapshot need not hold it.
    #[must_use]
    pub fn reindexed(mut self) -> Self {
        self.nonce_ends = self
            .nonces
            .iter()
            .map(|(nonce, end)| (*end, *nonce))
            .collect();
        self.deadlines = self.grants.values().flat_map(Grant::deadlines).collect();
        for incident in self.incidents.values() {
            self.deadlines.extend(incident.deadlines());
        }
        self.targets.reindex();
        let doubts = self.targets.sessions.iter();
        let doubts = doubts.filter_map(|(id, session)| session.deadline(*id));
        self.deadlines.extend(doubts);
        self.keys.clear();
        for (person, member) in &self.members {
            let keys = member
                .devices
                .keys()
                .map(|key| (key.clone(), person.clone()));
            self.keys.extend(keys);
        }
        self.live.clear();
        for grant in self.grants.values() {
            *self.live.entry(grant.of.person.clone()).or_default() += 1;
        }
        self
    }
}
