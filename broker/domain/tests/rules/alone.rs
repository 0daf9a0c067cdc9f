//! Nobody is awake, and the broker was not there, or one after the other is begun alone.

use breakglass_domain::{Act, Change, GrantId, Refusal, Time};

use crate::acts::{close, open};
use crate::world::{DEPLOY, MIGRATE, RESTORE, World, millis, mins};

impl World {
    /// The broker comes back after so many minutes; what was due meanwhile is done then.
    fn broker_is_away(&mut self, minutes: u32) -> Time {
        self.now = self.now.plus(mins(minutes));
        let version = "0.1.0".into();
        self.broker_does(Act::Start { version }).unwrap();
        self.tick();
        self.now
    }

    fn begins_alone(&mut self, grant: GrantId) -> Result<u32, Refusal> {
        let begin = self.self_grant(grant);
        let events = self.does("mia", begin)?;
        match events[0].change {
            Change::GrantStarted { alone_before, .. } => Ok(alone_before),
            _ => panic!("{events:?}"),
        }
    }

    /// Until when approvers have time, as the refusal tells it.
    fn too_early(&mut self, grant: GrantId) -> Time {
        match self.begins_alone(grant) {
            Err(Refusal::SelfGrantTooEarly { from, .. }) => from,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_broker_that_was_away_over_all_deadlines_gives_everybody_their_time_anew() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    let lapsed_at = world.now.plus(mins(15));
    let back = world.broker_is_away(14);
    assert!(world.grant(grant).escalated_at.is_some(), "late");
    assert_eq!(world.too_early(grant), back.plus(mins(10)));
    world.passes(mins(9));
    assert!(world.now > lapsed_at && world.is_live(grant), "it waits on");
    world.passes(mins(1));
    assert_eq!(world.begins_alone(grant), Ok(0));
}

#[test]
fn the_same_where_it_goes_to_nobody_else() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 20);
    let back = world.broker_is_away(11);
    assert_eq!(world.too_early(grant), back.plus(mins(10)));
    world.passes(mins(15));
    assert!(!world.is_live(grant), "and lapses as long after as ever");
}

#[test]
fn whoever_is_told_sees_the_time_that_counts() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 20);
    let back = world.broker_is_away(3);
    let stands = world.state.as_it_stands(world.grant(grant));
    assert_eq!(stands.self_grant.unwrap().from, back.plus(mins(10)));
    assert_eq!(stands.lapses_at, back.plus(mins(15)));
    let again = world.broker_is_away(2);
    let stands = world.state.as_it_stands(world.grant(grant));
    assert_eq!(stands.self_grant.unwrap().from, again.plus(mins(10)));
}

/// A machine that slept starts nothing anew; its entry is late all the same.
#[test]
fn who_is_asked_late_has_as_much_time_as_the_policy_gives() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    world.now = world.now.plus(mins(13));
    world.tick();
    let asked_at = world.now;
    assert_eq!(world.too_early(grant), asked_at.plus(mins(5)));
    world.passes(mins(5));
    world.begins_alone(grant).unwrap();
}

#[test]
fn what_is_done_a_moment_late_moves_nothing() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    let asked_at = world.now;
    world.now = world.now.plus(mins(5)).plus(millis(10_000));
    world.tick();
    assert_eq!(world.too_early(grant), asked_at.plus(mins(10)));
}

#[test]
fn what_lapsed_meanwhile_has_lapsed() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 20);
    world.broker_is_away(15);
    assert!(!world.is_live(grant));
}

#[test]
fn what_nobody_may_begin_alone_waits_no_longer_than_it_was_to() {
    let mut world = World::burning();
    let grant = world.asks("mia", crate::world::SECRETS, 10);
    world.broker_is_away(10);
    world.passes(mins(5));
    assert!(!world.is_live(grant));
}

#[test]
fn after_one_was_over_everybody_has_their_time_again_and_it_is_counted() {
    let mut world = World::burning();
    let first = world.asks("mia", MIGRATE, 10);
    world.passes(mins(10));
    assert_eq!(world.begins_alone(first), Ok(0));
    world.passes(mins(8));
    let second = world.asks("mia", MIGRATE, 10);
    world.passes(mins(2));
    let over = world.now;
    assert!(!world.is_live(first), "its time ran out");
    assert_eq!(world.too_early(second), over.plus(mins(10)));
    let stands = world.state.as_it_stands(world.grant(second));
    assert_eq!(stands.self_grant.unwrap().from, over.plus(mins(10)), "told");
    world.passes(mins(10));
    assert_eq!(world.begins_alone(second), Ok(1));
    let other = world.asks("leon", MIGRATE, 10);
    world.passes(mins(10));
    let begin = world.self_grant(other);
    let events = world.does("leon", begin).unwrap();
    let Change::GrantStarted { alone_before, .. } = events[0].change else {
        panic!("{events:?}");
    };
    assert_eq!(alone_before, 0, "each is counted alone");
}

#[test]
fn while_one_runs_another_is_told_to_begin_as_long_after_it() {
    let mut world = World::burning();
    let first = world.asks("mia", MIGRATE, 10);
    let second = world.asks("mia", MIGRATE, 10);
    world.passes(mins(10));
    world.begins_alone(first).unwrap();
    let stands = world.state.as_it_stands(world.grant(second));
    let from = stands.self_grant.unwrap().from;
    assert_eq!(
        from,
        world.ends_at(first).plus(mins(10)),
        "it lapses before"
    );
    world.does("mia", Act::Drop { grant: first }).unwrap();
    let third = world.asks("mia", MIGRATE, 10);
    let from = world.now.plus(mins(10));
    let stands = world.state.as_it_stands(world.grant(third));
    assert_eq!(stands.self_grant.unwrap().from, from);
}

#[test]
fn another_right_or_incident_is_another_matter() {
    let mut world = World::burning();
    let first = world.asks("mia", MIGRATE, 10);
    let other = world.asks("mia", RESTORE, 10);
    world.passes(mins(5));
    world.passes(mins(5));
    world.begins_alone(first).unwrap();
    assert_eq!(world.begins_alone(other), Ok(0));
    world.asks("mia", DEPLOY, 10);
    world.does("leon", close(1)).unwrap();
    world.does("leon", open()).unwrap();
    let mut wanted = world.request("mia", MIGRATE, 10);
    if let Act::Request { incident, .. } = &mut wanted {
        *incident = breakglass_domain::IncidentId(2);
    }
    let events = world.does("mia", wanted).unwrap();
    let again = events[0].change.grant().unwrap().grant;
    world.passes(mins(10));
    assert_eq!(world.begins_alone(again), Ok(0));
}

#[test]
fn a_snapshot_of_it_all_decides_the_same() {
    let mut world = World::burning();
    let first = world.asks("mia", MIGRATE, 10);
    world.passes(mins(10));
    world.begins_alone(first).unwrap();
    world.does("mia", Act::Drop { grant: first }).unwrap();
    let second = world.asks("mia", MIGRATE, 10);
    let back = world.broker_is_away(1);
    world.state = world.state.clone().reindexed();
    assert_eq!(world.too_early(second), back.plus(mins(10)));
}
