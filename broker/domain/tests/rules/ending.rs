//! Giving back, and being told to.

use breakglass_domain::{Act, Actor, Change, Ending, GrantId, Refusal, Time};

use crate::acts::{extend, issue, revoke, uses};
use crate::world::{DEPLOY, MIGRATE, World, id, mins};

#[test]
fn the_holder_gives_back_and_takes_back() {
    let mut world = World::burning();
    let active = world.asks("mia", DEPLOY, 10);
    let waiting = world.asks("mia", MIGRATE, 10);
    for grant in [active, waiting] {
        world.does("mia", Act::Drop { grant }).unwrap();
        assert_eq!(world.ending(grant), Ending::Dropped);
    }
}

#[test]
fn nobody_gives_back_what_is_somebody_elses() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let refusal = Refusal::NotYours {
        grant,
        holder: id("mia"),
    };
    assert_eq!(world.does("leon", Act::Drop { grant }), Err(refusal));
}

#[test]
fn who_has_the_duty_or_could_have_approved_revokes() {
    let mut world = World::burning();
    let fast = world.asks("mia", DEPLOY, 10);
    let refusal = Refusal::NotPermitted {
        person: id("leon"),
        duty: "revoke grants",
    };
    assert_eq!(world.does("leon", revoke(fast)), Err(refusal));
    world.does("founder", revoke(fast)).unwrap();
    assert_eq!(world.ending(fast), Ending::Revoked);

    let approved = world.approved(10);
    world.does("leon", revoke(approved)).unwrap();
    let waiting = world.asks("mia", MIGRATE, 10);
    world.does("leon", revoke(waiting)).unwrap();
    assert_eq!(world.ending(waiting), Ending::Revoked);
}

#[test]
fn what_is_over_stays_over() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    world.does("mia", Act::Drop { grant }).unwrap();
    for (person, act) in [
        ("mia", Act::Drop { grant }),
        ("mia", issue(grant)),
        ("mia", uses(grant)),
        ("mia", extend(grant, 5)),
    ] {
        let over = Refusal::GrantEnded { grant, ended: None };
        assert_eq!(world.does(person, act), Err(over));
    }
    assert_eq!(world.ending(grant), Ending::Dropped);
    let refusal = world.does("founder", revoke(grant)).unwrap_err();
    assert_eq!(refusal, Refusal::EndedAlready { grant, ended: None });
    assert_eq!(refusal.code(), "GRANT_ENDED");
    assert_eq!(refusal.next(), format!("glass grants show {grant}"));
}

#[test]
fn people_are_told_moments_in_whole_seconds() {
    let at = Time::from_millis(1_795_478_543_120);
    let grant = GrantId(3);
    let ended = Some((Ending::Revoked, at));
    let over = Refusal::GrantEnded { grant, ended };
    let told = "G-3 is over: revoked at 2026-11-24 00:02:23 UTC";
    assert_eq!(over.to_string(), told);
}

#[test]
fn a_held_grant_ends_when_its_holder_is_gone() {
    let mut world = World::burning();
    let active = world.asks("mia", DEPLOY, 10);
    let waiting = world.asks("mia", MIGRATE, 10);
    for grant in [active, waiting] {
        let events = world.broker_does(Act::Abandon { grant }).unwrap();
        assert_eq!(events[0].by, Actor::Broker);
        assert_eq!(world.ending(grant), Ending::Abandoned);
    }
}

#[test]
fn a_grant_that_is_not_held_is_left_alone() {
    let mut world = World::burning();
    let mut wanted = world.request("mia", DEPLOY, 10);
    if let Act::Request { held, .. } = &mut wanted {
        *held = false;
    }
    let events = world.does("mia", wanted).unwrap();
    let grant = events[0].change.grant().unwrap().grant;
    assert!(world.broker_does(Act::Abandon { grant }).is_err());
    assert!(world.is_live(grant));
}

#[test]
fn an_ended_grant_does_not_live_again_whatever_is_folded_in() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let started = world.ledger[world.ledger.len() - 2].clone();
    assert!(matches!(started.change, Change::GrantStarted { .. }));
    let mut kept = world.grant(grant).clone();
    world.does("mia", Act::Drop { grant }).unwrap();
    kept.apply(world.ledger.last().unwrap());
    let over = kept.clone();
    let mut again = world.ledger.last().unwrap().clone();
    again.at = again.at.plus(mins(1));
    for late in [&started, &again] {
        world.state.apply(late);
        kept.apply(late);
    }
    assert!(!world.is_live(grant));
    assert_eq!(kept, over);
    world.passes(mins(1));
}
