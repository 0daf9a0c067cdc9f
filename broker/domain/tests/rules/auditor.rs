//! Somebody who believes nothing but the events: keeps their own record of each, written without
//! looking at the rules, and stops at the first that must not be.

mod alone;
mod compare;
mod escalating;
mod handing;
mod unlocking;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use breakglass_domain::limits::{CLOCK_BEHIND, STATEMENT_SKEW};
use breakglass_domain::policy::{Policy, Risk};
use breakglass_domain::{
    Actor, Basis, Change, Ending, Event, GrantId, IncidentId, KeyId, Lifetime, Nonce, PersonId,
    Signed, Time, TokenHash,
};

#[derive(Default)]
pub(crate) struct Auditor {
    policy: Option<Arc<Policy>>,
    newest: Option<Time>,
    incidents: BTreeMap<IncidentId, Incident>,
    grants: BTreeMap<GrantId, Record>,
    keys: BTreeMap<KeyId, PersonId>,
    frozen: BTreeSet<PersonId>,
    tokens: BTreeMap<TokenHash, (PersonId, Actor)>,
    nonces: BTreeSet<Nonce>,
    /// A grant that was handed over began: this one ends next, for that one.
    swap: Option<(GrantId, GrantId)>,
    vetoed: BTreeSet<(IncidentId, PersonId, breakglass_domain::RightId)>,
    /// How many of a right somebody began alone, and when the last of them was over.
    alone: BTreeMap<alone::Of, (u32, Option<Time>)>,
    /// How often each thing was seen, by its name.
    pub(crate) seen: BTreeMap<String, usize>,
}

struct Incident {
    closes_at: Time,
    open: bool,
}

/// One grant as the auditor wrote it down.
struct Record {
    asked: Asked,
    begun: Option<Begun>,
    handed: Option<handing::Handed>,
    credentials: u32,
    ended: Option<Ending>,
    said: unlocking::Said,
}

struct Asked {
    person: PersonId,
    right: breakglass_domain::RightId,
    incident: IncidentId,
    rule: breakglass_domain::RuleName,
    approvers: Vec<PersonId>,
    escalation: Option<(Time, Vec<PersonId>)>,
    escalated: bool,
    call: Vec<PersonId>,
    length: Lifetime,
    lapses_at: Time,
    self_grant: Option<(Time, Lifetime)>,
    asked_at: Time,
    stood_still: Lifetime,
    held: bool,
    key: Option<KeyId>,
}

struct Begun {
    basis: Basis,
    at: Time,
    ends_at: Time,
}

impl Auditor {
    /// One event, and what the wall clock said when it was decided.
    pub(crate) fn hears(&mut self, event: &Event, now: Time) {
        let oldest = self.newest.unwrap_or(event.at);
        assert!(event.at >= oldest, "time in the ledger never goes back");
        assert!(event.at >= now, "an event is not older than its decision");
        self.swaps(event);
        if let Some(signed) = &event.signed {
            self.statement(event, signed, now);
        }
        let begins = matches!(
            event.change,
            Change::GrantRequested { .. }
                | Change::GrantStarted { .. }
                | Change::GrantExtended { .. }
                | Change::CredentialIssued { .. }
                | Change::IncidentOpened { .. }
        );
        let behind = oldest.since(now) > CLOCK_BEHIND;
        assert!(!(begins && behind), "the clock is behind: {event:?}");
        self.newest = Some(event.at);
        match &event.change {
            Change::GrantRequested { .. } => self.requested(event),
            Change::GrantStarted { .. } => self.started(event),
            Change::CallRecorded { of, spoke_at } => self.called(of.grant, *spoke_at, event),
            Change::GrantEscalated { of, to } => self.escalated(of.grant, to, event),
            Change::GrantApproved { of, until } => self.agreed(of.grant, *until, event),
            Change::GrantExtended { .. } => self.extended(event),
            Change::CredentialIssued { .. } => self.issued(event),
            Change::GrantUsed { of, .. } => self.used(of.grant, event),
            Change::GrantEnded { .. } => self.ended(event),
            Change::BrokerStarted { .. } => self.broker_started(event.at),
            Change::PolicyLoaded { policy, .. } => self.policy = Some(Arc::clone(policy)),
            _ => self.people_and_incidents(event),
        }
        self.count(name(&event.change));
    }

