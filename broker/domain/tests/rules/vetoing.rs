//! Anybody on the team can stop somebody from having a right alone.

use breakglass_domain::{Act, Actor, Basis, Change, Ending, Event, GrantId, Refusal};

use crate::acts::{close, freeze, open, veto};
use crate::world::{MIGRATE, SECRETS, World, id, mins};

/// Mia began alone.
fn alone() -> (World, GrantId) {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    world.passes(mins(10));
    let begin = world.self_grant(grant);
    world.does("mia", begin).unwrap();
    (world, grant)
}

#[test]
fn anybody_ends_what_was_begun_alone() {
    for who in ["designer", "support", "leon", "founder"] {
        let (mut world, grant) = alone();
        world.does(who, veto(grant)).unwrap();
        assert_eq!(world.ending(grant), Ending::Vetoed);
    }
}

#[test]
fn its_holder_and_whoever_is_frozen_do_not() {
    let (mut world, grant) = alone();
    assert_eq!(world.does("mia", veto(grant)), Err(Refusal::OwnVeto(grant)));
    world.does("leon", freeze("designer")).unwrap();
    let refusal = Refusal::PersonFrozen(id("designer"));
    assert_eq!(world.does("designer", veto(grant)), Err(refusal));
    assert!(world.is_live(grant));
}

#[test]
fn for_the_rest_of_the_incident_the_holder_needs_an_approver() {
    let (mut world, grant) = alone();
    world.does("designer", veto(grant)).unwrap();
    let again = world.asks("mia", MIGRATE, 10);
    assert_eq!(world.grant(again).self_grant, None);
    world.passes(mins(14));
    let begin = world.self_grant(again);
    let refusal = world.does("mia", begin).unwrap_err();
    assert_eq!(refusal.code(), "SELF_GRANT_DENIED");
    let yes = world.approval(again);
    world.does("leon", yes).unwrap();

    let others = world.asks("leon", MIGRATE, 10);
    assert!(world.grant(others).self_grant.is_some(), "only the holder");

    world.does("mia", close(1)).unwrap();
    world.does("mia", open()).unwrap();
    let mut wanted = world.request("mia", MIGRATE, 10);
    if let breakglass_domain::Act::Request { incident, .. } = &mut wanted {
        *incident = breakglass_domain::IncidentId(2);
    }
    let events = world.does("mia", wanted).unwrap();
    let grant = events[0].change.grant().unwrap().grant;
    assert!(world.grant(grant).self_grant.is_some(), "another incident");
}

#[test]
fn a_second_request_that_waited_meanwhile_is_not_begun_alone_either() {
    let mut world = World::burning();
    let first = world.asks("mia", MIGRATE, 10);
    let second = world.asks("mia", MIGRATE, 10);
    world.passes(mins(10));
    world.does("support", veto(first)).unwrap();
    assert_eq!(world.ending(first), Ending::Vetoed, "before it began");
    let stands = world.state.as_it_stands(world.grant(second));
    assert_eq!(stands.self_grant, None, "so nobody is told that it may be");
    let begin = world.self_grant(second);
    assert_eq!(world.does("mia", begin), Err(Refusal::Vetoed(second)));
    let yes = world.approval(second);
    world.does("leon", yes).unwrap();
    assert!(world.is_live(second));
}

#[test]
fn what_nobody_has_alone_cannot_be_vetoed() {
    let mut world = World::burning();
    let denied = world.asks("mia", SECRETS, 10);
    let approved = world.approved(10);
    for grant in [denied, approved] {
        let refusal = world.does("designer", veto(grant)).unwrap_err();
        assert_eq!(refusal.code(), "NOTHING_TO_VETO");
        let next = refusal.next();
        assert!(next.contains("ask founder"), "she may not revoke: {next}");
        let refusal = world.does("founder", veto(grant)).unwrap_err();
        assert!(
            refusal
                .next()
                .starts_with("to end it all the same: glass revoke")
        );
    }
}

#[test]
fn it_is_vetoed_once() {
    let (mut world, grant) = alone();
    world.does("designer", veto(grant)).unwrap();
    let refusal = world.does("support", veto(grant)).unwrap_err();
    assert_eq!(refusal.code(), "GRANT_ENDED");
}

fn begins_alone_all_the_same(world: &mut World, grant: GrantId) {
    let of = world.grant(grant).of.clone();
    let ends_at = world.now.plus(mins(10));
    let begun = Event {
        at: world.now,
        by: Actor::Person(of.person.clone()),
        drill: false,
        change: Change::GrantStarted {
            of,
            basis: Basis::SelfGranted,
            ends_at,
            alone_before: 0,
        },
        signed: None,
    };
    world.state.apply(&begun);
}

#[test]
fn one_self_grant_of_a_right_runs_at_a_time() {
    let mut world = World::burning();
    let first = world.asks("mia", MIGRATE, 10);
    let second = world.asks("mia", MIGRATE, 10);
    let others = world.asks("leon", MIGRATE, 10);
    world.passes(mins(10));
    let begin = world.self_grant(first);
    world.does("mia", begin).unwrap();
    let begin = world.self_grant(second);
    let refusal = Refusal::AloneAlready {
        grant: second,
        runs: first,
    };
    assert_eq!(world.does("mia", begin.clone()), Err(refusal));
    let theirs = world.self_grant(others);
    world.does("leon", theirs).unwrap();
    world.does("mia", Act::Drop { grant: first }).unwrap();
    let refusal = world.does("mia", begin).unwrap_err();
    assert_eq!(refusal.code(), "SELF_GRANT_TOO_EARLY", "the other is over");
}

#[test]
fn a_veto_ends_whatever_its_holder_has_of_that_right_alone() {
    let mut world = World::burning();
    let first = world.asks("mia", MIGRATE, 10);
    let second = world.asks("mia", MIGRATE, 10);
    let waits = world.asks("mia", MIGRATE, 10);
    let others = world.asks("leon", MIGRATE, 10);
    world.passes(mins(10));
    for (who, grant) in [("mia", first), ("leon", others)] {
        let begin = world.self_grant(grant);
        world.does(who, begin).unwrap();
    }
    // As a broker wrote it that let more than one run.
    begins_alone_all_the_same(&mut world, second);
    let events = world.does("support", veto(waits)).unwrap();
    let ended: Vec<_> = events
        .iter()
        .map(|event| event.change.grant().unwrap().grant)
        .collect();
    assert_eq!(ended, [waits, first, second]);
    assert!(events.iter().skip(1).all(|event| event.signed.is_none()));
    for grant in [waits, first, second] {
        assert_eq!(world.ending(grant), Ending::Vetoed);
    }
    assert!(world.is_live(others), "what somebody else has goes on");
}
