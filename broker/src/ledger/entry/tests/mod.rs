//! The bytes of every kind are frozen, everything comes back, and nothing hostile gets through.

mod arbitrary;
mod drills;
mod escalating;
mod golden;
mod kinds;
mod since;
mod targets;
mod witnesses;

use std::sync::Arc;

use breakglass_domain::text::restyles;
use breakglass_domain::{Actor, Change, Event, Line, Policy, Time};
use proptest::prelude::*;
use serde_json::Value;

use super::{EntryError, decode, encode, read};
use crate::ports::{ENTRY_MAX, LedgerError};
use arbitrary::{an_event, golden_policy};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_event_comes_back(index in any::<u64>(), event in an_event()) {
        let line = encode(index, &event).expect("within the limits");
        prop_assert_eq!(decode(&line), Ok((index, event)));
    }

    #[test]
    fn a_line_is_one_line_of_json_that_restyles_no_terminal(event in an_event()) {
        let line = encode(0, &event).expect("within the limits");
        let text = str::from_utf8(&line).expect("JSON is UTF-8");
        prop_assert!(!text.chars().any(restyles), "{text:?}");
        prop_assert!(line.len() <= ENTRY_MAX);
        let value: Value = serde_json::from_str(text).expect("JSON");
        prop_assert!(value.is_object());
    }

    #[test]
    fn tomorrow_s_fields_are_ignored(event in an_event()) {
        let line = encode(7, &event).expect("within the limits");
        let text = str::from_utf8(&line).expect("JSON is UTF-8");
        let longer = text.strip_suffix('}').expect("an object").to_owned()
            + r#","tomorrow":{"kind":["x",null,1.5]}}"#;
        prop_assert_eq!(decode(longer.as_bytes()), Ok((7, event)));
    }

    #[test]
    fn bytes_that_are_no_entry_are_refused_and_nothing_falls(bytes in any::<Vec<u8>>()) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn an_altered_entry_is_refused_or_another_one(
        event in an_event(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut line = encode(7, &event).expect("within the limits").to_vec();
        let at = at.index(line.len());
        line[at] = byte;
        let _ = decode(&line);
        prop_assert!(decode(&line[..at]).is_err(), "cut short");
    }
}

fn noted(text: &str) -> Event {
    Event {
        at: Time::from_millis(0),
        by: Actor::Broker,
        change: Change::Refused {
            act: "note".into(),
            reason: "INVALID_TEXT".into(),
            text: text.into(),
            count: 1,
            incident: None,
            checkpoint: None,
        },
        signed: None,
        drill: false,
    }
}

#[test]
fn terminal_escapes_and_turned_text_are_spelt_out() {
    let event = noted("\u{1b}[2J \u{9b}31m \u{202e}gnp \u{feff} \u{e0041} \"\\\u{7f}");
    let line = encode(0, &event).expect("short");
    let text = str::from_utf8(&line).expect("JSON is UTF-8");
    let spelt = r#""text":"\u001b[2J \u009b31m \u202egnp \ufeff \udb40\udc41 \"\\\u007f""#;
    assert!(text.contains(spelt), "{text}");
    assert_eq!(decode(&line), Ok((0, event)));
}

#[test]
fn what_is_longer_than_an_entry_is_refused() {
    let error = encode(0, &noted(&"a".repeat(ENTRY_MAX))).expect_err("too long");
    assert!(matches!(error, EntryError::TooLong { len } if len > ENTRY_MAX));
    assert!(error.to_string().contains("at most 61440"), "{error}");
    let line = encode(0, &noted(&"a".repeat(ENTRY_MAX - 200))).expect("fits");
    assert!(line.len() <= ENTRY_MAX);
}