    fn people_and_incidents(&mut self, event: &Event) {
        match &event.change {
            Change::IncidentOpened {
                incident,
                closes_at,
                ..
            } => {
                let incidents = self.incidents.len() as u64;
                assert_eq!(incident.0, incidents + 1, "incidents are counted");
                let open = Incident {
                    closes_at: *closes_at,
                    open: true,
                };
                self.incidents.insert(*incident, open);
            }
            Change::IncidentResolved {
                incident,
                closes_at,
                ..
            } => {
                self.open(*incident, event.at);
                assert!(*closes_at > event.at, "nobody is cut off at once");
                let known = self.incidents.get_mut(incident).unwrap();
                known.closes_at = *closes_at;
            }
            Change::IncidentNoted { incident, .. } => {
                self.open(*incident, event.at);
                self.noted(*incident, event);
            }
            Change::IncidentClosed { incident, .. } => {
                let known = self.incidents.get_mut(incident).unwrap();
                assert!(known.open, "an incident closes once");
                known.open = false;
                let under = |record: &&Record| record.asked.incident == *incident;
                assert_eq!(self.live().filter(under).count(), 0, "no grant outlives it");
            }
            Change::PersonInvited { person, token, .. } => {
                let made = (person.clone(), event.by.clone());
                self.tokens.insert(token.clone(), made);
            }
            Change::PersonEnrolled {
                person, token, key, ..
            } => {
                let whose = self.tokens.remove(token);
                let whose = whose.as_ref().map(|(whose, _)| whose);
                assert_eq!(
                    whose,
                    Some(person),
                    "a token works once, and never of who was stopped"
                );
                self.keys.insert(key.clone(), person.clone());
                assert!(!self.frozen.contains(person));
            }
            Change::PersonRemoved { person, .. } => {
                self.keys.retain(|_, whose| whose != person);
                self.tokens.retain(|_, (whose, _)| whose != person);
                self.tokens.retain(|_, (_, by)| by.person() != Some(person));
                self.nothing_left(person);
                self.unsays(person);
            }
            Change::PersonFrozen { person, .. } => {
                self.tokens.retain(|_, (_, by)| by.person() != Some(person));
                self.frozen.insert(person.clone());
                self.nothing_left(person);
                self.unsays(person);
            }
            Change::PersonUnfrozen { person, .. } => {
                assert_ne!(event.by.person(), Some(person), "nobody lifts their own");
                self.frozen.remove(person);
            }
            _ => {}
        }
    }

    fn requested(&mut self, event: &Event) {
        let Change::GrantRequested {
            of,
            length,
            rule,
            approvers,
            lapses_at,
            self_grant,
            held,
            key,
            call,
            escalation,
            handed,
            ..
        } = &event.change
        else {
            unreachable!()
        };
        self.open(of.incident, event.at);
        self.may_act(&of.person);
        assert_eq!(
            of.grant.0,
            self.grants.len() as u64 + 1,
            "grants are counted"
        );
        let handed = match handed {
            None => {
                assert_eq!(event.by.person(), Some(&of.person));
                assert_eq!(self.keys.get(key.as_ref().unwrap()), Some(&of.person));
                None
            }
            Some(handed) => Some(self.handed(event, handed)),
        };
        assert!(!approvers.contains(&of.person), "nobody approves their own");
        assert!(!call.contains(&of.person), "nobody calls themselves");
        let policy = self.policy.as_ref().unwrap();
        assert!(*length <= policy.rights[&of.right].longest);
        assert_eq!(policy.rule_for(&of.person, &of.right).unwrap().name, *rule);
        assert!(*lapses_at <= self.incidents[&of.incident].closes_at);
        let asked = Asked {
            person: of.person.clone(),
            right: of.right.clone(),
            incident: of.incident,
            rule: rule.clone(),
            approvers: approvers.clone(),
            escalation: self.escalates(of, approvers, escalation.as_ref(), event.at),
            escalated: false,
            call: call.clone(),
            length: *length,
            lapses_at: *lapses_at,
            self_grant: self_grant.map(|pinned| (pinned.from, pinned.longest)),
            asked_at: event.at,
            stood_still: Lifetime::ZERO,
            held: *held,
            key: key.clone(),
        };
        let record = Record {
            asked,
            begun: None,
            handed,
            credentials: 0,
            ended: None,
            said: unlocking::Said::default(),
        };
        self.grants.insert(of.grant, record);
    }

