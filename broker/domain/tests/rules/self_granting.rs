//! Nobody is awake.

use breakglass_domain::policy::IfNobodyAnswers;
use breakglass_domain::{Act, Basis, Ending, Refusal};

use crate::acts::{extend, revoke};
use crate::world::{MIGRATE, SECRETS, World, id, line, millis, mins, policy};

#[test]
fn when_nobody_answers_the_requester_begins_alone_later_and_shorter() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    let begin = world.self_grant(grant);
    let from = world.now.plus(mins(10));
    world.passes(millis(599_999));
    let early = Refusal::SelfGrantTooEarly { grant, from };
    assert_eq!(world.does("mia", begin.clone()), Err(early));
    world.passes(millis(1));
    world.does("mia", begin).unwrap();
    let active = world.grant(grant).active().unwrap();
    assert_eq!(active.basis, Basis::SelfGranted);
    assert_eq!(active.by.to_string(), "mia");
    assert_eq!(active.ends_at, world.now.plus(mins(10)));
}

#[test]
fn who_asked_for_less_gets_less() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 3);
    world.passes(mins(10));
    let begin = world.self_grant(grant);
    world.does("mia", begin).unwrap();
    assert_eq!(world.ends_at(grant), world.now.plus(mins(3)));
}

#[test]
fn nobody_begins_somebody_elses_request_so() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    world.passes(mins(10));
    let begin = world.self_grant(grant);
    let refusal = Refusal::NotYours {
        grant,
        holder: id("mia"),
    };
    assert_eq!(world.does("leon", begin), Err(refusal));
}

#[test]
fn a_rule_that_says_deny_means_it() {
    let mut world = World::burning();
    let grant = world.asks("mia", SECRETS, 10);
    world.passes(mins(14));
    let begin = world.self_grant(grant);
    let refusal = Refusal::SelfGrantDenied(grant);
    assert_eq!(world.does("mia", begin), Err(refusal));
    world.passes(mins(1));
    assert_eq!(world.ending(grant), Ending::Lapsed);
}

#[test]
fn a_rule_that_became_stricter_counts() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    let mut stricter = policy();
    stricter.rules[1].if_nobody_answers = IfNobodyAnswers::Deny;
    world.loads(stricter).unwrap();
    world.passes(mins(10));
    let begin = world.self_grant(grant);
    let refusal = Refusal::SelfGrantDenied(grant);
    assert_eq!(world.does("mia", begin), Err(refusal));
}

#[test]
fn after_the_request_has_lapsed_it_is_too_late() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    let begin = world.self_grant(grant);
    world.passes(mins(15));
    let refusal = world.does("mia", begin).unwrap_err();
    assert_eq!(refusal.code(), "GRANT_ENDED");
}

#[test]
fn what_the_requester_signed_must_be_the_request() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    world.passes(mins(10));
    let mut begin = world.self_grant(grant);
    if let Act::SelfGrant { sentence, .. } = &mut begin {
        *sentence = line("look at the shop database");
    }
    let refusal = world.does("mia", begin).unwrap_err();
    assert_eq!(refusal.code(), "SENTENCE_CHANGED");
}

#[test]
fn it_is_never_stretched_past_its_shorter_time() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    world.passes(mins(10));
    let begin = world.self_grant(grant);
    world.does("mia", begin).unwrap();
    let refusal = world.does("mia", extend(grant, 5)).unwrap_err();
    assert_eq!(refusal.code(), "TOO_LONG_A_TIME");
}

#[test]
fn anybody_on_the_team_may_stop_it() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    let refusal = world.does("designer", revoke(grant)).unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
    world.passes(mins(10));
    let begin = world.self_grant(grant);
    world.does("mia", begin).unwrap();
    world.does("designer", revoke(grant)).unwrap();
    assert_eq!(world.ending(grant), Ending::Revoked);
}
