//! The bytes that people sign, frozen.

use super::*;

fn approval() -> Statement {
    Statement {
        origin: "glass.example/ledger".into(),
        by: "leon".into(),
        at: "2026-11-23T03:05:00Z".parse().unwrap(),
        act: Act::Approve {
            grant: "G-45".into(),
            incident: "INC-12".into(),
            requester: "mia".into(),
            right: "deploy-shop".into(),
            sentence: "deploy the shop app".into(),
            until: "2026-11-23T03:20:00Z".parse().unwrap(),
        },
        seen: None,
        nonce: [7; NONCE_LEN],
    }
}

fn seen() -> Seen {
    Seen {
        size: 4711,
        root: [5; ROOT_LEN],
        signature: [6; SIGNATURE_LEN],
    }
}

const GOLDEN: &str = "breakglass/v1 approve\n\
        origin: glass.example/ledger\n\
        by: leon\n\
        at: 2026-11-23T03:05:00.000Z\n\
        grant: G-45\n\
        incident: INC-12\n\
        requester: mia\n\
        right: deploy-shop\n\
        sentence: deploy the shop app\n\
        until: 2026-11-23T03:20:00.000Z\n\
        nonce: BwcHBwcHBwcHBwcHBwcHBw\n";

#[test]
fn the_signed_bytes_are_frozen() {
    assert_eq!(approval().to_text(), GOLDEN);
    assert_eq!(Statement::parse(GOLDEN), Ok(approval()));
}

#[test]
fn an_answer_of_a_review_is_frozen_too() {
    let golden = "breakglass/v1 answer-review\n\
            origin: glass.example/ledger\n\
            by: leon\n\
            at: 2026-11-23T03:05:00.000Z\n\
            incident: INC-12\n\
            grant: G-45\n\
            needed: yes\n\
            width: too-wide\n\
            missing: a rollback without the database\n\
            nonce: BwcHBwcHBwcHBwcHBwcHBw\n";
    let statement = Statement {
        act: Act::AnswerReview {
            incident: "INC-12".into(),
            grant: "G-45".into(),
            needed: true,
            width: "too-wide".into(),
            missing: "a rollback without the database".into(),
        },
        ..approval()
    };
    assert_eq!(statement.to_text(), golden);
    assert_eq!(Statement::parse(golden), Ok(statement));
}

#[test]
fn an_invitation_of_a_guard_is_frozen_too() {
    let golden = "breakglass/v1 invite-target\n\
            origin: glass.example/ledger\n\
            by: founder\n\
            at: 2026-11-23T03:05:00.000Z\n\
            target: web-1\n\
            nonce: BwcHBwcHBwcHBwcHBwcHBw\n";
    let target = "web-1".to_owned();
    let statement = Statement {
        by: "founder".into(),
        act: Act::InviteTarget { target },
        ..approval()
    };
    assert_eq!(statement.to_text(), golden);
    assert_eq!(Statement::parse(golden), Ok(statement));
}

#[test]
fn the_hold_of_an_incident_is_frozen_too() {
    let golden = "breakglass/v1 hold-incident\n\
            origin: glass.example/ledger\n\
            by: mia\n\
            at: 2026-11-23T03:05:00.000Z\n\
            incident: INC-12\n\
            reason: the queue is still full\n\
            nonce: BwcHBwcHBwcHBwcHBwcHBw\n";
    let statement = Statement {
        by: "mia".into(),
        act: Act::HoldIncident {
            incident: "INC-12".into(),
            reason: "the queue is still full".into(),
        },
        ..approval()
    };
    assert_eq!(statement.to_text(), golden);
    assert_eq!(Statement::parse(golden), Ok(statement));
}

#[test]
fn a_recorded_call_is_frozen_too() {
    let golden = "breakglass/v1 record-call\n\
            origin: glass.example/ledger\n\
            by: mia\n\
            at: 2026-11-23T03:05:00.000Z\n\
            grant: G-45\n\
            incident: INC-12\n\
            requester: founder\n\
            right: read-secrets\n\
            sentence: read the shop's secrets\n\
            spoke-at: 2026-11-23T03:04:00.000Z\n\
            nonce: BwcHBwcHBwcHBwcHBwcHBw\n";
    let statement = Statement {
        by: "mia".into(),
        act: Act::RecordCall {
            grant: "G-45".into(),
            incident: "INC-12".into(),
            requester: "founder".into(),
            right: "read-secrets".into(),
            sentence: "read the shop's secrets".into(),
            spoke_at: "2026-11-23T03:04:00Z".parse().unwrap(),
        },
        ..approval()
    };
    assert_eq!(statement.to_text(), golden);
    assert_eq!(Statement::parse(golden), Ok(statement));
}

