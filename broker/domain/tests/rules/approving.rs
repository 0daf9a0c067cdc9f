//! Saying yes, and saying no.

use breakglass_domain::{Act, Basis, Ending, GrantId, IncidentId, Lifetime, Refusal};

use crate::acts::{close, deny, freeze, remove};
use crate::world::{DEPLOY, MIGRATE, SECRETS, World, id, line, mins, policy};

#[test]
fn one_yes_is_enough_and_the_time_counts_from_it() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    world.passes(mins(7));
    let yes = world.approval(grant);
    let events = world.does("leon", yes).unwrap();
    assert_eq!(events.len(), 1);
    let active = world.grant(grant).active().unwrap();
    assert_eq!(active.basis, Basis::Approved);
    assert_eq!(active.by.to_string(), "leon");
    assert_eq!(active.ends_at, world.now.plus(mins(30)));
}

#[test]
fn nobody_approves_their_own() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let yes = world.approval(grant);
    assert_eq!(world.does("mia", yes), Err(Refusal::SelfApproval(grant)));
}

#[test]
fn only_those_pinned_in_the_request_approve() {
    let mut world = World::burning();
    let grant = world.asks("mia", SECRETS, 10);
    for person in ["designer", "support"] {
        let yes = world.approval(grant);
        let refusal = Refusal::NotApprover {
            person: id(person),
            grant,
            approvers: "founder, leon".into(),
        };
        assert_eq!(world.does(person, yes), Err(refusal));
    }
}

#[test]
fn who_became_an_approver_after_the_request_is_none_of_it() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    let mut wider = policy();
    wider.people.get_mut(&id("support")).unwrap().job = line("engineer");
    world.loads(wider).unwrap();
    let yes = world.approval(grant);
    let refusal = world.does("support", yes).unwrap_err();
    assert_eq!(refusal.code(), "NOT_APPROVER");
}

#[test]
fn who_is_no_approver_any_more_does_not_approve() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    let mut narrower = policy();
    narrower.people.get_mut(&id("leon")).unwrap().job = line("designer");
    world.loads(narrower).unwrap();
    let yes = world.approval(grant);
    let refusal = Refusal::NotApprover {
        person: id("leon"),
        grant,
        approvers: "founder".into(),
    };
    assert_eq!(world.does("leon", yes.clone()), Err(refusal));
    world.does("founder", yes).unwrap();
}

#[test]
fn no_yes_under_another_rule_than_the_pinned_one() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    let mut renamed = policy();
    renamed.rules[1].name = "database-2".parse().unwrap();
    world.loads(renamed).unwrap();
    let yes = world.approval(grant);
    let refusal = world.does("leon", yes).unwrap_err();
    assert_eq!(refusal.code(), "SENTENCE_CHANGED");
    assert!(refusal.to_string().contains("the rule database-2 applies"));
}

#[test]
fn no_yes_to_words_the_policy_no_longer_has() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    let mut reworded = policy();
    let right = reworded.rights.get_mut(&MIGRATE.parse().unwrap()).unwrap();
    right.sentence = line("change every database");
    world.loads(reworded).unwrap();
    let yes = world.approval(grant);
    let refusal = world.does("leon", yes).unwrap_err();
    assert_eq!(refusal.code(), "SENTENCE_CHANGED");
}

#[test]
fn what_the_approver_saw_must_still_be_so() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    let lies: [fn(&mut Act); 4] = [
        |act| {
            if let Act::Approve { incident, .. } = act {
                *incident = IncidentId(2);
            }
        },
        |act| {
            if let Act::Approve { requester, .. } = act {
                *requester = id("leon");
            }
        },
        |act| {
            if let Act::Approve { right, .. } = act {
                *right = SECRETS.parse().unwrap();
            }
        },
        |act| {
            if let Act::Approve { sentence, .. } = act {
                *sentence = line("look at the shop database");
            }
        },
    ];
    for lie in lies {
        let mut yes = world.approval(grant);
        lie(&mut yes);
        let refusal = world.does("leon", yes).unwrap_err();
        assert_eq!(refusal.code(), "SENTENCE_CHANGED");
    }
}

