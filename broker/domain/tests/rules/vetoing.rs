//! Anybody on the team can stop somebody from having a right alone.

use breakglass_domain::{Ending, GrantId, Refusal};

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
