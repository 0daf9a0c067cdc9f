//! Credentials under a grant, and what they were used for.

use breakglass_domain::{Change, Refusal, Time};

use crate::acts::{issue, uses};
use crate::world::{DEPLOY, MIGRATE, World, id, millis, mins};

fn issued(events: &[breakglass_domain::Event]) -> (u32, Time) {
    match &events[0].change {
        Change::CredentialIssued {
            credential,
            expires_at,
            ..
        } => (credential.number, *expires_at),
        other => panic!("not a credential: {other:?}"),
    }
}

#[test]
fn they_are_counted_short_lived_and_never_outlast_the_grant() {
    let mut world = World::burning();
    let begins_at = world.now;
    let grant = world.asks("mia", DEPLOY, 30);
    world.passes(mins(10));
    let second = world.calls("mia", issue(grant)).unwrap();
    assert_eq!(issued(&second), (2, begins_at.plus(mins(25))));
    world.passes(mins(10));
    let third = world.calls("mia", issue(grant)).unwrap();
    assert_eq!(issued(&third), (3, begins_at.plus(mins(30))));
}

#[test]
fn at_the_very_end_there_is_none() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    world.passes(millis(10 * 60_000 - 1));
    world.calls("mia", issue(grant)).unwrap();
    world.passes(millis(1));
    let refusal = world.calls("mia", issue(grant)).unwrap_err();
    assert_eq!(refusal.code(), "GRANT_ENDED");
}

#[test]
fn only_the_holder_has_them() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let refusal = Refusal::NotYours {
        grant,
        holder: id("mia"),
    };
    assert_eq!(world.calls("leon", issue(grant)), Err(refusal.clone()));
    assert_eq!(world.calls("leon", uses(grant)), Err(refusal));
}

#[test]
fn a_request_that_waits_gives_none() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    let refusal = Refusal::GrantWaiting(grant);
    assert_eq!(world.calls("mia", issue(grant)), Err(refusal.clone()));
    assert_eq!(world.calls("mia", uses(grant)), Err(refusal));
}

#[test]
fn a_use_is_put_on_record() {
    let mut world = World::burning();
    let grant = world.approved(10);
    let events = world.calls("mia", uses(grant)).unwrap();
    assert!(matches!(&events[0].change,
        Change::GrantUsed { program, .. } if program.as_str() == "psql"));
}
