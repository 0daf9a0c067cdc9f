//! The founder's path: a call with an engineer, a note, and then it begins.

use breakglass_domain::limits::CALL_WITHIN;
use breakglass_domain::policy::IfNobodyAnswers;
use breakglass_domain::{Act, Actor, Basis, Change, Ending, Event, GrantId, Policy, Refusal};

use crate::acts::{deny, extend, freeze, note, revoke, unfreeze};
use crate::world::{ROTATE, World, id, line, mins, policy};

/// Fay asks; her rule names no approvers.
fn asked() -> (World, GrantId) {
    let mut world = World::burning();
    let grant = world.asks("founder", ROTATE, 10);
    (world, grant)
}

/// Leon asks; his rule wants Fay's yes as well.
fn asked_by_leon() -> (World, GrantId) {
    let mut world = World::burning();
    let grant = world.asks("leon", ROTATE, 10);
    (world, grant)
}

fn begins(events: &[Event]) -> bool {
    matches!(
        &events.last().unwrap().change,
        Change::GrantStarted {
            basis: Basis::Called,
            ..
        }
    )
}

#[test]
fn it_begins_with_the_note_after_the_call() {
    let (mut world, grant) = asked();
    assert!(world.grant(grant).is_waiting(), "a call is needed");
    let call = world.call(grant, 1);
    let events = world.does("mia", call).unwrap();
    assert!(matches!(
        events[..],
        [Event {
            change: Change::CallRecorded { .. },
            ..
        }]
    ));
    let events = world.does("mia", note(1)).unwrap();
    assert_eq!(events.len(), 2, "the note, and what it unlocks");
    assert!(begins(&events) && events[1].by == Actor::Broker && events[1].signed.is_none());
    assert_eq!(world.ends_at(grant), world.now.plus(mins(10)));
}

#[test]
fn it_begins_with_the_call_after_the_note() {
    let (mut world, grant) = asked();
    world.does("founder", note(1)).unwrap();
    let call = world.call(grant, 1);
    assert!(begins(&world.does("mia", call).unwrap()));
    assert!(world.grant(grant).active().is_some());
}

#[test]
fn a_note_from_before_or_by_others_unlocks_nothing() {
    let mut world = World::burning();
    world.does("founder", note(1)).unwrap();
    let grant = world.asks("founder", ROTATE, 10);
    let call = world.call(grant, 1);
    world.does("mia", call).unwrap();
    for who in ["leon", "support"] {
        world.does(who, note(1)).unwrap();
        assert!(world.grant(grant).is_waiting(), "{who} had no call");
    }
    assert!(begins(&world.does("founder", note(1)).unwrap()));
}

#[test]
fn with_approvers_all_three_are_needed_in_any_order() {
    let (mut world, grant) = asked_by_leon();
    let yes = world.approval(grant);
    let events = world.does("founder", yes.clone()).unwrap();
    assert!(matches!(
        events[..],
        [Event {
            change: Change::GrantApproved { .. },
            ..
        }]
    ));
    assert_eq!(
        world.does("founder", yes),
        Err(Refusal::ApprovedAlready(grant))
    );
    world.does("leon", note(1)).unwrap();
    let missing = world.grant(grant).missing_at(world.now).unwrap();
    assert!(missing.call && !missing.approval && !missing.note);
    world.passes(mins(4));
    let call = world.call(grant, 1);
    assert!(begins(&world.does("mia", call).unwrap()));
    let agreed = world.now.plus(mins(6));
    assert_eq!(
        world.ends_at(grant),
        agreed,
        "no later than the yes was said for"
    );

    let (mut world, grant) = asked_by_leon();
    let call = world.call(grant, 1);
    world.does("mia", call).unwrap();
    world.does("mia", note(1)).unwrap();
    assert!(world.grant(grant).is_waiting());
    let yes = world.approval(grant);
    assert!(begins(&world.does("founder", yes).unwrap()));
}

#[test]
fn only_an_engineer_who_is_not_the_one_who_asks_had_the_call() {
    let (mut world, grant) = asked_by_leon();
    for who in ["leon", "founder", "support", "designer"] {
        let call = world.call(grant, 1);
        let refusal = Refusal::NotCaller {
            person: id(who),
            grant,
            callers: "mia".into(),
        };
        assert_eq!(world.does(who, call), Err(refusal));
    }
    let call = world.call(grant, 1);
    world.does("founder", freeze("mia")).unwrap();
    assert_eq!(
        world.does("mia", call),
        Err(Refusal::PersonFrozen(id("mia")))
    );
}