#[test]
fn a_yes_is_never_longer_than_the_approver_agreed_to() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    let mut yes = world.approval(grant);
    let agreed = world.now.plus(mins(5));
    if let Act::Approve { until, .. } = &mut yes {
        *until = agreed;
    }
    world.does("leon", yes).unwrap();
    assert_eq!(world.ends_at(grant), agreed);
}

#[test]
fn a_yes_to_an_end_that_has_passed_begins_nothing() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    let mut yes = world.approval(grant);
    if let Act::Approve { until, .. } = &mut yes {
        *until = world.now;
    }
    let refusal = world.does("leon", yes).unwrap_err();
    assert_eq!(refusal.code(), "SENTENCE_CHANGED");
    assert!(world.grant(grant).is_waiting());
}

#[test]
fn a_right_that_became_shorter_cuts_the_yes() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 60);
    let mut shorter = policy();
    let right = shorter.rights.get_mut(&MIGRATE.parse().unwrap()).unwrap();
    right.longest = mins(20);
    world.loads(shorter).unwrap();
    let yes = world.approval(grant);
    world.does("leon", yes).unwrap();
    assert_eq!(world.ends_at(grant), world.now.plus(mins(20)));
}

#[test]
fn a_yes_that_comes_too_late_comes_to_nothing() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let yes = world.approval(grant);
    world.passes(mins(15));
    let refusal = world.does("leon", yes).unwrap_err();
    assert_eq!(refusal.code(), "GRANT_ENDED");
    assert_eq!(world.ending(grant), Ending::Lapsed);
}

#[test]
fn a_second_yes_is_told_that_it_has_begun() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let yes = world.approval(grant);
    world.does("leon", yes.clone()).unwrap();
    assert_eq!(world.does("founder", yes), Err(Refusal::GrantActive(grant)));
}

#[test]
fn a_yes_to_what_never_was_or_is_over_says_which() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let yes = world.approval(grant);
    world.does("leon", deny(grant)).unwrap();
    let over = Refusal::EndedAlready { grant, ended: None };
    assert_eq!(world.does("leon", yes), Err(over));
    for number in [0, 99] {
        let grant = GrantId(number);
        let refusal = Refusal::UnknownGrant(grant);
        assert_eq!(world.does("leon", deny(grant)), Err(refusal));
    }
}

#[test]
fn a_frozen_or_removed_approver_approves_nothing() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let yes = world.approval(grant);
    world.does("founder", freeze("leon")).unwrap();
    let refusal = Refusal::PersonFrozen(id("leon"));
    assert_eq!(world.does("leon", yes.clone()), Err(refusal));

    world.does("founder", remove("leon")).unwrap();
    let refusal = Refusal::PersonFrozen(id("leon"));
    assert_eq!(world.does("leon", yes), Err(refusal));
}

#[test]
fn a_request_ends_with_its_incident_before_anybody_says_yes() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let yes = world.approval(grant);
    world.does("founder", close(1)).unwrap();
    assert_eq!(world.ending(grant), Ending::IncidentClosed);
    let refusal = world.does("leon", yes).unwrap_err();
    assert_eq!(refusal.code(), "GRANT_ENDED");
}

#[test]
fn a_no_ends_the_request_with_its_reason() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    world.does("leon", deny(grant)).unwrap();
    assert_eq!(world.ending(grant), Ending::Denied);
}

#[test]
fn only_an_approver_says_no_and_only_to_what_waits() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    for person in ["mia", "support"] {
        let refusal = world.does(person, deny(grant)).unwrap_err();
        assert_eq!(refusal.code(), "NOT_APPROVER");
    }
    let begun = world.asks("mia", DEPLOY, 30);
    let refusal = Refusal::GrantActive(begun);
    assert_eq!(world.does("leon", deny(begun)), Err(refusal));
}

#[test]
fn the_last_moment_before_lapsing_is_still_in_time() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    world.passes(Lifetime::from_millis(15 * 60_000 - 1));
    let yes = world.approval(grant);
    world.does("leon", yes).unwrap();
}

/// Losing the key ends the request as well; this holds even where it has not.
#[test]
fn no_yes_to_somebody_who_could_not_use_it() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let yes = world.approval(grant);
    let key = world.keys[&id("mia")].clone();
    world.state.keys.remove(&key);
    let refusal = Refusal::NotEnrolled(id("mia"));
    assert_eq!(world.does("leon", yes), Err(refusal));
}
