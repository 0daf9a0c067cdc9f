//! Opening, noting, closing.

use breakglass_domain::limits::{NOTES_IN_MEMORY, OPEN_INCIDENTS, OPENINGS};
use breakglass_domain::{Act, Change, Ending, IncidentId, Refusal, Severity};

use crate::acts::{close, note, open};
use crate::world::{DEPLOY, MIGRATE, TEAM, World, endings, hours, id, line, mins};

#[test]
fn who_has_the_duty_opens_and_everybody_may_note() {
    let mut world = World::team();
    let refusal = Refusal::NotPermitted {
        person: id("designer"),
        duty: "open incidents",
    };
    assert_eq!(world.does("designer", open()), Err(refusal));
    world.does("support", open()).unwrap();
    world.does("designer", note(1)).unwrap();
    let incident = &world.state.incidents[&IncidentId(1)];
    assert_eq!(incident.closes_at, world.now.plus(hours(8)));
    assert_eq!(incident.notes.len(), 1);
}

#[test]
fn a_note_to_what_is_not_open_says_so() {
    let mut world = World::burning();
    world.does("mia", open()).unwrap();
    world.does("mia", close(1)).unwrap();
    let closed = Refusal::IncidentClosed(IncidentId(1));
    assert_eq!(world.does("mia", note(1)), Err(closed.clone()));
    assert_eq!(world.does("mia", close(1)), Err(closed.clone()));
    let unknown = Refusal::UnknownIncident(IncidentId(7));
    assert_eq!(world.does("mia", note(7)), Err(unknown.clone()));

    // And with none open at all it is not "open another" that they are told.
    world.does("mia", close(2)).unwrap();
    assert_eq!(world.does("mia", note(1)), Err(closed.clone()));
    assert_eq!(world.does("mia", close(1)), Err(closed));
    assert_eq!(world.does("mia", close(7)), Err(unknown));
}

#[test]
fn closing_ends_every_grant_under_it_first_and_no_other() {
    let mut world = World::burning();
    let active = world.asks("mia", DEPLOY, 10);
    let waiting = world.asks("mia", MIGRATE, 10);
    world.does("leon", open()).unwrap();
    let mut elsewhere = world.request("leon", DEPLOY, 10);
    if let breakglass_domain::Act::Request { incident, .. } = &mut elsewhere {
        *incident = IncidentId(2);
    }
    world.does("leon", elsewhere).unwrap();

    let events = world.does("founder", close(1)).unwrap();
    let closed = Ending::IncidentClosed;
    assert_eq!(endings(&events), [(active, closed), (waiting, closed)]);
    let last = events.last().unwrap();
    assert!(matches!(last.change, Change::IncidentClosed { .. }));
    assert!(events[0].signed.is_some() && last.signed.is_none());
    assert!(events.iter().all(|event| event.by == last.by));
    assert_eq!(world.state.grants.len(), 1);
}

#[test]
fn nothing_real_is_called_a_drill() {
    let mut world = World::team();
    let titled = |title: &str| Act::Open {
        severity: Severity::Sev1,
        title: line(title),
    };
    for title in ["DRILL INC-99", "drill: the shop", "Drill", "  dRiLL, again"] {
        let refused = world.does("mia", titled(title));
        assert_eq!(refused, Err(Refusal::TitleOfDrill), "{title}");
    }
    world
        .does("mia", titled("drilling machines are down"))
        .unwrap();
    world
        .does("mia", titled("the last DRILL broke the shop"))
        .unwrap();
}

#[test]
fn closing_takes_the_duty() {
    let mut world = World::burning();
    let refusal = world.does("support", close(1)).unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
}

#[test]
fn nobody_floods_everybody_with_incidents() {
    let mut world = World::team();
    for number in 1..=OPENINGS as u64 {
        world.does("mia", open()).unwrap();
        world.does("mia", close(number)).unwrap();
    }
    let refusal = world.does("mia", open()).unwrap_err();
    assert_eq!(refusal.code(), "TOO_MANY");
    let next = refusal.next();
    assert!(
        next.starts_with("somebody else opens it; or wait until "),
        "{next}"
    );
    world.does("leon", open()).unwrap();
    world.passes(hours(1));
    world.does("mia", open()).unwrap();
}

#[test]
fn there_are_only_so_many_open_at_once() {
    let mut world = World::team();
    for _ in 0..2 {
        for person in ["mia", "leon", "support"] {
            for _ in 0..OPENINGS {
                let _ = world.does(person, open());
            }
        }
        world.passes(hours(1));
    }
    assert_eq!(world.state.incidents.len(), OPEN_INCIDENTS);
    let refusal = world.does("mia", open()).unwrap_err();
    let limit = OPEN_INCIDENTS;
    let what = "open incidents";
    assert_eq!(refusal, Refusal::TooMany { what, limit });
}

#[test]
fn an_incident_keeps_only_so_much_in_memory() {
    let mut world = World::burning();
    for number in 0..NOTES_IN_MEMORY + 5 {
        world.does(TEAM[number % TEAM.len()], note(1)).unwrap();
    }
    let kept = |world: &World| world.state.incidents[&IncidentId(1)].notes.len();
    assert_eq!(kept(&world), NOTES_IN_MEMORY);
}

/// A note may confirm an alert: no number of others' notes keeps it from counting.
#[test]
fn the_first_note_of_each_person_is_kept_however_many_came_before() {
    let mut world = World::burning();
    for _ in 0..NOTES_IN_MEMORY {
        world.passes(mins(1));
        world.does("support", note(1)).unwrap();
    }
    for _ in 0..2 {
        world.does("leon", note(1)).unwrap();
    }
    let notes = &world.state.incidents[&IncidentId(1)].notes;
    assert_eq!(notes.len(), NOTES_IN_MEMORY + 1);
    assert!(notes.iter().any(|note| note.by == "leon".parse().unwrap()));
}
