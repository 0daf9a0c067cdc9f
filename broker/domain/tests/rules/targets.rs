//! Guards, sessions, certificates and roles: stories, and random lists.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_domain::command::{RoleOutcome, Wanted};
use breakglass_domain::event::{RoleStep, SessionEnd};
use breakglass_domain::limits::{CONFIRMED_WITHIN, LATE_WITHIN};
use breakglass_domain::{
    Act, Actor, Change, Command, CredentialId, GrantId, IncidentId, Nonce, Policy, Refusal,
    SessionId, State, Subject, Time,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::acts::close;
use crate::world::{Outcome, POLICY, World, id, key_of, line, millis, mins};

const WAYS: &str = r#"
[targets.web-1]
kind = "ssh"
address = "web-1.shop.example"
[targets.web-2]
kind = "ssh"
address = "web-2.shop.example"
[targets.shop-db]
kind = "postgres"
address = "db.shop.example:5432"
database = "shop"
ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
[rights.way-in]
sentence = "go in"
risk = "low"
longest = "1h"
[rights.way-in.ssh]
targets = ["web-1"]
principals = ["deploy"]
[rights.way-in.postgres]
target = "shop-db"
way = "role"
role = "shop_migrator"
[[rules]]
name = "in"
who = ["job:engineer"]
rights = ["way-in"]
approvers = []
"#;

pub(crate) fn ways() -> Policy {
    let policy = Policy::parse("policy.toml", &format!("{POLICY}{WAYS}"));
    policy.unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// Something is broken, and each of these targets has a guard.
pub(crate) fn burning() -> World {
    let mut world = World::burning();
    world.loads(ways()).unwrap();
    for target in ["web-1", "web-2"] {
        guard(&mut world, target).unwrap();
    }
    world
}

/// The operator invites the guard of a target, and it enrols.
pub(crate) fn guard(world: &mut World, target: &str) -> Outcome {
    let token = world.token();
    let invite = Act::InviteTarget {
        target: target.parse().unwrap(),
        token: token.clone(),
    };
    world.broker_does(invite)?;
    let key = key_of(target, 1);
    let signed = world.statement_by(key.clone());
    let enrolment = Command {
        by: Actor::Broker,
        signed: Some(signed),
        act: world.enrolment(token, key),
    };
    world.submit(&enrolment)
}

pub(crate) fn asks(world: &mut World, person: &str) -> GrantId {
    let Act::Request {
        right,
        sentence,
        incident,
        reason,
        length,
        held,
        key,
        ..
    } = world.request(person, "way-in", 30)
    else {
        unreachable!("it asks")
    };
    let wanted = Act::Request {
        right,
        sentence,
        incident,
        reason,
        length,
        held,
        key,
        credential: false,
    };
    let events = world.does(person, wanted).unwrap();
    events[0].change.grant().unwrap().grant
}

pub(crate) fn issues(world: &mut World, person: &str, grant: GrantId, wanted: Wanted) -> Outcome {
    let key = world.keys[&id(person)].clone();
    world.calls(person, Act::Issue { grant, wanted, key })
}

pub(crate) fn drop_grant(grant: u64) -> Act {
    Act::Drop {
        grant: GrantId(grant),
    }
}

pub(crate) fn ssh() -> Wanted {
    Wanted::Ssh {
        key: key_of("fresh", 7),
    }
}

pub(crate) fn reports(world: &mut World, target: &str, act: Act) -> Outcome {
    world.submit(&Command {
        by: Actor::Target(target.parse().unwrap()),
        signed: None,
        act,
    })
}

pub(crate) fn comes_in(world: &mut World, target: &str, grant: GrantId, number: u32) -> Outcome {
    let opening = Act::OpenSession {
        grant,
        credential: CredentialId { grant, number },
        login: line("deploy"),
        origin: String::new(),
        once: None,
        let_in_at: None,
    };
    reports(world, target, opening)
}

/// The same, with what the guard drew for it; `late` where it let them in by itself, a minute ago.
pub(crate) fn is_told(world: &mut World, grant: GrantId, drawn: u8, late: bool) -> Outcome {
    let opening = Act::OpenSession {
        grant,
        credential: CredentialId { grant, number: 1 },
        login: line("deploy"),
        origin: String::new(),
        once: Some(Nonce([drawn; 16])),
        let_in_at: late.then(|| world.now.minus(mins(1))),
    };
    reports(world, "web-1", opening)
}

pub(crate) fn is_over(session: u64) -> Act {
    Act::EndSession {
        session: SessionId(session),
        how: SessionEnd::Killed,
        took: Some(millis(200)),
    }
}

#[test]
fn a_guard_can_do_what_guards_do_and_nothing_else() {
    let mut world = burning();
    let grant = asks(&mut world, "mia");
    let acts = [
        crate::acts::open(),
        crate::acts::note(1),
        close(1),
        world.request("mia", "way-in", 10),
        drop_grant(grant.0),
        Act::Issue {
            grant,
            wanted: ssh(),
            key: key_of("mia", 99),
        },
        Act::Export { from: 0, to: 1 },
        Act::Tick,
        Act::Invite {
            person: id("mia"),
            token: world.token(),
        },
        Act::Freeze {
            person: id("leon"),
            reason: line("why not"),
        },
    ];
    for act in acts {
        let before = world.state.clone();
        let refused = reports(&mut world, "web-1", act.clone());
        assert_eq!(refused, Err(Refusal::StatementMissing), "{act:?}");
        assert_eq!(world.state, before);
    }
    // Nor does its key let anybody speak for a person, or a person for a target.
    let signed = world.statement_by(key_of("web-1", 1));
    let as_mia = Command {
        by: Actor::Person(id("mia")),
        signed: Some(signed),
        act: crate::acts::open(),
    };
    assert_eq!(world.submit(&as_mia), Err(Refusal::NotEnrolled(id("mia"))));
    let by_hand = world.calls("mia", is_over(1));
    assert!(
        matches!(by_hand, Err(Refusal::StatementMissing)),
        "{by_hand:?}"
    );
}

#[test]
fn one_key_is_of_one_owner() {
    let mut world = burning();
    let token = world.token();
    let invite = Act::InviteTarget {
        target: "web-1".parse().unwrap(),
        token: token.clone(),
    };
    world.broker_does(invite).unwrap();
    let key = world.keys[&id("mia")].clone();
    let signed = world.statement_by(key.clone());
    let enrolment = Command {
        by: Actor::Broker,
        signed: Some(signed),
        act: world.enrolment(token, key),
    };
    assert_eq!(world.submit(&enrolment), Err(Refusal::KeyEnrolled));
    assert!(guard(&mut world, "web-3").is_err(), "no such target");
}

#[test]
fn all_certificates_of_a_grant_are_one_range_of_serials() {
    let mut world = burning();
    let (mias, leons) = (asks(&mut world, "mia"), asks(&mut world, "leon"));
    let mut serials = BTreeMap::new();
    for (person, grant) in [("mia", mias), ("leon", leons), ("mia", mias)] {
        let events = issues(&mut world, person, grant, ssh()).unwrap();
        let Change::CredentialIssued {
            subject: Subject::Login { serial, .. },
            ..
        } = &events[0].change
        else {
            panic!("{events:?}")
        };
        assert_eq!(serials.insert(*serial, grant), None, "each its own");
        assert_eq!(serial / CredentialId::SERIALS, grant.0);
    }
    world.does("mia", drop_grant(mias.0)).unwrap();
    let revoked = |state: &State, now| state.targets.revoked_logins(now);
    assert_eq!(revoked(&world.state, world.now), BTreeSet::from([mias]));
    world.passes(mins(15));
    assert!(
        revoked(&world.state, world.now).is_empty(),
        "it has expired by itself"
    );
}

#[test]
fn nobody_comes_in_without_a_live_grant_a_credential_and_a_way_there() {
    let mut world = burning();
    let grant = asks(&mut world, "mia");
    let target = |name: &str| name.parse().unwrap();
    let not_there = |name| {
        Err(Refusal::NotThere {
            grant,
            target: target(name),
        })
    };
    assert_eq!(comes_in(&mut world, "web-1", grant, 1), not_there("web-1"));
    issues(&mut world, "mia", grant, ssh()).unwrap();
    assert_eq!(comes_in(&mut world, "web-1", grant, 0), not_there("web-1"));
    assert_eq!(comes_in(&mut world, "web-2", grant, 1), not_there("web-2"));
    comes_in(&mut world, "web-1", grant, 1).unwrap();
    assert_eq!(
        reports(&mut world, "web-2", is_over(1)),
        Err(Refusal::UnknownSession(SessionId(1)))
    );
    world.does("leon", close(1)).unwrap();
    assert!(
        comes_in(&mut world, "web-1", grant, 1).is_err(),
        "it is over"
    );
    reports(&mut world, "web-1", is_over(1)).unwrap();
    assert!(world.state.targets.sessions.is_empty());
}

#[test]
fn what_a_person_who_left_had_open_is_doomed_with_their_grants() {
    let mut world = burning();
    let grant = asks(&mut world, "mia");
    issues(&mut world, "mia", grant, ssh()).unwrap();
    comes_in(&mut world, "web-1", grant, 1).unwrap();
    let removal = Act::Remove {
        person: id("mia"),
        reason: line("left the team"),
    };
    world.does("founder", removal).unwrap();
    let session = &world.state.targets.sessions[&SessionId(1)];
    assert_eq!(session.over_at, Some(world.now));
    world.passes(CONFIRMED_WITHIN);
    let last = &world.ledger.last().unwrap().change;
    assert!(
        matches!(last, Change::SessionUnconfirmed { .. }),
        "{last:?}"
    );
}

#[test]
fn a_role_is_known_until_it_is_gone() {
    let mut world = burning();
    let grant = asks(&mut world, "mia");
    issues(&mut world, "mia", grant, Wanted::Postgres).unwrap();
    let role = line("breakglass_g1_1");
    let note = |outcome| Act::NoteRole {
        role: role.clone(),
        outcome,
    };
    assert!(
        !world.state.targets.roles[&role].created,
        "begun, and no more"
    );
    world.broker_does(note(RoleOutcome::Created)).unwrap();
    assert!(world.state.targets.roles[&role].created);
    world.does("mia", drop_grant(grant.0)).unwrap();
    let failed = RoleOutcome::Failed {
        step: RoleStep::Drop,
        text: "unreachable".into(),
    };
    assert_eq!(world.broker_does(note(failed.clone())).unwrap().len(), 1);
    assert_eq!(world.broker_does(note(failed)).unwrap(), [], "said once");
    let dropped = RoleOutcome::Dropped {
        sessions: 1,
        took: millis(40),
    };
    assert_eq!(world.broker_does(note(dropped.clone())).unwrap().len(), 1);
    assert_eq!(
        world.broker_does(note(dropped)).unwrap(),
        [],
        "it is gone already"
    );
    assert!(world.state.targets.roles.is_empty());
}

/// What can happen at targets, chosen by numbers.
#[derive(Debug, Clone)]
enum Step {
    Passes(i64),
    Asks(bool),
    Issues(u64, usize),
    ComesIn(u64, u32, bool),
    IsTold(u64, u8, bool),
    IsOver(u64, bool),
    Ends(u64),
    Closes,
    Notes(u64, u32, usize),
    Loads(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![Just(0), Just(9_999), Just(60_000), Just(900_000), Just(2_000_000)]
            .prop_map(Step::Passes),
        4 => any::<bool>().prop_map(Step::Asks),
        8 => (1..9_u64, 0..4_usize).prop_map(|(grant, what)| Step::Issues(grant, what)),
        8 => (1..9_u64, 0..4_u32, any::<bool>())
            .prop_map(|(grant, number, first)| Step::ComesIn(grant, number, first)),
        8 => (1..9_u64, 0..4_u8, any::<bool>())
            .prop_map(|(grant, drawn, late)| Step::IsTold(grant, drawn, late)),
        4 => (1..9_u64, any::<bool>()).prop_map(|(session, first)| Step::IsOver(session, first)),
        3 => (1..9_u64).prop_map(Step::Ends),
        1 => Just(Step::Closes),
        4 => (1..9_u64, 1..4_u32, 0..3_usize)
            .prop_map(|(grant, number, what)| Step::Notes(grant, number, what)),
        1 => any::<bool>().prop_map(Step::Loads),
    ]
}

fn take(world: &mut World, step: &Step) {
    let host = |first: &bool| if *first { "web-1" } else { "web-2" };
    let holder = |world: &World, grant: &u64| {
        let grant = world.state.grants.get(&GrantId(*grant));
        grant.map_or("mia".to_owned(), |grant| grant.of.person.to_string())
    };
    let _ = match step {
        Step::Passes(time) => {
            world.passes(millis(*time));
            return;
        }
        Step::Asks(mia) => {
            let person = if *mia { "mia" } else { "leon" };
            if !world
                .state
                .policy
                .rights
                .contains_key(&"way-in".parse().unwrap())
            {
                return;
            }
            let open = world.state.incidents.keys().next().copied();
            let Some(incident) = open else {
                let _ = world.does(person, crate::acts::open());
                return;
            };
            let mut wanted = world.request(person, "way-in", 30);
            if let Act::Request {
                incident: under,
                credential,
                ..
            } = &mut wanted
            {
                (*under, *credential) = (incident, false);
            }
            world.does(person, wanted)
        }
        Step::Issues(grant, what) => {
            let wanted = match what {
                0 => Wanted::Jwt,
                1 | 2 => ssh(),
                _ => Wanted::Postgres,
            };
            let person = holder(world, grant);
            issues(world, &person, GrantId(*grant), wanted)
        }
        Step::ComesIn(grant, number, first) => {
            comes_in(world, host(first), GrantId(*grant), *number)
        }
        Step::IsTold(grant, drawn, late) => is_told(world, GrantId(*grant), *drawn, *late),
        Step::IsOver(session, first) => reports(world, host(first), is_over(*session)),
        Step::Ends(grant) => {
            let person = holder(world, grant);
            world.does(&person, drop_grant(*grant))
        }
        Step::Closes => match world.state.incidents.keys().next().copied() {
            Some(IncidentId(open)) => world.does("leon", close(open)),
            None => return,
        },
        Step::Notes(grant, number, what) => {
            let outcome = match what {
                0 => RoleOutcome::Created,
                1 => RoleOutcome::Failed {
                    step: RoleStep::Drop,
                    text: "away".into(),
                },
                _ => RoleOutcome::Dropped {
                    sessions: 0,
                    took: millis(1),
                },
            };
            world.broker_does(Act::NoteRole {
                role: line(&format!("breakglass_g{grant}_{number}")),
                outcome,
            })
        }
        Step::Loads(with) => {
            let policy = if *with {
                ways()
            } else {
                crate::world::policy()
            };
            world.loads(policy)
        }
    };
}

/// What must hold of a whole history, found without looking at the rules.
fn audit(world: &World) {
    let (mut open, mut serials, mut roles) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let (mut live, mut ended) = (BTreeSet::new(), BTreeMap::new());
    for event in &world.ledger {
        match &event.change {
            Change::GrantStarted { of, .. } => drop(live.insert(of.grant)),
            Change::GrantEnded { of, .. } => {
                live.remove(&of.grant);
                ended.insert(of.grant, event.at);
            }
            Change::CredentialIssued { of, subject, .. } => {
                assert!(
                    live.contains(&of.grant),
                    "only a live grant is issued under"
                );
                match subject {
                    Subject::Login { serial, .. } => {
                        assert!(serials.insert(*serial), "no serial twice");
                        assert_eq!(serial / CredentialId::SERIALS, of.grant.0);
                    }
                    Subject::Role { role, .. } => assert!(roles.insert(role.clone())),
                    other => panic!("the right does not come with {other:?}"),
                }
            }
            Change::SessionOpened {
                of,
                session,
                target,
                once,
                let_in_at,
                ..
            } => {
                let late = ended.get(&of.grant).is_some_and(|at: &Time| {
                    event.at < at.plus(LATE_WITHIN) && let_in_at.is_some() && once.is_some()
                });
                assert!(
                    live.contains(&of.grant) || late,
                    "nobody comes in without a live grant"
                );
                assert_eq!(target.as_str(), "web-1", "the right leads there only");
                assert_eq!(open.insert(*session, of.grant), None);
            }
            Change::SessionEnded { session, .. } => {
                assert!(open.remove(session).is_some(), "open, and ended once");
            }
            Change::SessionUnconfirmed { session, .. } => {
                assert!(!live.contains(&open[session]), "its grant is over");
            }
            Change::RoleDropped { role, .. } => assert!(roles.remove(role), "there was one"),
            _ => {}
        }
    }
    let targets = &world.state.targets;
    assert!(
        targets.sessions.keys().eq(open.keys()),
        "nobody is forgotten"
    );
    assert!(
        targets.roles.keys().eq(roles.iter()),
        "no role is forgotten"
    );
    for session in targets.sessions.values() {
        assert_eq!(session.over_at.is_none(), live.contains(&session.of.grant));
    }
}

#[test]
fn a_host_is_certified_for_the_address_it_has_and_no_longer_than_that() {
    let mut world = burning();
    let until = |world: &World, target: &str| {
        let target = target.parse().unwrap();
        world.state.certified_until(&target, world.now)
    };
    assert_eq!(until(&world, "web-1"), None);
    let expires_at = world.now.plus(mins(30));
    let certify = |host: &str| Act::CertifyHost {
        target: "web-1".parse().unwrap(),
        host: line(host),
        key: "SHA256:x".into(),
        serial: "0b".into(),
        expires_at,
    };
    world.broker_does(certify("web-9.shop.example")).unwrap();
    assert_eq!(until(&world, "web-1"), None, "it is called otherwise");
    world.broker_does(certify("web-1.shop.example")).unwrap();
    assert_eq!(until(&world, "web-1"), Some(expires_at));
    assert_eq!(until(&world, "web-2"), None);
    world.passes(mins(30));
    assert_eq!(until(&world, "web-1"), None, "it has run out");
    assert_eq!(world.state.targets.hosts.len(), 1);
    world.loads(crate::world::policy()).unwrap();
    assert!(
        world.state.targets.hosts.is_empty(),
        "nobody knows it any more"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens_nobody_is_in_unseen_and_nothing_made_is_forgotten(
        steps in vec(step(), 1..80),
    ) {
        let mut world = burning();
        for step in &steps {
            take(&mut world, step);
        }
        world.tick();
        audit(&world);
        let mut again = State::default();
        again.apply_all(&world.ledger);
        prop_assert_eq!(&again, &world.state, "replaying gives the same");
        prop_assert_eq!(again.clone().reindexed(), again, "and what is derived is derived");
    }
}
