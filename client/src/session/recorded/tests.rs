//! A broker whose word differs from what is in the ledger, or from what was signed.

use breakglass_proto::statement::NONCE_LEN;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::key::PrivateKey;

const ORIGIN: &str = "glass.example/ledger";

fn entry(kind: &str, body: Value) -> Entry {
    let mut entry =
        json!({"v": 1, "index": 7, "at": "2026-11-23T03:05:00.000Z", "kind": kind, "by": "mia"});
    entry
        .as_object_mut()
        .unwrap()
        .extend(body.as_object().unwrap().clone());
    Entry::parse(entry.to_string().as_bytes()).unwrap()
}

/// What mia asked for, as the broker shows it.
fn shown() -> v1::Grant {
    v1::Grant {
        id: "G-45".into(),
        person: "mia".into(),
        right: "drop-db".into(),
        incident: "INC-1".into(),
        sentence: "drop the database".into(),
        reason: "flood".into(),
        length: Some(prost_types::Duration {
            seconds: 600,
            nanos: 0,
        }),
        ..v1::Grant::default()
    }
}

fn request(reason: &str) -> Statement {
    Statement {
        origin: ORIGIN.into(),
        by: "mia".into(),
        at: "2026-11-23T03:05:00Z".parse().unwrap(),
        act: Act::Request {
            right: "drop-db".into(),
            sentence: "drop the database".into(),
            incident: "INC-1".into(),
            reason: reason.into(),
            length: SignedDuration::from_mins(10),
            held: false,
        },
        seen: None,
        nonce: [7; NONCE_LEN],
    }
}

fn requested(statement: &Statement, key: &PrivateKey) -> Entry {
    let signed = key.sign(statement).unwrap();
    let signed = json!({"text": signed.text, "key": key.id(), "signature": STANDARD.encode(signed.signature)});
    let body = json!({"grant": "G-45", "person": "mia", "right": "drop-db", "incident": "INC-1",
        "sentence": "drop the database", "reason": "flood", "length_ms": 600_000, "held": false,
        "signed": signed});
    entry("grant.requested", body)
}

fn enrolled(key: &PrivateKey) -> Entry {
    let public = STANDARD.encode(key.public_key());
    entry(
        "person.enrolled",
        json!({"person": "mia", "key": key.id(), "public": public}),
    )
}

#[test]
fn an_approver_sees_what_the_ledger_has() {
    let entry = requested(&request("flood"), &PrivateKey::generate().unwrap());
    check_shown(&shown(), &entry).unwrap();
    let lies: [fn(&mut v1::Grant); 9] = [
        |shown| shown.id = "G-46".into(),
        |shown| shown.person = "leon".into(),
        |shown| shown.right = "restart".into(),
        |shown| shown.incident = "INC-2".into(),
        |shown| shown.sentence = "restart the shop".into(),
        |shown| shown.reason = "nothing special".into(),
        |shown| shown.length = None,
        |shown| shown.from_grant = "G-44".into(),
        |shown| shown.from_person = "leon".into(),
    ];
    for lie in lies {
        let mut shown = shown();
        lie(&mut shown);
        let error = check_shown(&shown, &entry).unwrap_err();
        assert_eq!(error.exit_code(), 86, "{error}");
    }
}

#[test]
fn what_the_ledger_has_is_what_the_requester_signed() {
    let (mia, leon) = (
        PrivateKey::generate().unwrap(),
        PrivateKey::generate().unwrap(),
    );
    let check = |statement: &Statement, signer, enrolment: &Entry| {
        let entry = requested(statement, signer);
        let signed = entry.signed.clone().unwrap();
        check_signed(&shown(), &entry, &signed, enrolment, ORIGIN)
    };
    check(&request("flood"), &mia, &enrolled(&mia)).unwrap();
    let elsewhere = Statement {
        origin: "other.example/ledger".into(),
        ..request("flood")
    };
    let of_leon = Statement {
        by: "leon".into(),
        ..request("flood")
    };
    let drop = Act::Drop {
        grant: "G-45".into(),
    };
    let other_act = Statement {
        act: drop,
        ..request("flood")
    };
    for (what, wrong) in [
        (
            "another key",
            check(&request("flood"), &leon, &enrolled(&mia)),
        ),
        (
            "other words",
            check(&request("not that bad"), &mia, &enrolled(&mia)),
        ),
        ("another ledger", check(&elsewhere, &mia, &enrolled(&mia))),
        ("another person", check(&of_leon, &mia, &enrolled(&mia))),
        ("another act", check(&other_act, &mia, &enrolled(&mia))),
    ] {
        assert_eq!(wrong.expect_err(what).exit_code(), 86, "{what}");
    }
}

