//! Invitations, laptops, removals, freezes.

use breakglass_domain::limits::{DEVICES_PER_PERSON, TOKENS};
use breakglass_domain::{Act, Actor, Change, Command, Ending, Policy, Refusal, TokenHash};

use crate::acts::{freeze, note, remove, unfreeze};
use crate::world::{DEPLOY, MIGRATE, POLICY, World, endings, hours, id, key_of, line};

fn invite(world: &mut World, person: &str) -> Act {
    Act::Invite {
        person: id(person),
        token: world.token(),
    }
}

#[test]
fn an_invitation_is_traded_for_a_certificate_once() {
    let mut world = World::empty();
    let token = world.token();
    let invite = Act::Invite {
        person: id("mia"),
        token: token.clone(),
    };
    world.broker_does(invite).unwrap();
    let events = world.redeems("mia", token.clone()).unwrap();
    assert_eq!(events[0].by, Actor::Person(id("mia")));
    assert!(events[0].signed.is_some());
    assert!(world.state.knows(&id("mia"), &world.keys[&id("mia")]));

    let again = world.redeems("mia", token);
    assert_eq!(again, Err(Refusal::TokenUnknown));
}

#[test]
fn who_has_the_duty_invites_whom_the_policy_knows() {
    let mut world = World::team();
    let act = invite(&mut world, "leon");
    world.does("founder", act.clone()).unwrap();
    let refusal = world.does("mia", act).unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
    let act = invite(&mut world, "stranger");
    let refusal = Refusal::UnknownPerson(id("stranger"));
    assert_eq!(world.does("founder", act), Err(refusal));
}

#[test]
fn an_invitation_that_came_too_late_says_so_for_a_day() {
    let mut world = World::empty();
    let token = world.token();
    let expires_at = world.now.plus(hours(24));
    let invite_mia = Act::Invite {
        person: id("mia"),
        token: token.clone(),
    };
    world.broker_does(invite_mia).unwrap();
    world.passes(hours(24));
    let late = world.redeems("mia", token.clone());
    assert_eq!(late, Err(Refusal::TokenExpired(expires_at)));

    world.passes(hours(25));
    let act = invite(&mut world, "leon");
    world.broker_does(act).unwrap();
    let late = world.redeems("mia", token);
    assert_eq!(late, Err(Refusal::TokenUnknown));
}

#[test]
fn invitations_that_wait_are_limited_and_expired_ones_do_not_count() {
    let mut world = World::empty();
    for _ in 0..TOKENS {
        let act = invite(&mut world, "mia");
        world.broker_does(act).unwrap();
    }
    let act = invite(&mut world, "mia");
    let refusal = world.broker_does(act.clone()).unwrap_err();
    assert_eq!(refusal.code(), "TOO_MANY");
    world.passes(hours(24));
    world.broker_does(act).unwrap();
}

#[test]
fn nobody_enrols_who_left_or_is_frozen() {
    let mut world = World::team();
    let token = world.token();
    let invite_leon = Act::Invite {
        person: id("leon"),
        token: token.clone(),
    };
    world.broker_does(invite_leon).unwrap();
    world.does("founder", freeze("leon")).unwrap();
    let refusal = Refusal::PersonFrozen(id("leon"));
    assert_eq!(world.redeems("leon", token.clone()), Err(refusal));

    let mut smaller = (*world.state.policy).clone();
    smaller.people.remove(&id("leon"));
    world.loads(smaller).unwrap();
    let refusal = world.redeems("leon", token).unwrap_err();
    assert_eq!(refusal.code(), "TOKEN_WITHDRAWN");
}

/// An invitation by the founder for somebody, and for the guard of a target.
fn invited_by_founder(world: &mut World, person: &str) -> (TokenHash, TokenHash) {
    let target = "[targets.web-1]\nkind = \"ssh\"\naddress = \"web-1.shop.example\"\n";
    let text = format!("{POLICY}\n{target}");
    world
        .loads(Policy::parse("policy.toml", &text).unwrap())
        .unwrap();
    let (token, guard) = (world.token(), world.token());
    let act = Act::Invite {
        person: id(person),
        token: token.clone(),
    };
    world.does("founder", act).unwrap();
    let act = Act::InviteTarget {
        target: "web-1".parse().unwrap(),
        token: guard.clone(),
    };
    world.does("founder", act).unwrap();
    (token, guard)
}

