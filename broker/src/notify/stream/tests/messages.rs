//! Messages of syslog.

use std::collections::BTreeSet;

use super::{LEDGER, entries, of_kind, told};
use crate::app::feed::Told;
use crate::notify::stream::syslog::{Origin, frame, test};

const ORIGIN: Origin<'static> = Origin {
    host: "glass.example",
    ledger: LEDGER,
    enterprise_number: 32_473,
};

/// The message in a frame, which is as long as the frame says and nothing more.
fn unframed(frame: &[u8]) -> Vec<u8> {
    let space = frame.iter().position(|byte| *byte == b' ').unwrap();
    let length = str::from_utf8(&frame[..space]).unwrap();
    assert!(!length.starts_with('0'), "RFC 6587: NONZERO-DIGIT first");
    let message = &frame[space + 1..];
    assert_eq!(length.parse::<usize>().unwrap(), message.len());
    message.to_vec()
}

fn message(told: &Told) -> Vec<u8> {
    unframed(&frame(told, &ORIGIN))
}

#[test]
fn a_message_is_frozen() {
    let ended = of_kind("stream.ended");
    let line = String::from_utf8(ended.recorded.line.to_vec()).unwrap();
    let index = ended.index();
    let frozen = format!(
        "<84>1 2026-11-23T03:05:00.000Z glass.example glassd - stream.ended [breakglass@32473 \
         ledger=\"glass.example/ledger\" index=\"{index}\" by=\"breakglass\"] {line}"
    );
    assert_eq!(String::from_utf8(message(&ended)).unwrap(), frozen);
    let framed = format!("{} {frozen}", frozen.len());
    assert_eq!(frame(&ended, &ORIGIN), framed.as_bytes());
}

#[test]
fn a_reader_filters_by_whom_and_what_it_is_about() {
    let issued = of_kind("credential.issued");
    let text = String::from_utf8(message(&issued)).unwrap();
    let head = format!(
        "<85>1 2026-11-23T03:05:00.000Z glass.example glassd - credential.issued [breakglass@32473 \
         ledger=\"glass.example/ledger\" index=\"{}\" by=\"breakglass\" incident=\"INC-12\" \
         grant=\"G-45\" person=\"mia\" right=\"migrate-shop-db\"] {{",
        issued.index()
    );
    assert!(text.starts_with(&head), "{text}");
}

/// As RFC 5424 has it: a number from 0 to 191, one version, each part of the head printable ASCII
/// without spaces and of its length, and the entry as it stands in the ledger.
#[test]
fn every_kind_is_a_message_that_carries_its_bytes() {
    let mut severities = BTreeSet::new();
    for told in entries() {
        let message = message(&told);
        let parts: Vec<&[u8]> = message.splitn(8, |byte| *byte == b' ').collect();
        let text = |part: usize| str::from_utf8(parts[part]).unwrap();
        let priority = text(0).strip_prefix('<').unwrap();
        let priority: u8 = priority.strip_suffix(">1").unwrap().parse().unwrap();
        assert_eq!(priority / 8, 10);
        severities.insert(priority % 8);
        assert_eq!(text(1), told.event().at.to_string());
        let head = [(2, "glass.example", 255), (3, "glassd", 48), (4, "-", 128)];
        for (part, wanted, most) in head.into_iter().chain([(5, told.kind(), 32)]) {
            assert_eq!(text(part), wanted);
            assert!(wanted.len() <= most && wanted.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        let line = &told.recorded.line;
        let with_bom = [b"\xef\xbb\xbf", &**line].concat();
        let carried = if line.is_ascii() { &**line } else { &with_bom };
        assert!(
            message.ends_with(&[b"] ", carried].concat()),
            "{}",
            told.kind()
        );
    }
    assert_eq!(severities, BTreeSet::from([3, 4, 5, 6]), "each is used");
}

#[test]
fn more_than_ascii_begins_with_a_byte_order_mark() {
    let line = r#"{"v":1,"index":7,"at":"2026-11-23T03:05:00.000Z","kind":"refused","by":"mia","act":"note","reason":"INVALID_TEXT","text":"naïve","count":1}"#;
    let message = message(&told(line));
    let wanted = [b"] \xef\xbb\xbf", line.as_bytes()].concat();
    assert!(message.ends_with(&wanted));
}

#[test]
fn what_would_end_structured_data_is_escaped() {
    let origin = Origin {
        ledger: r#"a"b\c]d"#,
        enterprise_number: 9,
        ..ORIGIN
    };
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let text = String::from_utf8(unframed(&test("siem", &origin, now))).unwrap();
    assert_eq!(
        text,
        "<86>1 2026-11-23T03:05:00.000Z glass.example glassd - stream.test [breakglass@9 \
         ledger=\"a\\\"b\\\\c\\]d\"] {\"test\":\"the stream siem of breakglass gets through\"}"
    );
}
