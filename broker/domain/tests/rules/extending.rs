//! More time.

use breakglass_domain::{GrantId, IncidentId, Lifetime, Refusal};

use crate::acts::extend;
use crate::handing_over::{busy, hands_over, new_grant};
use crate::world::{DEPLOY, MIGRATE, World, hours, id, mins, policy};

#[test]
fn on_the_fast_path_the_holder_extends_up_to_the_rights_longest_time() {
    let mut world = World::burning();
    let begins_at = world.now;
    let grant = world.asks("mia", DEPLOY, 10);
    world.passes(mins(5));
    world.does("mia", extend(grant, 10)).unwrap();
    assert_eq!(world.ends_at(grant), begins_at.plus(mins(20)));
    let refusal = Refusal::TooLong {
        asked: mins(600),
        longest: mins(10),
    };
    assert_eq!(world.does("mia", extend(grant, 600)), Err(refusal));
    world.does("mia", extend(grant, 10)).unwrap();
    assert_eq!(world.ends_at(grant), begins_at.plus(mins(30)));
    let refusal = Refusal::TooLong {
        asked: mins(1),
        longest: Lifetime::ZERO,
    };
    let refused = world.does("mia", extend(grant, 1)).unwrap_err();
    assert_eq!(refused, refusal);
    assert!(refused.next().contains("glass request"));
    assert_eq!(
        refused.to_string(),
        "asked for 1m, and it already has the longest time that is allowed"
    );
}

#[test]
fn what_somebody_approved_the_holder_does_not_stretch_alone() {
    let mut world = World::burning();
    let grant = world.approved(10);
    let refusal = world.does("mia", extend(grant, 10)).unwrap_err();
    let approvers = "founder, leon".into();
    assert_eq!(
        refusal,
        Refusal::NeedsApprover {
            grant,
            approvers,
            more: mins(10)
        }
    );
    assert!(refusal.next().contains("--for 10m"));
    assert_eq!(refusal.code(), "NOT_APPROVER");

    let before = world.ends_at(grant);
    world.does("founder", extend(grant, 10)).unwrap();
    assert_eq!(world.ends_at(grant), before.plus(mins(10)));
}

#[test]
fn nobody_else_extends() {
    let mut world = World::burning();
    let fast = world.asks("mia", DEPLOY, 10);
    let refusal = world.does("leon", extend(fast, 5)).unwrap_err();
    assert_eq!(refusal.code(), "NOT_YOURS");
    let next = format!("ask mia to run: glass extend {fast} --for 5m -m \"why\"");
    assert_eq!(refusal.next(), next);
    let approved = world.approved(10);
    let refusal = world.does("support", extend(approved, 5)).unwrap_err();
    assert_eq!(refusal.code(), "NOT_APPROVER");
}

#[test]
fn never_past_the_incident() {
    let mut world = World::burning();
    world.passes(hours(7));
    world.passes(mins(45));
    let grant = world.asks("mia", DEPLOY, 10);
    world.does("mia", extend(grant, 20)).unwrap();
    let closes_at = world.state.incidents[&IncidentId(1)].closes_at;
    assert_eq!(world.ends_at(grant), closes_at);
}

#[test]
fn the_rights_longest_time_is_the_one_of_now() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let mut shorter = policy();
    let right = shorter.rights.get_mut(&DEPLOY.parse().unwrap()).unwrap();
    right.longest = mins(12);
    world.loads(shorter).unwrap();
    let begins_at = world.now;
    let refusal = world.does("mia", extend(grant, 10)).unwrap_err();
    assert_eq!(refusal.next(), "ask for less: --for 2m");
    world.does("mia", extend(grant, 2)).unwrap();
    assert_eq!(world.ends_at(grant), begins_at.plus(mins(12)));
}

#[test]
fn nothing_to_extend_where_nothing_runs() {
    let mut world = World::burning();
    let waiting = world.asks("mia", MIGRATE, 10);
    let refusal = Refusal::GrantWaiting(waiting);
    assert_eq!(world.does("mia", extend(waiting, 5)), Err(refusal));

    let grant = world.asks("mia", DEPLOY, 10);
    world.passes(mins(10));
    let refusal = world.does("mia", extend(grant, 5)).unwrap_err();
    assert_eq!(refusal.code(), "GRANT_ENDED");
    let grant = GrantId(99);
    let refusal = Refusal::UnknownGrant(grant);
    assert_eq!(world.does("mia", extend(grant, 5)), Err(refusal));
}

#[test]
fn by_nothing_is_not_an_extension() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let refusal = world.does("mia", extend(grant, 0)).unwrap_err();
    assert_eq!(refusal.code(), "INVALID_ARGUMENT");
}

#[test]
fn an_extended_grant_ends_when_it_now_says() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    world.does("mia", extend(grant, 10)).unwrap();
    world.passes(mins(10));
    assert!(world.is_live(grant));
    assert_eq!(world.grant(grant).of.person, id("mia"));
    world.passes(mins(10));
    assert!(!world.is_live(grant));
}

#[test]
fn nobody_stretches_alone_what_the_policy_now_wants_a_yes_for() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let mut stricter = policy();
    let approvers = stricter.rules[1].approvers.clone();
    stricter.rules[0].approvers = approvers;
    world.loads(stricter).unwrap();
    assert!(world.is_live(grant), "what was given stays until its end");
    let refusal = world.does("mia", extend(grant, 5)).unwrap_err();
    assert_eq!(refusal.code(), "SENTENCE_CHANGED");
}

/// Two who ship alone could otherwise hand one grant to and fro, and never be done.
#[test]
fn more_time_counts_from_where_the_first_began() {
    let (mut world, old, ends_at) = busy(DEPLOY);
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    world.does("leon", extend(new, 10)).unwrap();
    assert_eq!(world.ends_at(new), ends_at.plus(mins(10)), "30 m in all");
    let refusal = world.does("leon", extend(new, 1)).unwrap_err();
    assert_eq!(refusal.code(), "TOO_LONG_A_TIME");
    let told = refusal.to_string();
    assert!(
        told.contains("was handed over, and its longest time counts from"),
        "{told}"
    );
}