    fn started(&mut self, event: &Event) {
        let Change::GrantStarted {
            of,
            basis,
            ends_at,
            alone_before,
        } = &event.change
        else {
            unreachable!()
        };
        self.open(of.incident, event.at);
        self.may_act(&of.person);
        let record = &self.grants[&of.grant];
        let asked = &record.asked;
        assert!(record.begun.is_none() && record.ended.is_none());
        assert!(event.at < asked.lapses_at, "not after the request lapsed");
        self.has_key(asked);
        let policy = self.policy.as_ref().unwrap();
        let longest = asked.length.min(policy.rights[&asked.right].longest);
        let (mut latest, mut later) = (event.at.plus(longest), false);
        latest = latest.min(self.incidents[&asked.incident].closes_at);
        match basis {
            Basis::FastPath => {
                assert_eq!(event.by, Actor::Broker);
                assert!(asked.approvers.is_empty() && asked.call.is_empty());
                assert_eq!(policy.rights[&asked.right].risk, Risk::Low);
            }
            Basis::Approved => {
                assert!(asked.call.is_empty(), "a call is needed");
                self.approver(asked, &event.by);
                later = event.by.person().is_some_and(|by| asked.goes_to(by));
            }
            Basis::Called => {
                assert_eq!(event.by, Actor::Broker);
                latest = latest.min(self.unlocked(record, event.at));
            }
            Basis::SelfGranted => {
                assert!(asked.call.is_empty(), "a call is needed");
                let of = (asked.incident, asked.person.clone(), asked.right.clone());
                assert!(!self.vetoed.contains(&of), "vetoed never lives");
                assert!(!self.runs_alone(&of, event.at), "one at a time");
                let (from, longest) = asked.self_grant.unwrap();
                assert_eq!(event.by.person(), Some(&asked.person));
                assert!(event.at >= from, "approvers had their time");
                self.need_time_again(asked, &of, *alone_before, event.at);
                assert!(asked.escalation.is_none() || asked.escalated, "all of them");
                latest = latest.min(event.at.plus(longest));
            }
        }
        if let Some(handed) = &record.handed {
            latest = latest.min(self.end_of_other(handed, event));
        }
        assert!(*ends_at > event.at && *ends_at <= latest, "{event:?}");
        let is_alone = *basis == Basis::SelfGranted;
        assert!(is_alone || *alone_before == 0, "nobody is alone");
        if is_alone {
            let of = alone::of(of);
            self.alone.entry(of).or_default().0 += 1;
        }
        let begun = Begun {
            basis: *basis,
            at: event.at,
            ends_at: *ends_at,
        };
        let record = self.grants.get_mut(&of.grant).unwrap();
        record.begun = Some(begun);
        if let Some(handed) = &record.handed {
            self.swap = Some((handed.from, of.grant));
            self.count(format!("handed over and began {basis}"));
        }
        self.count(format!("began {basis}"));
        if later {
            self.count("approved later");
        }
    }

    /// Pinned in the request, still named by the pinned rule, which is still the one that decides;
    /// may act; and is not the requester.
    fn approver(&self, asked: &Asked, by: &Actor) {
        let by = by.person().expect("a person approves");
        let policy = self.policy.as_ref().unwrap();
        let rule = policy.rule_for(&asked.person, &asked.right).unwrap();
        assert_eq!(rule.name, asked.rule, "under the pinned rule");
        self.asked_for_a_yes(asked, rule, by);
        assert_ne!(*by, asked.person);
        self.may_act(by);
    }

    fn extended(&mut self, event: &Event) {
        let Change::GrantExtended { of, ends_at, .. } = &event.change else {
            unreachable!()
        };
        let record = &self.grants[&of.grant];
        let begun = record.begun.as_ref().unwrap();
        assert!(record.ended.is_none() && event.at < begun.ends_at);
        let asked = &record.asked;
        let longest = self.policy.as_ref().unwrap().rights[&of.right].longest;
        match begun.basis {
            Basis::Called if asked.approvers.is_empty() => {
                assert!(asked.call.contains(event.by.person().unwrap()));
            }
            Basis::Approved | Basis::Called => self.approver(asked, &event.by),
            Basis::FastPath | Basis::SelfGranted => {
                assert_eq!(event.by.person(), Some(&of.person));
            }
        }
        let since = record.handed.as_ref().map_or(begun.at, |it| it.since);
        assert!(*ends_at > begun.ends_at && *ends_at <= since.plus(longest));
        assert!(*ends_at <= self.incidents[&of.incident].closes_at);
        if begun.basis == Basis::SelfGranted {
            assert!(*ends_at <= begun.at.plus(asked.self_grant.unwrap().1));
        }
        let record = self.grants.get_mut(&of.grant).unwrap();
        record.begun.as_mut().unwrap().ends_at = *ends_at;
    }

    fn issued(&mut self, event: &Event) {
        let Change::CredentialIssued {
            of,
            credential,
            expires_at,
            key,
            ..
        } = &event.change
        else {
            unreachable!()
        };
        self.used(of.grant, event);
        self.open(of.incident, event.at);
        let record = self.grants.get_mut(&of.grant).unwrap();
        record.credentials += 1;
        assert_eq!(credential.number, record.credentials);
        match &record.asked.key {
            Some(pinned) => assert_eq!(key, pinned),
            None => assert_eq!(self.keys.get(key), Some(&of.person)),
        }
        assert!(*expires_at <= record.begun.as_ref().unwrap().ends_at);
    }

