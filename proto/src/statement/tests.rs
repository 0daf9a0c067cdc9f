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
        nonce: [7; NONCE_LEN],
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
