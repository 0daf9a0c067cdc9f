//! Refusals that repeat.

use breakglass_domain::folding::{RefusalFolder, SEVERAL};
use breakglass_domain::limits::{PROSE_MAX, REFUSAL_KEYS, REFUSAL_WINDOW};
use breakglass_domain::{Act, Actor, Command, IncidentId, Time};

use crate::world::{World, id, millis};

const NOW: i64 = 1_795_000_000_000;

fn now() -> Time {
    Time::from_millis(NOW)
}

fn told(command: &Command) -> (&str, &str, u32) {
    match &command.act {
        Act::NoteRefusal {
            by: Actor::Person(person),
            reason,
            count,
            ..
        } => (person.as_str(), reason, *count),
        other => panic!("not a refusal: {other:?}"),
    }
}

fn note(folder: &mut RefusalFolder, at: Time, person: &str, reason: &str) -> Option<Command> {
    let by = Actor::Person(id(person));
    folder.note(at, &by, "request", reason, "no", None)
}

#[test]
fn the_first_is_an_entry_at_once_and_repeats_are_counted() {
    let mut folder = RefusalFolder::default();
    let first = note(&mut folder, now(), "mia", "NOT_ALLOWED").unwrap();
    assert_eq!(told(&first), ("mia", "NOT_ALLOWED", 1));
    for _ in 0..500 {
        assert_eq!(note(&mut folder, now(), "mia", "NOT_ALLOWED"), None);
    }
    assert_eq!(folder.due(now()), []);
    let end = now().plus(REFUSAL_WINDOW);
    assert_eq!(folder.next_due(), Some(end));
    let counted = folder.due(end);
    assert_eq!(counted.len(), 1);
    assert_eq!(told(&counted[0]), ("mia", "NOT_ALLOWED", 500));
}

#[test]
fn another_person_and_another_reason_are_counted_apart() {
    let mut folder = RefusalFolder::default();
    for (person, reason) in [("mia", "A"), ("mia", "B"), ("leon", "A")] {
        let entry = note(&mut folder, now(), person, reason).unwrap();
        assert_eq!(told(&entry), (person, reason, 1));
    }
}

#[test]
fn another_incident_is_counted_apart() {
    let mut folder = RefusalFolder::default();
    for incident in [None, Some(IncidentId(1)), Some(IncidentId(2))] {
        let by = Actor::Person(id("mia"));
        let entry = folder.note(now(), &by, "request", "A", "no", incident);
        let Some(Act::NoteRefusal { incident: of, .. }) = entry.map(|entry| entry.act) else {
            panic!("each is an entry")
        };
        assert_eq!(of, incident);
    }
}

#[test]
fn a_window_without_a_repeat_ends_the_matter() {
    let mut folder = RefusalFolder::default();
    note(&mut folder, now(), "mia", "A").unwrap();
    let later = now().plus(REFUSAL_WINDOW);
    assert_eq!(folder.due(later), []);
    assert_eq!(folder.next_due(), None);
    assert!(note(&mut folder, later, "mia", "A").is_some());
}

#[test]
fn while_it_goes_on_there_is_one_entry_a_window() {
    let mut folder = RefusalFolder::default();
    let mut entries = 0;
    let mut counted = 0;
    for second in 0..600 {
        let at = now().plus(millis(second * 1_000));
        let noted = note(&mut folder, at, "mia", "A");
        for command in folder.due(at).into_iter().chain(noted) {
            entries += 1;
            counted += told(&command).2;
        }
    }
    counted += folder.flush().iter().map(|left| told(left).2).sum::<u32>();
    assert!((10..=11).contains(&entries), "{entries} entries");
    assert_eq!(counted, 600, "none is lost and none counted twice");
}

#[test]
fn the_one_that_comes_after_the_window_brings_the_counted_ones_along() {
    let mut folder = RefusalFolder::default();
    note(&mut folder, now(), "mia", "A").unwrap();
    note(&mut folder, now(), "mia", "A");
    let late = note(&mut folder, now().plus(REFUSAL_WINDOW), "mia", "A").unwrap();
    assert_eq!(told(&late).2, 2);
}

#[test]
fn memory_is_bounded_whatever_somebody_tries() {
    let mut folder = RefusalFolder::default();
    for number in 0..REFUSAL_KEYS {
        assert!(note(&mut folder, now(), "mia", &format!("R{number}")).is_some());
    }
    let first = note(&mut folder, now(), "mia", "X1").unwrap();
    assert_eq!(told(&first), ("mia", SEVERAL, 1));
    for number in 0..5_000 {
        assert_eq!(note(&mut folder, now(), "mia", &format!("Y{number}")), None);
    }
    let counted = folder.due(now().plus(REFUSAL_WINDOW));
    assert_eq!(counted.len(), 1);
    assert_eq!(told(&counted[0]), ("mia", SEVERAL, 5_000));
}

#[test]
fn a_long_text_is_cut_where_a_character_ends() {
    let mut folder = RefusalFolder::default();
    let text = "ü".repeat(PROSE_MAX);
    let entry = folder
        .note(now(), &Actor::Person(id("mia")), "note", "A", &text, None)
        .unwrap();
    let Act::NoteRefusal { text, .. } = &entry.act else {
        panic!("not a refusal: {entry:?}");
    };
    assert_eq!(text.len(), PROSE_MAX);
}

#[test]
fn what_comes_out_is_a_command_the_rules_take() {
    let mut folder = RefusalFolder::default();
    let mut world = World::team();
    let entry = note(&mut folder, now(), "mia", "A").unwrap();
    let events = world.submit(&entry).unwrap();
    assert_eq!(events[0].by.to_string(), "mia");
}