/// "Nobody is an approver" would be true, and help nobody.
#[test]
fn whose_call_is_asked_for_is_told_so_when_they_say_yes() {
    let instead = |person, grant, requester, callers: &str| {
        Err(Refusal::CallInstead {
            person: id(person),
            grant,
            requester: id(requester),
            callers: callers.into(),
        })
    };
    let (mut world, grant) = asked();
    let yes = world.approval(grant);
    let told = world.does("leon", yes.clone());
    assert_eq!(told, instead("leon", grant, "founder", "leon, mia"));
    let refusal = told.unwrap_err();
    assert_eq!(refusal.code(), "NOT_APPROVER");
    assert_eq!(
        refusal.next(),
        format!("call founder, then: glass call {grant} founder")
    );
    let told = world.does("designer", yes);
    assert_eq!(told, instead("designer", grant, "founder", "leon, mia"));
    let next = told.unwrap_err().next();
    assert_eq!(
        next,
        format!("ask one of them to run: glass call {grant} founder")
    );

    let (mut world, grant) = asked_by_leon();
    let yes = world.approval(grant);
    let told = world.does("mia", yes.clone());
    assert_eq!(told, instead("mia", grant, "leon", "mia"));
    let refusal = world.does("designer", yes.clone()).unwrap_err();
    assert!(refusal.to_string().ends_with("these people are: founder"));
    world.does("founder", yes).unwrap();
}

#[test]
fn the_call_was_lately_and_is_over() {
    let (mut world, grant) = asked();
    let minutes = CALL_WITHIN.as_millis() / 60_000;
    for (ago, taken) in [(-1, false), (minutes + 1, false), (minutes, true)] {
        let call = world.call(grant, ago);
        let outcome = world.does("mia", call);
        assert_eq!(outcome.is_ok(), taken, "{ago} minutes ago: {outcome:?}");
        if let Err(refusal) = outcome {
            assert_eq!(refusal.code(), "CALL_TIME");
        }
    }
    let call = world.call(grant, 0);
    assert_eq!(world.does("mia", call), Err(Refusal::CallRecorded(grant)));
}

#[test]
fn what_the_engineer_signed_must_be_the_request() {
    let (mut world, grant) = asked();
    let mut call = world.call(grant, 1);
    if let Act::RecordCall { sentence, .. } = &mut call {
        *sentence = line("look at the keys");
    }
    assert_eq!(
        world.does("mia", call).unwrap_err().code(),
        "SENTENCE_CHANGED"
    );
    let mut call = world.call(grant, 1);
    if let Act::RecordCall { requester, .. } = &mut call {
        *requester = id("leon");
    }
    assert_eq!(
        world.does("mia", call).unwrap_err().code(),
        "SENTENCE_CHANGED"
    );
}

#[test]
fn a_request_without_a_call_in_its_rule_takes_none() {
    let mut world = World::burning();
    let grant = world.asks("mia", crate::world::SECRETS, 10);
    let call = world.call(grant, 1);
    assert_eq!(world.does("leon", call), Err(Refusal::NoCallWanted(grant)));
}

#[test]
fn the_word_of_whoever_is_frozen_since_counts_no_more() {
    let (mut world, grant) = asked();
    let call = world.call(grant, 1);
    world.does("mia", call).unwrap();
    world.does("leon", freeze("mia")).unwrap();
    world.does("founder", note(1)).unwrap();
    assert!(world.grant(grant).is_waiting());
    assert!(
        world.grant(grant).missing_at(world.now).unwrap().call,
        "another call"
    );
    world.does("leon", unfreeze("mia")).unwrap();
    world.does("mia", note(1)).unwrap();
    assert!(world.grant(grant).is_waiting(), "nor when she is back");
    let call = world.call(grant, 1);
    assert!(begins(&world.does("leon", call).unwrap()));
}

#[test]
fn a_policy_that_changed_meanwhile_counts() {
    let moved = |change: &dyn Fn(&mut Policy)| {
        let (mut world, grant) = asked();
        let call = world.call(grant, 1);
        world.does("mia", call).unwrap();
        let mut changed = policy();
        change(&mut changed);
        world.loads(changed).unwrap();
        world.does("founder", note(1)).unwrap();
        world.grant(grant).is_waiting()
    };
    assert!(moved(
        &|it| it.people.get_mut(&id("mia")).unwrap().job = line("designer")
    ));
    assert!(
        moved(&|it| it.rules[3].approvers = it.rules[4].approvers.clone()),
        "a yes as well"
    );
    assert!(moved(&|it| it.rules[3].name = "other".parse().unwrap()));
    assert!(!moved(&|_| {}));

    let mut world = World::burning();
    let grant = world.asks("mia", crate::world::SECRETS, 10);
    let mut changed = policy();
    changed.rules[2].call = changed.rules[3].call.clone();
    world.loads(changed).unwrap();
    let yes = world.approval(grant);
    assert_eq!(
        world.does("leon", yes).unwrap_err().code(),
        "SENTENCE_CHANGED"
    );
}