fn why_not(world: &mut World, token: TokenHash) -> String {
    let refusal = world.redeems("mia", token).unwrap_err();
    assert_eq!(refusal.code(), "TOKEN_WITHDRAWN");
    refusal.to_string()
}

#[test]
fn nobody_comes_back_by_what_they_made_before_they_were_removed() {
    let mut world = World::team();
    let (token, guard) = invited_by_founder(&mut world, "mia");
    let made = world.state.invitations_by(&id("founder"), world.now);
    assert_eq!(made, ["mia", "target:web-1"]);
    world.does("founder", remove("founder")).unwrap();
    assert!(why_not(&mut world, token.clone()).contains("founder, who made it, was removed since"));
    assert!(why_not(&mut world, guard).contains("founder, who made it, was removed since"));
    assert!(
        world
            .state
            .invitations_by(&id("founder"), world.now)
            .is_empty()
    );
    // Also when they have come back otherwise.
    world.enrolls("founder").unwrap();
    assert!(why_not(&mut world, token).contains("was removed since"));
}

#[test]
fn a_lifted_freeze_gives_no_invitation_back() {
    let mut world = World::team();
    let (token, guard) = invited_by_founder(&mut world, "mia");
    world.does("founder", freeze("founder")).unwrap();
    let (person, reason) = (id("founder"), line("laptop is back"));
    world.broker_does(Act::Unfreeze { person, reason }).unwrap();
    assert!(why_not(&mut world, token).contains("founder, who made it, was frozen since"));
    assert!(why_not(&mut world, guard).contains("founder, who made it, was frozen since"));
}

#[test]
fn who_may_no_longer_invite_brings_nobody_in() {
    let mut world = World::team();
    let (token, guard) = invited_by_founder(&mut world, "mia");
    let policy = (*world.state.policy).clone();
    let mut without = policy.clone();
    without.duties.invite.clear();
    world.loads(without).unwrap();
    assert!(
        why_not(&mut world, token.clone()).contains("founder, who made it, may no longer invite")
    );
    assert!(why_not(&mut world, guard).contains("founder, who made it, may no longer invite"));
    // What the operator makes on the broker's host needs no duty.
    world.enrolls("mia").unwrap();
    world.loads(policy).unwrap();
    world.redeems("mia", token).unwrap();
}

#[test]
fn a_withdrawn_invitation_is_no_reason_to_remove_anybody_again() {
    let mut world = World::team();
    invited_by_founder(&mut world, "mia");
    world.does("founder", remove("mia")).unwrap();
    let mut smaller = (*world.state.policy).clone();
    smaller.people.remove(&id("mia"));
    let events = world.loads(smaller).unwrap();
    let removals = events
        .iter()
        .filter(|event| matches!(event.change, Change::PersonRemoved { .. }));
    assert_eq!(removals.count(), 0);
}

#[test]
fn a_key_is_enrolled_once_and_a_person_has_only_so_many() {
    let mut world = World::team();
    for _ in 1..DEVICES_PER_PERSON {
        world.enrolls("mia").unwrap();
    }
    let refusal = world.enrolls("mia").unwrap_err();
    assert_eq!(refusal.code(), "TOO_MANY");

    let token = world.token();
    let invite_leon = Act::Invite {
        person: id("leon"),
        token: token.clone(),
    };
    world.broker_does(invite_leon).unwrap();
    let taken = world.keys[&id("mia")].clone();
    let command = Command {
        by: Actor::Broker,
        signed: Some(world.statement_by(taken.clone())),
        act: world.enrolment(token, taken),
    };
    assert_eq!(world.submit(&command), Err(Refusal::KeyEnrolled));
}

#[test]
fn an_enrolment_is_signed_by_the_new_key() {
    let mut world = World::empty();
    let token = world.token();
    let invite_mia = Act::Invite {
        person: id("mia"),
        token: token.clone(),
    };
    world.broker_does(invite_mia).unwrap();
    let act = world.enrolment(token, key_of("mia", 1));
    let unsigned = world.broker_does(act.clone());
    assert_eq!(unsigned, Err(Refusal::StatementMissing));
    let command = Command {
        by: Actor::Broker,
        signed: Some(world.statement_by(key_of("eve", 1))),
        act,
    };
    let refusal = Refusal::NotEnrolled(id("mia"));
    assert_eq!(world.submit(&command), Err(refusal));
}