#[test]
fn a_veto_is_frozen_too() {
    let golden = "breakglass/v1 veto\n\
            origin: glass.example/ledger\n\
            by: designer\n\
            at: 2026-11-23T03:05:00.000Z\n\
            grant: G-45\n\
            reason: wait for leon\n\
            nonce: BwcHBwcHBwcHBwcHBwcHBw\n";
    let statement = Statement {
        by: "designer".into(),
        act: Act::Veto {
            grant: "G-45".into(),
            reason: "wait for leon".into(),
        },
        ..approval()
    };
    assert_eq!(statement.to_text(), golden);
    assert_eq!(Statement::parse(golden), Ok(statement));
}

#[test]
fn a_newline_in_a_note_cannot_forge_a_line() {
    let mut statement = approval();
    statement.act = Act::Note {
        incident: "INC-12".into(),
        text: "worker is flooded\nnonce: AAAA \\n".into(),
    };
    let text = statement.to_text();
    assert_eq!(text.lines().count(), 7);
    assert_eq!(Statement::parse(&text), Ok(statement));
}

#[test]
fn every_other_spelling_is_refused() {
    for (from, to) in [
        ("breakglass/v1", "breakglass/v2"),
        ("approve", "Approve"),
        ("by: leon\n", ""),
        ("by: leon\n", "by: leon\nby: mia\n"),
        ("by: leon", "by:leon"),
        (":00.000Z\ngrant", ":00Z\ngrant"),
        (":00.000Z\ngrant", ":00.000+00:00\ngrant"),
        ("BwcHBwcHBwcHBwcHBwcHBw\n", "BwcHBwcHBwcHBwcHBwcHBw"),
        ("BwcHBwcHBwcHBwcHBwcHBw\n", "BwcHBwcHBwcHBwcHBwcHBw\n\n"),
        ("BwcHBwcHBwcHBwcHBwcHBw", "BwcHBwcHBwcHBwcHBwcHBx"),
        ("BwcHBwcHBwcHBwcHBwcHBw", "BwcH"),
        ("deploy the", "deploy\tthe"),
        ("deploy the", "deploy \\x the"),
        ("leon", "leon\r"),
    ] {
        let text = GOLDEN.replacen(from, to, 1);
        assert_ne!(text, GOLDEN, "{from}");
        assert!(Statement::parse(&text).is_err(), "{from:?} -> {to:?}");
    }
    assert_eq!(
        Statement::parse(&"x".repeat(MAX_TEXT + 1)),
        Err(StatementError::TooLong)
    );
    assert!(Statement::parse("").is_err());
}

/// The approval of [`GOLDEN`], by somebody whose laptop had seen 4711 entries.
const GOLDEN_SEEN: &str = "breakglass/v1 approve\n\
        origin: glass.example/ledger\n\
        by: leon\n\
        at: 2026-11-23T03:05:00.000Z\n\
        grant: G-45\n\
        incident: INC-12\n\
        requester: mia\n\
        right: deploy-shop\n\
        sentence: deploy the shop app\n\
        until: 2026-11-23T03:20:00.000Z\n\
        seen: 4711 BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU= BgYGBgYGBgYGBgYGBgYGBgYGBgYG\
        BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY=\n\
        nonce: BwcHBwcHBwcHBwcHBwcHBw\n";

#[test]
fn what_a_laptop_had_seen_is_frozen_too() {
    let statement = Statement {
        seen: Some(seen()),
        ..approval()
    };
    assert_eq!(statement.to_text(), GOLDEN_SEEN);
    assert_eq!(Statement::parse(GOLDEN_SEEN), Ok(statement));
    assert_eq!(Seen::in_text(GOLDEN_SEEN), Ok(Some(seen())));
    assert_eq!(Seen::in_text(GOLDEN), Ok(None));
    let later = GOLDEN_SEEN.replace(" approve\n", " of-a-later-release\n");
    assert!(Statement::parse(&later).is_err());
    assert_eq!(Seen::in_text(&later), Ok(Some(seen())));
}