    fn used(&self, grant: GrantId, event: &Event) {
        let record = &self.grants[&grant];
        let begun = record.begun.as_ref().unwrap();
        assert!(record.ended.is_none() && event.at < begun.ends_at);
        assert_eq!(event.by.person(), Some(&record.asked.person));
    }

    fn ended(&mut self, event: &Event) {
        let Change::GrantEnded { of, ending, .. } = &event.change else {
            unreachable!()
        };
        let record = &self.grants[&of.grant];
        assert!(record.ended.is_none(), "{} ends exactly once", of.grant);
        let begun = record.begun.as_ref();
        let was_alone = begun.is_some_and(|begun| begun.basis == Basis::SelfGranted);
        match ending {
            Ending::Denied => {
                let by = event.by.person().unwrap();
                let asked = &record.asked;
                let later = || asked.escalated && asked.goes_to(by);
                assert!(asked.approvers.contains(by) || later() || asked.call.contains(by));
                assert!(begun.is_none());
            }
            Ending::Lapsed => {
                assert!(begun.is_none());
                if event.at < record.asked.lapses_at {
                    let from = record.handed.as_ref().unwrap().from;
                    assert!(self.grants[&from].ended.is_some(), "{event:?}");
                    self.count("lapsed with the other");
                }
            }
            Ending::Expired => assert!(event.at >= begun.unwrap().ends_at),
            Ending::Dropped => {
                let hands_over = record.handed.as_ref().map(|it| &it.by);
                let takes_back = begun.is_none() && event.by.person() == hands_over;
                assert!(takes_back || event.by.person() == Some(&of.person));
            }
            Ending::Abandoned => assert!(record.asked.held),
            Ending::Vetoed => {
                assert_ne!(event.by.person().unwrap(), &of.person);
                match begun {
                    Some(begun) => assert_eq!(begun.basis, Basis::SelfGranted),
                    None => assert!(record.asked.self_grant.is_some()),
                }
                self.vetoed
                    .insert((of.incident, of.person.clone(), of.right.clone()));
            }
            _ => {}
        }
        if was_alone {
            let alone = self.alone.entry(alone::of(of)).or_default();
            alone.1 = Some(event.at);
        }
        self.grants.get_mut(&of.grant).unwrap().ended = Some(*ending);
        self.count(format!("ended {ending}"));
    }

    /// Whether something of that incident, person and right runs that its holder began alone.
    fn runs_alone(
        &self,
        of: &(IncidentId, PersonId, breakglass_domain::RightId),
        now: Time,
    ) -> bool {
        self.grants.values().any(|record| {
            let asked = &record.asked;
            let begun = record.begun.as_ref().filter(|_| record.ended.is_none());
            (asked.incident, &asked.person, &asked.right) == (of.0, &of.1, &of.2)
                && begun.is_some_and(|it| it.basis == Basis::SelfGranted && now < it.ends_at)
        })
    }

    fn statement(&mut self, event: &Event, signed: &Signed, now: Time) {
        let fresh = |clock: Time| {
            signed.at.plus(STATEMENT_SKEW) >= clock && signed.at <= clock.plus(STATEMENT_SKEW)
        };
        let behind = self.newest.is_some_and(|newest| newest > now);
        assert!(behind || fresh(now), "a stale statement: {event:?}");
        assert!(self.nonces.insert(signed.nonce), "played twice: {event:?}");
        let enrols = matches!(event.change, Change::PersonEnrolled { .. });
        if !enrols {
            let by = event.by.person().expect("a person signed");
            assert_eq!(self.keys.get(&signed.key), Some(by));
            self.may_act(by);
        }
    }

    fn may_act(&self, person: &PersonId) {
        let policy = self.policy.as_ref().unwrap();
        assert!(policy.people.contains_key(person), "{person} left");
        assert!(!self.frozen.contains(person), "{person} is frozen");
    }

    fn open(&self, incident: IncidentId, at: Time) {
        let known = &self.incidents[&incident];
        assert!(known.open && at < known.closes_at, "{incident} is over");
    }

    fn nothing_left(&self, person: &PersonId) {
        let theirs = |record: &&Record| record.asked.person == *person;
        assert_eq!(self.live().filter(theirs).count(), 0, "{person} has grants");
    }

    fn live(&self) -> impl Iterator<Item = &Record> {
        let live = |record: &&Record| record.ended.is_none();
        self.grants.values().filter(live)
    }

    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.seen.entry(what.into()).or_default() += 1;
    }
}

fn name(change: &Change) -> String {
    let shown = format!("{change:?}");
    shown
        .split([' ', '{'])
        .next()
        .unwrap_or_default()
        .to_owned()
}
