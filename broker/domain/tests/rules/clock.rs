//! The broker's clock falls back.

use breakglass_domain::limits::{CLOCK_BEHIND, PLAYED};
use breakglass_domain::{Act, Command, Ending, Lifetime, Refusal};

use crate::acts::{close, deny, extend, freeze, issue, note, open, remove, revoke, unfreeze};
use crate::world::{DEPLOY, MIGRATE, World, hours, id, millis, mins};

#[test]
fn nothing_begins_until_it_has_caught_up() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let waiting = world.asks("mia", MIGRATE, 10);
    let before = world.now;
    world.now = before.minus(millis(2_001));
    let refusal = Refusal::ClockBehind {
        now: world.now,
        newest: before,
    };
    let wanted = world.request("mia", DEPLOY, 10);
    let yes = world.approval(waiting);
    for (person, act) in [
        ("mia", wanted.clone()),
        ("leon", yes),
        ("mia", extend(grant, 5)),
        ("mia", issue(grant)),
        ("mia", open()),
    ] {
        assert_eq!(world.does(person, act), Err(refusal.clone()));
    }
    let refused = world.enrolls("mia").unwrap_err();
    assert_eq!(refused, refusal);
    assert_eq!(refusal.code(), "CLOCK_BEHIND");

    world.now = before.minus(CLOCK_BEHIND);
    world.does("mia", wanted).unwrap();
}

#[test]
fn what_ends_something_works_an_hour_behind() {
    let mut world = World::burning();
    let one = world.asks("mia", DEPLOY, 10);
    let two = world.asks("mia", DEPLOY, 10);
    let three = world.asks("mia", MIGRATE, 10);
    let truth = world.now.plus(mins(1));
    for act in [
        ("mia", Act::Drop { grant: one }),
        ("founder", revoke(two)),
        ("leon", deny(three)),
        ("leon", note(1)),
        ("leon", freeze("mia")),
        ("founder", remove("mia")),
        ("leon", close(1)),
    ] {
        // The laptops' clocks are right.
        let mut signed = (*world.statement(act.0)).clone();
        signed.at = truth;
        world.now = truth.minus(hours(1));
        world
            .submit(&breakglass_domain::Command {
                by: (&crate::world::id(act.0)).into(),
                signed: Some(signed.into()),
                act: act.1,
            })
            .unwrap();
    }
    assert!(world.state.grants.is_empty() && world.state.incidents.is_empty());
    let times: Vec<_> = world.ledger.iter().map(|event| event.at).collect();
    assert!(times.is_sorted(), "time in the ledger never goes back");
}

#[test]
fn what_ends_something_works_after_the_clock_had_run_ahead() {
    let mut world = World::burning();
    let truth = world.now;
    world.passes(hours(1));
    let grant = world.asks("mia", DEPLOY, 10);
    world.now = truth;
    world.does("mia", Act::Drop { grant }).unwrap();
    let last = world.ledger.last().unwrap();
    assert_eq!(last.at, truth.plus(hours(1)));
}

#[test]
fn a_statement_used_while_it_was_behind_is_not_taken_again() {
    let mut world = World::burning();
    let truth = world.now;
    world.passes(hours(1));
    world.does("leon", note(1)).unwrap();
    world.now = truth;
    let said = breakglass_domain::Command {
        by: (&crate::world::id("leon")).into(),
        signed: Some(world.statement("leon")),
        act: freeze("mia"),
    };
    world.submit(&said).unwrap();
    world.broker_does(unfreeze("mia")).unwrap();
    assert_eq!(world.submit(&said), Err(Refusal::StatementReplayed));
}

#[test]
fn an_expired_grant_does_not_live_again() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    world.passes(mins(10));
    assert_eq!(world.ending(grant), Ending::Expired);
    world.now = world.now.minus(mins(5));
    assert_eq!(world.state.active_at(grant, world.now), None);
    let refusal = world.does("mia", issue(grant)).unwrap_err();
    assert_eq!(refusal.code(), "CLOCK_BEHIND");
}

