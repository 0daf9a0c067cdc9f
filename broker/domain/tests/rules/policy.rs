//! New rules end what they no longer allow, the same day.

use std::sync::Arc;

use breakglass_domain::{Act, Actor, Change, Ending, Refusal};

use crate::acts::note;
use crate::world::{DEPLOY, SECRETS, World, endings, id, line, policy};

#[test]
fn who_is_no_longer_in_the_policy_is_out_at_once() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let mut smaller = policy();
    smaller.people.remove(&id("mia"));
    let events = world.loads(smaller).unwrap();
    assert!(matches!(events[0].change, Change::PolicyLoaded { .. }));
    assert_eq!(endings(&events), [(grant, Ending::PersonLeft)]);
    assert!(matches!(&events[2].change,
        Change::PersonRemoved { person, .. } if *person == id("mia")));
    assert!(events.iter().all(|event| event.by == Actor::Broker));
    let refusal = Refusal::UnknownPerson(id("mia"));
    assert_eq!(world.does("mia", note(1)), Err(refusal));

    // Coming back takes a new invitation.
    world.loads(policy()).unwrap();
    let refusal = Refusal::NotEnrolled(id("mia"));
    assert_eq!(world.does("mia", note(1)), Err(refusal));
    world.enrolls("mia").unwrap();
    world.does("mia", note(1)).unwrap();
}

#[test]
fn an_invitation_does_not_outlast_the_line_in_the_policy() {
    let mut world = World::empty();
    let token = world.token();
    let invite = Act::Invite {
        person: id("mia"),
        token: token.clone(),
    };
    world.broker_does(invite).unwrap();
    let mut smaller = policy();
    smaller.people.remove(&id("mia"));
    world.loads(smaller).unwrap();
    world.loads(policy()).unwrap();
    let refusal = world.redeems("mia", token).unwrap_err();
    assert_eq!(refusal.code(), "TOKEN_WITHDRAWN");
}

#[test]
fn a_new_job_ends_what_the_old_one_gave_and_nothing_else() {
    let mut world = World::burning();
    let deploys = world.asks("mia", DEPLOY, 10);
    let other = world.asks("leon", DEPLOY, 10);
    let mut moved = policy();
    moved.people.get_mut(&id("mia")).unwrap().job = line("designer");
    let events = world.loads(moved).unwrap();
    assert_eq!(endings(&events), [(deploys, Ending::PersonLeft)]);
    assert!(world.is_live(other));
    world.does("mia", note(1)).unwrap();
}

#[test]
fn a_right_that_is_gone_is_gone() {
    let mut world = World::burning();
    let grant = world.asks("mia", SECRETS, 10);
    let mut fewer = policy();
    fewer.rights.remove(&SECRETS.parse().unwrap());
    world.loads(fewer).unwrap();
    assert_eq!(world.ending(grant), Ending::PersonLeft);
}

#[test]
fn the_same_text_again_is_nothing() {
    let mut world = World::team();
    let act = Act::LoadPolicy {
        policy: Arc::new(policy()),
        sha256: world.state.policy_sha256.clone(),
    };
    assert_eq!(world.broker_does(act), Ok(vec![]));
}

#[test]
fn before_the_first_policy_nobody_may_anything() {
    let state = breakglass_domain::State::default();
    assert!(!state.knows(&id("mia"), &crate::world::key_of("mia", 1)));
}
