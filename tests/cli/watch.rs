//! `glass watch`, on a terminal of the test's own.

use breakglass_tests::Playground;
use rustix::process::Signal;

use crate::sitting::{CTRL_C, Sitting};

const KEYS: &str = "a approve";

fn a_night() -> Playground {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    for (right, why) in [
        ("migrate-shop-db", "drop the bad index"),
        ("read-secrets", "mail key"),
    ] {
        let asked = ["request", right, "-m", why, "--no-wait"];
        assert_eq!(playground.glass("mia", &asked).code, 81);
    }
    playground
}

fn is_given_back(sitting: &Sitting) {
    assert!(sitting.is_as_a_shell_wants_it(), "{:?}", sitting.seen());
    let seen = sitting.seen();
    let (left, shown) = (seen.rfind("\u{1b}[?1049l"), seen.rfind("\u{1b}[?25h"));
    assert!(left > seen.rfind("\u{1b}[?1049h"), "{seen:?}");
    assert!(shown > seen.rfind("\u{1b}[?25l"), "the cursor: {seen:?}");
}

#[test]
fn a_night_is_answered_noted_and_closed_from_one_screen() {
    let playground = a_night();
    let mut sitting = Sitting::down(&playground, "leon", &["watch"], "");
    sitting.sees("FOR YOU");
    // Down to the first request; what is typed ahead of the request's screen is no yes.
    sitting.answers(KEYS, "jay");
    sitting.sees("mia asks to change");
    sitting.sees("y yes, I sign it");
    assert_eq!(playground.entries_of("grant.started").len(), 0);
    sitting.types("y");
    sitting.sees("G-1: mia can change");
    sitting.types("d");
    sitting.answers("Why is G-2 denied", "not tonight\r");
    sitting.sees("G-2 is denied");
    // Something that others do comes by itself.
    playground.done("designer", &["note", "users are happy again"]);
    sitting.sees("users are happy again");
    sitting.types("n");
    sitting.answers("Note for INC-1", "index dropped\r");
    sitting.sees("Noted in INC-1");
    sitting.types("c");
    sitting.answers("Why is INC-1 closed", "fixed\r");
    sitting.answers("with all access under it? fixed", "y");
    sitting.sees("INC-1 is closed");
    sitting.sees("none is open");
    sitting.types("q");
    assert_eq!(sitting.over(), 0, "{}", sitting.seen());
    is_given_back(&sitting);
    let started = &playground.entries_of("grant.started")[0];
    assert_eq!(
        (&started["by"], &started["basis"]),
        (&"leon".into(), &"approved".into())
    );
    assert!(
        started["signed"]["text"]
            .as_str()
            .unwrap()
            .contains("approve")
    );
    let reasons: Vec<_> = ["grant.ended", "incident.noted", "incident.closed"]
        .iter()
        .flat_map(|kind| playground.entries_of(kind))
        .map(|entry| format!("{}{}", entry["reason"], entry["text"]))
        .collect();
    assert!(
        reasons.iter().any(|it| it.contains("not tonight")),
        "{reasons:?}"
    );
    assert!(
        reasons.iter().any(|it| it.contains("index dropped")),
        "{reasons:?}"
    );
    assert!(reasons.iter().any(|it| it.contains("fixed")), "{reasons:?}");
}

#[test]
fn the_terminal_is_given_back_on_every_way_out() {
    let playground = a_night();
    for (signal, code) in [
        (None, 0),
        (Some(Signal::TERM), 143),
        (Some(Signal::HUP), 143),
        (Some(Signal::INT), 143),
    ] {
        let mut sitting = Sitting::down(&playground, "leon", &["watch"], "");
        sitting.sees(KEYS);
        assert!(!sitting.is_as_a_shell_wants_it());
        match signal {
            Some(signal) => sitting.signal(signal),
            None => sitting.types(CTRL_C),
        }
        assert_eq!(sitting.over(), code, "{signal:?}: {:?}", sitting.seen());
        is_given_back(&sitting);
    }
}

#[test]
fn it_fits_whatever_the_terminal_is_and_colours_are_left_out() {
    let playground = a_night();
    let words = ["watch"];
    let plain = [("NO_COLOR", "1")];
    let mut sitting = Sitting::before(&playground, "leon", &words, "", (120, 40), &plain);
    sitting.sees("\u{1b}[40;1H");
    sitting.sees(KEYS);
    sitting.resizes((38, 11));
    sitting.sees("\u{1b}[11;1H\u{1b}[2K");
    let before = sitting.seen().len();
    sitting.types("?");
    sitting.sees("up, down (or");
    sitting.types(CTRL_C);
    assert_eq!(sitting.over(), 0);
    let seen = &sitting.seen()[before..];
    assert!(!seen.contains("\u{1b}[12;1H"), "{seen:?}");
    for row in seen.split("\u{1b}[2K").skip(1) {
        let text = row.split('\u{1b}').next().unwrap();
        assert!(text.chars().count() <= 38, "{text:?}");
    }
    assert!(!has_style(sitting.seen()), "{:?}", sitting.seen());
    is_given_back(&sitting);
}

/// Whether there is a sequence that sets colours (ECMA-48 SGR).
fn has_style(seen: &str) -> bool {
    let sequences = seen.split("\u{1b}[").skip(1);
    let last = |sequence: &str| sequence.chars().find(char::is_ascii_alphabetic);
    sequences.map(last).any(|last| last == Some('m'))
}

#[test]
fn a_lost_broker_is_told_and_comes_back() {
    let mut playground = a_night();
    let mut sitting = Sitting::down(&playground, "leon", &["watch"], "");
    sitting.sees(KEYS);
    playground.stops();
    sitting.sees("BROKER LOST since");
    // How things stood is still there.
    sitting.sees("the worker floods");
    playground.serves();
    playground.opens("mails are late");
    sitting.sees("mails are late");
    sitting.types("q");
    assert_eq!(sitting.over(), 0);
    is_given_back(&sitting);
}

#[test]
fn nothing_somebody_typed_styles_it() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground.done("mia", &["note", "INC-9\n> G-9  ends 00:01  \u{1f4a3}日本"]);
    let mut sitting = Sitting::down(&playground, "leon", &["watch"], "");
    sitting.sees("INC-9 / > G-9");
    sitting.types("q");
    assert_eq!(sitting.over(), 0);
    assert!(!sitting.seen().contains("\n> G-9"));
}
