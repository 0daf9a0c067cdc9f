//! The broker goes on from an older copy of its ledger: a mark says so, and no id is given a second time.

use breakglass_domain::limits::RESTORATIONS_REMEMBERED;
use breakglass_domain::{Act, Actor, Change, Event, GrantId, IncidentId};

use crate::acts::open;
use crate::world::{DEPLOY, World, line};

/// A checkpoint as far as its text goes.
fn head(size: u64, root: &str) -> String {
    format!("glass.example/ledger\n{size}\n{root}\n\n\u{2014} glass.example/ledger AAAA\n")
}

fn restored(kept: u64, size: u64, root: &str) -> Act {
    Act::NoteRestored {
        kept,
        size,
        checkpoint: head(size, root),
        operator: line("Olaf"),
        reason: line("the disk died"),
    }
}

fn marks(world: &mut World, act: Act) -> Vec<Event> {
    world.broker_does(act).unwrap()
}

#[test]
fn what_may_have_been_given_in_what_is_lost_is_not_given_again() {
    let mut world = World::burning();
    world.asks("mia", DEPLOY, 5);
    let (incident, grant) = (world.state.next_incident, world.state.next_grant);
    let session = world.state.targets.next_session;
    marks(&mut world, restored(640, 655, "AA="));
    assert_eq!(world.state.next_incident, IncidentId(incident.0 + 15));
    assert_eq!(world.state.next_grant, GrantId(grant.0 + 15));
    assert_eq!(world.state.targets.next_session.0, session.0 + 15);
    // And what comes next is numbered so.
    let asked = world.asks("mia", DEPLOY, 5);
    assert_eq!(asked, GrantId(grant.0 + 15));
    let opened = world.does("leon", open()).unwrap();
    let opened = opened.iter().find_map(|event| event.change.incident());
    assert_eq!(opened, Some(IncidentId(incident.0 + 15)));
}

#[test]
fn each_lost_history_is_marked_once() {
    let mut world = World::team();
    let events = marks(&mut world, restored(640, 655, "AA="));
    assert!(
        matches!(
            &events[..],
            [Event {
                by: Actor::Broker,
                change: Change::LedgerRestored {
                    kept: 640,
                    size: 655,
                    ..
                },
                ..
            }]
        ),
        "{events:?}"
    );
    let next = world.state.next_grant;
    assert_eq!(marks(&mut world, restored(640, 655, "AA=")), []);
    assert_eq!(world.state.next_grant, next, "nothing is passed over twice");
    // Another root, another size, another copy: each is another loss.
    for other in [
        restored(640, 655, "BB="),
        restored(640, 656, "AA="),
        restored(639, 655, "AA="),
    ] {
        assert_eq!(marks(&mut world, other).len(), 1);
    }
}

#[test]
fn a_head_of_a_lost_history_is_known_and_any_other_is_not() {
    let mut world = World::team();
    let knows =
        |world: &World, size, root: &str| world.state.restorations.naming(size, root).is_some();
    assert!(!knows(&world, 655, "AA="));
    marks(&mut world, restored(640, 655, "AA="));
    for (size, root, is_known) in [
        // Both begin with it: of what was kept no other head is of a lost history.
        (640, "XX=", false),
        (641, "XX=", true),
        (654, "XX=", true),
        (655, "AA=", true),
        // Of the same size, and another: there is a third history.
        (655, "XX=", false),
        // More than anybody had brought.
        (656, "XX=", false),
    ] {
        assert_eq!(knows(&world, size, root), is_known, "{size} {root}");
    }
    marks(&mut world, restored(640, 700, "CC="));
    let newest = world.state.restorations.naming(650, "XX=").unwrap();
    assert_eq!(newest.size, 700);
}

#[test]
fn only_so_many_are_remembered() {
    let mut world = World::team();
    for size in 1..=RESTORATIONS_REMEMBERED as u64 + 3 {
        marks(&mut world, restored(0, size, "AA="));
    }
    assert_eq!(
        world.state.restorations.iter().count(),
        RESTORATIONS_REMEMBERED
    );
    assert_eq!(world.state.restorations.iter().next().unwrap().size, 4);
}

#[test]
fn nobody_but_the_operator_says_so() {
    let mut world = World::team();
    let refusal = world
        .does("founder", restored(640, 655, "AA="))
        .unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
}