#[test]
fn its_checkpoint_can_be_written_again() {
    let note = seen().note("glass.example/ledger");
    let (text, signature) = note.split_once("\n\n").unwrap();
    let root = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=";
    assert_eq!(text, format!("glass.example/ledger\n4711\n{root}"));
    let line = signature.strip_prefix("\u{2014} glass.example/ledger ");
    let line = line.and_then(|line| line.strip_suffix('\n')).unwrap();
    assert_eq!(line.len(), 92, "an id of 4 bytes and 64 of the signature");
}

#[test]
fn every_other_spelling_of_what_was_seen_is_refused() {
    for (from, to) in [
        ("seen: 4711", "seen: 04711"),
        ("seen: 4711", "seen: +4711"),
        ("seen: 4711", "seen: 0"),
        ("seen: 4711", "seen: -1"),
        ("seen: 4711", "seen: 18446744073709551616"),
        ("seen: 4711 ", "seen: 4711  "),
        ("seen: 4711 ", "seen: "),
        ("seen: 4711", "seen:4711"),
        ("seen: 4711", "Seen: 4711"),
        ("BQU= ", "BQU "),
        ("BQU= ", "BQV= "),
        ("BQU= ", "BQUFBQ== "),
        ("BgY=\n", "BgY= \n"),
        ("BgY=\n", "BgZ=\n"),
        ("BgY=\n", "BgY= AAAA\n"),
        ("BgYGBgY=\n", "BgY=\n"),
        ("BgYGBgY=\n", "BgYGBgYGBgY=\n"),
    ] {
        let text = GOLDEN_SEEN.replacen(from, to, 1);
        assert_ne!(text, GOLDEN_SEEN, "{from}");
        assert!(Statement::parse(&text).is_err(), "{from:?} -> {to:?}");
        assert_ne!(Seen::in_text(&text), Ok(Some(seen())), "{from:?} -> {to:?}");
    }
    let line = GOLDEN_SEEN.lines().find(|it| it.starts_with("seen"));
    let line = format!("{}\n", line.unwrap());
    for elsewhere in [
        GOLDEN_SEEN.replacen(&line, &format!("{line}{line}"), 1),
        GOLDEN.replacen("grant:", &format!("{line}grant:"), 1),
        format!("{GOLDEN}{line}"),
    ] {
        assert!(Statement::parse(&elsewhere).is_err(), "{elsewhere}");
    }
}

/// Whatever a laptop had seen, and whatever it does, the text is read back as it was written.
#[test]
fn statements_with_anything_seen_come_back() {
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance
    };
    for round in 0..500 {
        let seen = Seen {
            size: (next() >> (next() % 64)).max(1),
            root: std::array::from_fn(|_| next() as u8),
            signature: std::array::from_fn(|_| next() as u8),
        };
        let text: String = (0..next() % 40)
            .filter_map(|_| char::from_u32(next() as u32 % 0x2000))
            .filter(|c| !c.is_control() || *c == '\n')
            .collect();
        let statement = Statement {
            act: Act::Note {
                incident: "INC-12".into(),
                text: format!("{text}\nseen: {round}"),
            },
            seen: (round % 5 > 0).then_some(seen),
            nonce: std::array::from_fn(|_| next() as u8),
            ..approval()
        };
        let text = statement.to_text();
        assert_eq!(Statement::parse(&text).as_ref(), Ok(&statement));
        assert_eq!(Seen::in_text(&text), Ok(statement.seen));
    }
}

#[test]
fn durations_are_whole_seconds() {
    let mut statement = approval();
    statement.act = Act::Request {
        right: "deploy-shop".into(),
        sentence: "deploy the shop app".into(),
        incident: "INC-12".into(),
        reason: "revert the flooded worker".into(),
        length: SignedDuration::from_mins(15),
        held: true,
    };
    let text = statement.to_text();
    assert!(text.contains("\nfor: 900\nheld: yes\n"));
    assert_eq!(Statement::parse(&text), Ok(statement));
    assert!(Statement::parse(&text.replace("for: 900", "for: +900")).is_err());
}
