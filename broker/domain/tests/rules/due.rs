//! What time brings about by itself.

use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::{Act, Actor, Change, Command, Ending, IncidentId, Refusal};

use crate::acts::{extend, issue, open};
use crate::world::{DEPLOY, MIGRATE, World, endings, hours, id, millis, mins};

#[test]
fn a_grant_ends_at_its_very_instant() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 10);
    world.passes(millis(10 * 60_000 - 1));
    assert!(world.state.active_at(grant, world.now).is_some());
    world.passes(millis(1));
    assert_eq!(world.ending(grant), Ending::Expired);
    assert_eq!(world.ledger.last().unwrap().by, Actor::Broker);
}

#[test]
fn a_request_lapses_at_its_very_instant() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 10);
    world.passes(mins(15));
    assert_eq!(world.ending(grant), Ending::Lapsed);
}

#[test]
fn people_are_warned_once_before_an_incident_closes_by_itself() {
    let mut world = World::burning();
    let incident = IncidentId(1);
    world.passes(hours(7));
    assert!(!world.state.incidents[&incident].warned);
    world.passes(mins(45));
    assert!(world.state.incidents[&incident].warned);
    world.passes(mins(15));
    let warnings = world
        .ledger
        .iter()
        .filter(|event| matches!(event.change, Change::IncidentWarned { .. }));
    assert_eq!(warnings.count(), 1);
    assert!(world.state.incidents.is_empty());
}

#[test]
fn a_short_incident_warns_at_half_of_its_time() {
    let mut world = World::team();
    let mut short = crate::world::policy();
    short.incident_longest = mins(10);
    world.loads(short).unwrap();
    world.does("mia", open()).unwrap();
    world.passes(mins(4));
    assert!(!world.state.incidents[&IncidentId(1)].warned);
    world.passes(mins(1));
    assert!(world.state.incidents[&IncidentId(1)].warned);
}

#[test]
fn an_incident_that_is_too_old_closes_with_its_grants() {
    let mut world = World::burning();
    world.passes(hours(7));
    world.passes(mins(50));
    let active = world.asks("mia", DEPLOY, 30);
    let waiting = world.asks("leon", MIGRATE, 30);
    world.passes(mins(10));
    let events = &world.ledger[world.ledger.len() - 3..];
    let closed = Ending::IncidentClosed;
    let mut ended = endings(events);
    ended.sort_unstable_by_key(|(grant, _)| *grant);
    assert_eq!(ended, [(active, closed), (waiting, closed)]);
    let last = &events[2].change;
    assert!(matches!(last, Change::IncidentClosed { .. }));
}

#[test]
fn after_a_night_without_a_broker_each_thing_ends_once_in_order() {
    let mut world = World::burning();
    let first = world.asks("mia", DEPLOY, 10);
    let second = world.asks("mia", DEPLOY, 5);
    let third = world.asks("mia", MIGRATE, 30);
    world.now = world.now.plus(hours(30));
    let events = world.tick();
    assert_eq!(
        endings(&events),
        [
            (second, Ending::Expired),
            (first, Ending::Expired),
            (third, Ending::Lapsed),
        ]
    );
    assert_eq!(events.len(), 4, "no warning of what has come: {events:?}");
    assert!(events.iter().all(|event| event.at == world.now));
    assert!(world.state.deadlines.is_empty());
}

#[test]
fn a_tick_is_what_is_due() {
    let mut world = World::burning();
    world.asks("mia", DEPLOY, 10);
    assert_eq!(world.broker_does(Act::Tick), Ok(vec![]));
    let now = world.now.plus(mins(10));
    let tick = Command {
        by: Actor::Broker,
        signed: None,
        act: Act::Tick,
    };
    let ticked = decide(&world.state, &tick, now);
    assert_eq!(ticked, Ok(due(&world.state, now)));
    assert_eq!(ticked.unwrap().len(), 1);
}

#[test]
fn the_next_deadline_is_known() {
    let mut world = World::team();
    assert_eq!(world.state.next_deadline(), None);
    world.does("mia", open()).unwrap();
    let grant = world.asks("mia", DEPLOY, 10);
    let ends_at = world.now.plus(mins(10));
    assert_eq!(world.state.next_deadline(), Some(ends_at));
    world.does("mia", extend(grant, 5)).unwrap();
    let ends_at = world.now.plus(mins(15));
    assert_eq!(world.state.next_deadline(), Some(ends_at));
}

/// Validity is checked when it matters, never only on a tick.
#[test]
fn what_is_over_is_refused_before_anybody_ticked() {
    let mut world = World::burning();
    let active = world.asks("mia", DEPLOY, 15);
    let waiting = world.asks("mia", MIGRATE, 10);
    let later = world.now.plus(mins(15));
    for (person, act, ending) in [
        ("leon", world.approval(waiting), Ending::Lapsed),
        ("mia", world.self_grant(waiting), Ending::Lapsed),
        ("mia", issue(active), Ending::Expired),
        ("mia", extend(active, 5), Ending::Expired),
    ] {
        let mut signed = (*world.statement(person)).clone();
        signed.at = later;
        let command = Command {
            by: (&id(person)).into(),
            signed: Some(signed.into()),
            act,
        };
        let refusal = decide(&world.state, &command, later).unwrap_err();
        assert!(
            matches!(
                refusal,
                Refusal::GrantEnded { ended: Some((why, at)), .. }
                    | Refusal::EndedAlready { ended: Some((why, at)), .. }
                    if why == ending && at == later
            ),
            "{refusal:?}"
        );
    }
    let closes_at = world.state.incidents[&IncidentId(1)].closes_at;
    let mut signed = (*world.statement("mia")).clone();
    signed.at = closes_at;
    let wanted = Command {
        by: (&id("mia")).into(),
        signed: Some(signed.into()),
        act: world.request("mia", DEPLOY, 10),
    };
    let refusal = decide(&world.state, &wanted, closes_at).unwrap_err();
    assert_eq!(refusal, Refusal::NoOpenIncident);
}