#[test]
fn a_deadline_the_ledger_has_passed_has_passed() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    // Nobody ticked, and an event stands after the grant's end.
    world.now = world.now.plus(mins(10));
    let mut late = world.ledger.last().unwrap().clone();
    late.at = world.now;
    late.change = breakglass_domain::Change::BrokerStarted {
        version: "1".into(),
        rules: 0,
    };
    world.state.apply(&late);
    world.now = world.now.minus(mins(5));
    let command = breakglass_domain::Command {
        by: (&crate::world::id("mia")).into(),
        signed: None,
        act: crate::acts::uses(grant),
    };
    let refused = breakglass_domain::decide::decide(&world.state, &command, world.now);
    assert_eq!(refused.unwrap_err().code(), "GRANT_ENDED");
    world.tick();
    assert!(!world.is_live(grant));
}

/// What was said, as it was said.
fn said(world: &mut World, person: &str, act: Act) -> Command {
    Command {
        by: (&id(person)).into(),
        signed: Some(world.statement(person)),
        act,
    }
}

#[test]
fn what_was_forgotten_is_not_taken_again_when_the_clock_is_set_back() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    let acts = [
        ("leon", note(1)),
        ("mia", Act::Drop { grant }),
        ("leon", freeze("mia")),
        ("founder", remove("designer")),
    ];
    let said = acts.map(|(person, act)| said(&mut world, person, act));
    let signed_at = world.now;
    for command in &said {
        world.submit(command).unwrap();
    }
    world.broker_does(unfreeze("mia")).unwrap();
    world.enrolls("designer").unwrap();
    world.passes(mins(20));
    world.does("leon", note(1)).unwrap();
    assert_eq!(world.state.nonces.len(), 1, "theirs were forgotten");
    for minutes in [0, 4, 5] {
        world.now = signed_at.plus(mins(minutes));
        let before = world.ledger.len();
        for command in &said {
            let refusal = world.submit(command).unwrap_err();
            let over = matches!(refusal, Refusal::GrantEnded { .. });
            assert!(over || refusal == Refusal::StatementReplayed, "{refusal}");
        }
        assert_eq!(world.ledger.len(), before);
    }
    // Who says it anew is heard, although the clock is behind.
    for (person, act) in [("leon", note(1)), ("leon", freeze("mia"))] {
        world.does(person, act).unwrap();
    }
}

#[test]
fn so_many_notes_that_the_first_are_forgotten_stop_no_ending_of_a_grant() {
    let mut world = World::burning();
    let first = said(&mut world, "leon", note(1));
    world.submit(&first).unwrap();
    let began = world.now;
    let one = world.ledger.last().unwrap().clone();
    for number in 1..=PLAYED {
        let mut event = one.clone();
        let mut signed = (*world.statement("leon")).clone();
        signed.at = began.plus(Lifetime::from_millis(i64::try_from(number).unwrap()));
        event.at = signed.at;
        event.signed = Some(signed.into());
        world.state.apply(&event);
    }
    assert_eq!(
        world.state.played.kept().count(),
        PLAYED,
        "memory is bounded"
    );
    assert_eq!(world.state.played.forgotten_up_to(), Some(began));

    world.now = world.state.newest;
    let grant = world.asks("mia", DEPLOY, 30);
    world.passes(mins(10));
    world.does("leon", freeze("designer")).unwrap();
    world.now = began;
    // It may be one that was forgotten, and this one is.
    let refusal = world.submit(&first).unwrap_err();
    assert_eq!(refusal.code(), "STATEMENT_STALE");
    assert_eq!(
        world.does("leon", note(1)).unwrap_err().code(),
        "STATEMENT_STALE"
    );
    // What ends a grant or an incident is taken.
    world.does("mia", Act::Drop { grant }).unwrap();
    world.does("leon", close(1)).unwrap();
    // And everything that was signed after those is.
    world.now = began.plus(millis(2));
    world.does("leon", freeze("mia")).unwrap();
}
