//! What people sign.

use std::sync::Arc;

use breakglass_domain::limits::STATEMENT_SKEW;
use breakglass_domain::{Act, Actor, Command, Refusal};

use crate::acts::{issue, note, open};
use crate::world::{DEPLOY, World, hours, id, line, millis, mins};

fn command(person: &str, act: Act) -> Command {
    Command {
        by: Actor::Person(id(person)),
        signed: None,
        act,
    }
}

#[test]
fn without_one_nothing_is_done_in_a_persons_name() {
    let mut world = World::burning();
    let wanted = world.request("mia", DEPLOY, 10);
    for act in [wanted, note(1), open()] {
        assert_eq!(world.calls("mia", act), Err(Refusal::StatementMissing));
    }
}

#[test]
fn the_broker_does_nothing_in_a_persons_name() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let wanted = world.request("mia", DEPLOY, 10);
    for act in [wanted, note(1), open(), issue(grant)] {
        assert_eq!(world.broker_does(act), Err(Refusal::StatementMissing));
    }
}

#[test]
fn what_only_the_broker_does_nobody_else_does() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let token = world.token();
    let enrolment = world.enrolment(token, crate::world::key_of("mia", 77));
    let refused = Act::NoteRefusal {
        by: breakglass_domain::Actor::Person(id("leon")),
        act: "request".into(),
        reason: "NOT_ALLOWED".into(),
        text: "no".into(),
        count: 1,
        incident: None,
        checkpoint: None,
    };
    let version = "1".to_owned();
    let start = Act::Start { version };
    for act in [Act::Abandon { grant }, enrolment, refused, start, Act::Tick] {
        let refusal = world.does("mia", act).unwrap_err();
        assert_eq!(refusal.code(), "NOT_PERMITTED");
    }
}

#[test]
fn no_statement_is_taken_twice() {
    let mut world = World::burning();
    let mut said = command("mia", note(1));
    said.signed = Some(world.statement("mia"));
    world.submit(&said).unwrap();
    assert_eq!(world.submit(&said), Err(Refusal::StatementReplayed));
    // Up to the last moment at which it would be fresh, and after that it is stale.
    world.passes(STATEMENT_SKEW);
    assert_eq!(world.submit(&said), Err(Refusal::StatementReplayed));
    world.passes(millis(1));
    let refusal = world.submit(&said).unwrap_err();
    assert_eq!(refusal.code(), "STATEMENT_STALE");
    world.does("mia", note(1)).unwrap();
    assert_eq!(world.state.nonces.len(), 1, "stale ones are forgotten");
}

#[test]
fn one_from_the_future_is_remembered_for_longer() {
    let mut world = World::burning();
    let mut signed = (*world.statement("mia")).clone();
    signed.at = world.now.plus(mins(5));
    let mut said = command("mia", note(1));
    said.signed = Some(Arc::new(signed));
    world.submit(&said).unwrap();
    world.passes(mins(10));
    world.does("leon", note(1)).unwrap();
    assert_eq!(world.submit(&said), Err(Refusal::StatementReplayed));
}

#[test]
fn a_laptop_whose_clock_is_wrong_is_told() {
    let mut world = World::burning();
    for (signed_at, fresh) in [
        (world.now.minus(STATEMENT_SKEW), true),
        (world.now.plus(STATEMENT_SKEW), true),
        (world.now.minus(millis(300_001)), false),
        (world.now.plus(millis(300_001)), false),
        (world.now.plus(hours(1)), false),
    ] {
        let mut signed = (*world.statement("mia")).clone();
        signed.at = signed_at;
        let mut said = command("mia", note(1));
        said.signed = Some(Arc::new(signed));
        let now = world.now;
        let refusal = Refusal::StatementStale { signed_at, now };
        let expected = if fresh { Ok(()) } else { Err(refusal) };
        assert_eq!(world.submit(&said).map(|_| ()), expected);
    }
}

#[test]
fn a_key_that_is_somebody_elses_signs_nothing() {
    let mut world = World::burning();
    let leons = world.statement("leon");
    let mut said = command("mia", note(1));
    said.signed = Some(leons);
    let refusal = Refusal::NotEnrolled(id("mia"));
    assert_eq!(world.submit(&said), Err(refusal));
}

#[test]
fn the_statement_stands_on_the_first_event() {
    let mut world = World::burning();
    let events = world.does("mia", note(1)).unwrap();
    assert!(events[0].signed.is_some());
    let events = world.broker_does(Act::RetireKey {
        purpose: breakglass_domain::event::KeyPurpose::Issuing,
        id: line("kid").to_string(),
    });
    assert!(events.unwrap()[0].signed.is_none());
}