#[test]
fn a_token_says_what_its_entry_announced() {
    let issued = entry(
        "credential.issued",
        json!({"grant": "G-45", "right": "drop-db", "credential": "G-45.1",
            "audience": "https://db.example", "expires_at": "2026-11-23T03:20:00.000Z"}),
    );
    let claims = json!({"jti": "G-45.1", "aud": "https://db.example", "grant": "G-45",
        "right": "drop-db", "exp": 1_795_404_000_i64, "ledger": {"origin": ORIGIN, "index": 7}});
    let token = |claims: &Value| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    check_token(&token(&claims), &issued).unwrap();
    for (name, value) in [
        ("jti", json!("G-45.2")),
        ("aud", json!("https://vault.example")),
        ("grant", json!("G-44")),
        ("right", json!("restart")),
        ("exp", json!(1_795_404_001_i64)),
        ("ledger", json!({"origin": ORIGIN, "index": 8})),
    ] {
        let mut other = claims.clone();
        other[name] = value;
        let error = check_token(&token(&other), &issued).unwrap_err();
        assert_eq!(error.exit_code(), 86, "{name}");
    }
    assert!(check_token("no token", &issued).is_err());
}

/// What mia hands over to leon, as the broker shows it.
fn shown_handed() -> v1::Grant {
    let until = "2026-11-23T03:15:00Z".parse().unwrap();
    v1::Grant {
        id: "G-46".into(),
        person: "leon".into(),
        from_grant: "G-45".into(),
        from_person: "mia".into(),
        until: Some(time::to_proto(until)),
        ..shown()
    }
}

#[test]
fn what_is_handed_over_was_signed_by_who_hands_over() {
    let mia = PrivateKey::generate().unwrap();
    let handing = Statement {
        act: Act::HandOver {
            grant: "G-45".into(),
            to: "leon".into(),
            incident: "INC-1".into(),
            right: "drop-db".into(),
            sentence: "drop the database".into(),
            reason: "flood".into(),
            until: "2026-11-23T03:15:00Z".parse().unwrap(),
        },
        ..request("flood")
    };
    let of = |statement: &Statement| {
        let mut entry = requested(statement, &mia);
        let more = json!({"grant": "G-46", "person": "leon", "from": "G-45",
            "since": "2026-11-23T03:00:00.000Z", "until": "2026-11-23T03:15:00.000Z"});
        entry.body.extend(more.as_object().unwrap().clone());
        entry
    };
    let check = |statement: &Statement, shown: &v1::Grant| {
        let entry = of(statement);
        check_shown(shown, &entry)?;
        let signed = entry.signed.clone().unwrap();
        check_signed(shown, &entry, &signed, &enrolled(&mia), ORIGIN)
    };
    check(&handing, &shown_handed()).unwrap();
    let as_request = check(&request("flood"), &shown_handed()).unwrap_err();
    assert_eq!(as_request.exit_code(), 86, "a request is no handover");
    let lies: [fn(&mut v1::Grant); 4] = [
        |shown| shown.from_person = "eve".into(),
        |shown| shown.from_grant = "G-44".into(),
        |shown| shown.until = None,
        |shown| shown.person = "eve".into(),
    ];
    for lie in lies {
        let mut shown = shown_handed();
        lie(&mut shown);
        assert_eq!(check(&handing, &shown).unwrap_err().exit_code(), 86);
    }
}