#[test]
fn a_policy_of_many_people_leaves_out_what_follows_from_its_text() {
    let mut text = String::from("version = 1\n");
    for number in 0..150 {
        text += &format!("[people.person-{number}]\nname = \"P\"\njob = \"engineer\"\n");
    }
    for number in 0..60 {
        text += &format!(
            "[rights.right-{number}]\nsentence = \"do {number}\"\nrisk = \"low\"\nlongest = \"1m\"\n\
             audience = \"https://x.example\"\n[[rules]]\nname = \"r{number}\"\n\
             who = [\"job:engineer\"]\nrights = [\"right-{number}\"]\napprovers = []\n"
        );
    }
    let policy = Policy::parse("many.toml", &text).expect("a policy");
    let event = Event {
        change: Change::PolicyLoaded {
            policy: Arc::new(policy),
            sha256: "0".repeat(64),
        },
        ..noted("")
    };
    let line = encode(3, &event).expect("it fits without");
    assert!(!line.windows(9).any(|part| part == b"\"who_can\""));
    assert_eq!(decode(&line), Ok((3, event)));
}

#[test]
fn the_entry_of_a_policy_says_who_can_do_what() {
    let event = Event {
        change: golden_policy(),
        ..noted("")
    };
    let line = encode(0, &event).expect("short");
    let value: Value = serde_json::from_slice(&line).expect("JSON");
    assert_eq!(value["who_can"]["mia"], serde_json::json!(["deploy-shop"]));
    assert_eq!(value["who_can"]["designer"], serde_json::json!([]));
}

#[test]
fn what_a_newer_broker_wrote_is_named_as_such() {
    let line = encode(0, &noted("x")).expect("short");
    let text = str::from_utf8(&line).expect("JSON is UTF-8");
    let kind = text.replace("\"refused\"", "\"grant.borrowed\"");
    let error = decode(kind.as_bytes()).expect_err("unknown");
    assert_eq!(error, EntryError::UnknownKind("grant.borrowed".into()));
    let version = text.replace("\"v\":1", "\"v\":2");
    let error = decode(version.as_bytes()).expect_err("unknown");
    assert_eq!(error, EntryError::UnknownVersion(2));
    assert!(matches!(
        read(version.as_bytes()),
        Err(LedgerError::Unavailable(_))
    ));
    assert!(matches!(read(b"{}"), Err(LedgerError::Damaged(_))));
}

#[test]
fn a_field_that_is_wrong_or_missing_or_twice_is_refused() {
    let line = encode(0, &noted("x")).expect("short");
    let text = str::from_utf8(&line).expect("JSON is UTF-8");
    for (right, wrong) in [
        ("\"count\":1", "\"count\":-1"),
        ("\"count\":1", "\"count\":\"1\""),
        (",\"count\":1", ""),
        ("\"count\":1", "\"count\":1,\"count\":2"),
        ("\"by\":\"breakglass\"", "\"by\":\"Not A Person\""),
        (
            "\"at\":\"1970-01-01T00:00:00.000Z\"",
            "\"at\":\"yesterday\"",
        ),
        ("\"index\":0", "\"index\":0,\"index\":1"),
        ("}", "} {}"),
    ] {
        assert!(text.contains(right), "{text}");
        let error = decode(text.replace(right, wrong).as_bytes()).expect_err(wrong);
        assert!(
            matches!(error, EntryError::Malformed(_)),
            "{wrong}: {error}"
        );
    }
}

#[test]
fn a_line_longer_than_what_is_typed_today_is_still_read() {
    let long = "a reason ".repeat(100);
    let event = Event {
        change: Change::PersonRemoved {
            person: "mia".parse().expect("an id"),
            reason: Line::parse_up_to(&long, ENTRY_MAX).expect("a line"),
        },
        ..noted("")
    };
    let line = encode(0, &event).expect("fits");
    assert_eq!(decode(&line), Ok((0, event)));
}

/// What is refused today may have been taken yesterday, and the ledger is read for ever.
#[test]
fn a_text_that_is_refused_today_is_still_read() {
    let (text, at) = ("a\u{200b}b\nc", Time::from_millis(0));
    assert!(Line::parse(text).is_err());
    let event = Event {
        at,
        change: Change::PersonFrozen {
            person: "mia".parse().expect("an id"),
            reason: Line::recorded(text),
        },
        ..noted("")
    };
    let line = encode(0, &event).expect("fits");
    assert_eq!(decode(&line), Ok((0, event)));
}