#[test]
fn where_nobody_could_have_the_call_nothing_is_asked_for() {
    let mut world = World::burning();
    let mut lonely = policy();
    lonely.people.get_mut(&id("mia")).unwrap().job = line("designer");
    world.loads(lonely).unwrap();
    let wanted = world.request("leon", ROTATE, 10);
    let refusal = world.does("leon", wanted).unwrap_err();
    assert_eq!(refusal.code(), "NOT_ALLOWED");
    assert!(refusal.to_string().contains("nobody but leon"), "{refusal}");
}

#[test]
fn engineers_may_say_no_and_end_it_and_only_they_extend_it() {
    let (mut world, grant) = asked();
    world.does("leon", deny(grant)).unwrap();
    assert_eq!(world.ending(grant), Ending::Denied);

    let (mut world, grant) = asked();
    let call = world.call(grant, 1);
    world.does("mia", call).unwrap();
    world.does("mia", note(1)).unwrap();
    let refusal = world.does("founder", extend(grant, 5)).unwrap_err();
    assert_eq!(refusal.code(), "NOT_APPROVER");
    assert_eq!(
        world.does("support", extend(grant, 5)).unwrap_err().code(),
        "NOT_APPROVER"
    );
    world.does("leon", extend(grant, 5)).unwrap();
    world.does("leon", revoke(grant)).unwrap();
    assert_eq!(world.ending(grant), Ending::Revoked);
}

#[test]
fn without_all_of_it_the_request_lapses() {
    let (mut world, grant) = asked();
    let call = world.call(grant, 1);
    world.does("mia", call).unwrap();
    world.passes(mins(15));
    assert_eq!(world.ending(grant), Ending::Lapsed);
    world.does("mia", note(1)).unwrap();
    assert!(!world.is_live(grant), "what lapsed never begins");
}

#[test]
fn a_note_is_taken_while_the_clock_is_behind_and_begins_nothing() {
    let (mut world, grant) = asked();
    let call = world.call(grant, 1);
    world.does("mia", call).unwrap();
    world.now = world.now.minus(mins(1));
    world.does("mia", note(1)).unwrap();
    assert!(world.grant(grant).is_waiting());
}

/// Mia's call was the only one there could be: with her goes the way in.
#[test]
fn a_request_that_nobody_can_be_called_about_any_more_is_told_when_they_leave() {
    let mut world = World::burning();
    let grant = world.asks("founder", ROTATE, 10);
    let left = |world: &World, who: &str| -> Vec<GrantId> {
        let who = id(who);
        let left = world.state.left_waiting(&who);
        left.map(|grant| grant.of.grant).collect()
    };
    assert_eq!(left(&world, "mia"), [], "leon can be called");
    let hopeless = |world: &World| {
        let asked = &world.state.grants[&grant];
        world.state.nobody_is_left(asked, world.now)
    };
    assert!(!hopeless(&world));
    world.does("founder", freeze("leon")).unwrap();
    assert_eq!(left(&world, "mia"), [grant]);
    assert_eq!(
        world.state.gone_of(&world.state.grants[&grant]),
        [id("leon")]
    );
    assert!(!hopeless(&world), "mia can be called");
    world.does("founder", unfreeze("leon")).unwrap();
    let call = world.call(grant, 1);
    world.does("leon", call).unwrap();
    world.does("founder", freeze("mia")).unwrap();
    assert_eq!(left(&world, "mia"), [], "leon has called already");
    assert!(!hopeless(&world));
    assert_eq!(left(&world, "leon"), [grant], "his word goes with him");
}

#[test]
fn nobody_begins_it_alone() {
    let (mut world, grant) = asked();
    assert_eq!(policy().rules[3].if_nobody_answers, IfNobodyAnswers::Deny);
    world.passes(mins(14));
    let begin = world.self_grant(grant);
    assert_eq!(
        world.does("founder", begin),
        Err(Refusal::SelfGrantDenied(grant))
    );
}
