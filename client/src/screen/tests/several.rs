//! Several incidents at once, drills among them, and what somebody else left.

use super::*;

fn drill(id: &str) -> v1::Incident {
    v1::Incident {
        drill: true,
        ..incident(id, "the emergency path")
    }
}

/// Newest first, as the broker lists them.
fn open(model: &mut Model, incidents: Vec<v1::Incident>) {
    let mut status = model.status.clone();
    status.incidents = incidents;
    model.stands(status);
}

#[test]
fn a_drill_that_begins_stands_last_and_takes_no_note() {
    let mut model = night();
    open(
        &mut model,
        vec![drill("INC-2"), incident("INC-1", "the worker floods")],
    );
    let screen = shown(&model);
    let lines: Vec<_> = screen.lines().skip(2).take(2).collect();
    assert!(lines[0].starts_with("> INC-1"), "{screen}");
    assert!(lines[1].starts_with("  DRILL INC-2"), "{screen}");
    press(&mut model, "n");
    assert!(shown(&model).contains("Note for INC-1: _"), "{model:#?}");
    // Who means it chooses it, and reads that it is one.
    model.key(Key::Escape, false);
    press(&mut model, "jn");
    assert!(
        shown(&model).contains("Note for DRILL INC-2: _"),
        "{model:#?}"
    );
    model.key(Key::Escape, false);
    press(&mut model, "cpractised");
    assert!(shown(&model).contains("Why is DRILL INC-2 closed: practised_"));
    model.key(Key::Enter, false);
    assert!(shown(&model).contains("Close DRILL INC-2, with all access under it?"));
    // Alone it is not meant either.
    let mut model = night();
    open(&mut model, vec![drill("INC-2")]);
    assert_eq!(press(&mut model, "c"), None);
    assert!(
        shown(&model).contains("Only a drill is open."),
        "{model:#?}"
    );
}

#[test]
fn where_several_are_open_it_asks_which_and_begins_at_the_first() {
    let mut model = night();
    let first = || incident("INC-9", "the worker floods");
    open(&mut model, vec![incident("INC-10", "mail"), first()]);
    for keys in ["n", "c"] {
        assert_eq!(press(&mut model, keys), None);
        assert!(matches!(model.mode, Mode::Looking), "{:?}", model.mode);
        assert!(shown(&model).contains("Several incidents are open. Choose one"));
    }
    press(&mut model, "jn");
    assert!(shown(&model).contains("Note for INC-9: _"), "{model:#?}");
    // What opens next moves nobody, and when the chosen one closes, no other is meant for it.
    model.key(Key::Escape, false);
    open(
        &mut model,
        vec![
            incident("INC-11", "dns"),
            incident("INC-10", "mail"),
            first(),
        ],
    );
    press(&mut model, "n");
    assert!(shown(&model).contains("Note for INC-9: _"), "{model:#?}");
    model.key(Key::Escape, false);
    open(&mut model, vec![incident("INC-11", "dns")]);
    assert_eq!(press(&mut model, "c"), None);
    assert!(
        shown(&model).contains("INC-9 is over. Choose another"),
        "{model:#?}"
    );
}

#[test]
fn an_answered_request_leaves_the_keys_at_its_incident() {
    let mut model = night();
    open(
        &mut model,
        vec![
            incident("INC-2", "mail"),
            incident("INC-1", "the worker floods"),
        ],
    );
    press(&mut model, "jj");
    assert_eq!(model.chosen, "G-2");
    model.status.waiting.clear();
    press(&mut model, "n");
    assert!(shown(&model).contains("Note for INC-1: _"), "{model:#?}");
}

#[test]
fn what_was_handed_over_says_whose_it_is_and_what_to_know() {
    let mut model = night();
    let mut handed = live("G-3", "12:14:12");
    handed.from_grant = "G-1".into();
    handed.from_person = "mia".into();
    handed.reason = "index half built".into();
    handed.person = "leon".into();
    model.status.active = vec![handed.clone()];
    model.size.width = 120;
    let screen = shown(&model);
    let yours = "YOURS from mia's G-1: index half built";
    assert!(screen.contains(yours), "{screen}");
    handed.person = "founder".into();
    model.status.active = vec![handed];
    assert!(!shown(&model).contains("YOURS"), "{screen}");
}