#[test]
fn a_certificate_is_renewed_for_an_enrolled_key_only() {
    let mut world = World::team();
    let renew = |key| Act::Renew {
        key,
        serial: "0b".into(),
        certificate_expires_at: "2026-11-25T00:00:00Z".parse().unwrap(),
    };
    let key = world.keys[&id("mia")].clone();
    world.calls("mia", renew(key.clone())).unwrap();
    let device = &world.state.members[&id("mia")].devices[&key];
    let until = device.certificate_expires_at;
    assert_eq!(until.to_string(), "2026-11-25T00:00:00.000Z");
    let refusal = Refusal::NotEnrolled(id("leon"));
    assert_eq!(world.calls("leon", renew(key)), Err(refusal));
}

#[test]
fn removing_somebody_ends_their_grants_keys_and_tokens() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let act = invite(&mut world, "mia");
    world.broker_does(act).unwrap();
    let refusal = world.does("leon", remove("mia")).unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
    assert!(refusal.to_string().contains("let leon remove people"));

    let events = world.does("founder", remove("mia")).unwrap();
    assert_eq!(endings(&events), [(grant, Ending::PersonLeft)]);
    let last = &events.last().unwrap().change;
    assert!(matches!(last, Change::PersonRemoved { .. }));
    assert_eq!(world.state.invited().count(), 0);
    let refusal = Refusal::NotEnrolled(id("mia"));
    assert_eq!(world.does("mia", note(1)), Err(refusal));
    world.enrolls("mia").unwrap();
    world.does("mia", note(1)).unwrap();
}

#[test]
fn a_stranger_cannot_be_removed_or_frozen() {
    let mut world = World::team();
    let refusal = Refusal::UnknownPerson(id("stranger"));
    for act in [remove("stranger"), freeze("stranger"), unfreeze("stranger")] {
        assert_eq!(world.does("founder", act), Err(refusal.clone()));
    }
}

#[test]
fn a_freeze_ends_everything_and_stops_everything() {
    let mut world = World::burning();
    let active = world.asks("mia", DEPLOY, 10);
    let waiting = world.asks("mia", MIGRATE, 10);
    let events = world.does("leon", freeze("mia")).unwrap();
    let frozen = Ending::PersonFrozen;
    assert_eq!(endings(&events), [(active, frozen), (waiting, frozen)]);

    let refusal = Refusal::PersonFrozen(id("mia"));
    assert_eq!(world.does("mia", note(1)), Err(refusal));
    let already = Refusal::FrozenAlready(id("mia"));
    assert_eq!(already.to_string(), "mia is frozen already");
    assert_eq!(world.does("leon", freeze("mia")), Err(already));
    assert_eq!(world.does("mia", unfreeze("mia")), Err(Refusal::OwnFreeze));

    world.does("leon", unfreeze("mia")).unwrap();
    world.does("mia", note(1)).unwrap();
    let refusal = Refusal::NotFrozen(id("mia"));
    assert_eq!(world.does("leon", unfreeze("mia")), Err(refusal));
}

#[test]
fn anybody_freezes_themselves_but_not_others() {
    let mut world = World::team();
    let refusal = world.does("support", freeze("mia")).unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
    world.does("support", freeze("support")).unwrap();
    assert!(world.state.is_frozen(&id("support")));
}

#[test]
fn a_removal_and_a_new_invitation_do_not_lift_a_freeze() {
    let mut world = World::team();
    world.does("leon", freeze("mia")).unwrap();
    world.does("founder", remove("mia")).unwrap();
    let refusal = Refusal::PersonFrozen(id("mia"));
    assert_eq!(world.enrolls("mia"), Err(refusal));
}

#[test]
fn who_froze_everybody_else_is_undone_on_the_brokers_host() {
    let mut world = World::team();
    for person in ["leon", "founder"] {
        world.does("mia", freeze(person)).unwrap();
    }
    world.broker_does(unfreeze("founder")).unwrap();
    world.does("founder", freeze("mia")).unwrap();
}

#[test]
fn a_copy_of_the_ledger_takes_the_duty_and_leaves_an_entry() {
    let mut world = World::team();
    let export = Act::Export { from: 0, to: 12 };
    let refusal = world.calls("mia", export.clone()).unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
    let events = world.calls("founder", export).unwrap();
    let taken = Change::LedgerExported { from: 0, to: 12 };
    assert_eq!(events[0].change, taken);
}
