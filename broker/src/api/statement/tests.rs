use breakglass_domain::{Change, IncidentId};
use breakglass_proto::statement::NONCE_LEN;
use ring::rand::SystemRandom;

use super::*;
use crate::app::tests::world::{ORIGIN, World};
use crate::app::{App, Error as AppError};

fn request() -> Said {
    Said::Request {
        right: "deploy-shop".into(),
        sentence: "deploy the shop app".into(),
        incident: "INC-1".into(),
        reason: "revert the config change".into(),
        length: jiff::SignedDuration::from_mins(15),
        held: true,
    }
}

/// A statement of Mia's, for this broker, as of now.
fn statement(world: &World, act: Said) -> Statement {
    Statement {
        origin: ORIGIN.into(),
        by: "mia".into(),
        at: world.app.now().timestamp(),
        act,
        seen: None,
        nonce: [7; NONCE_LEN],
    }
}

fn sign(world: &World, person: &str, text: &str) -> v1::Signed {
    let pair = &world.team[person].pair;
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    v1::Signed {
        text: text.to_owned(),
        signature: signature.as_ref().to_vec(),
    }
}

fn take(world: &World, signed: v1::Signed, act: &'static str) -> Result<Command, Error> {
    let caller = world.caller("mia");
    by_caller(&caller, ORIGIN, Some(signed), act).and_then(|checked| command(&caller, checked))
}

fn reason_of(result: Result<Command, Error>) -> &'static str {
    result.unwrap_err().reason()
}

#[tokio::test]
async fn what_was_signed_is_what_is_done_and_kept() {
    let world = World::new().await;
    let text = statement(&world, request()).to_text();
    let command = take(&world, sign(&world, "mia", &text), "request").unwrap();
    let signed = command.signed.as_deref().unwrap();
    assert_eq!(
        (signed.text.as_str(), signed.nonce),
        (text.as_str(), Nonce([7; 16]))
    );
    assert_eq!(signed.key, world.caller("mia").key);
    let Act::Request {
        incident,
        length,
        held,
        credential,
        ..
    } = command.act
    else {
        panic!("{:?}", command.act);
    };
    assert_eq!(
        (incident, length.as_secs(), held),
        (IncidentId(1), 900, true)
    );
    assert!(!credential, "what is not signed is not in it");
}

#[tokio::test]
async fn another_broker_person_act_or_key_is_refused() {
    let world = World::new().await;
    let good = statement(&world, request());
    let other_origin = Statement {
        origin: "other.example/ledger".into(),
        ..good.clone()
    };
    let other_person = Statement {
        by: "leon".into(),
        ..good.clone()
    };
    let by_mia = |statement: &Statement| sign(&world, "mia", &statement.to_text());
    let refused = |signed| reason_of(take(&world, signed, "request"));
    assert_eq!(refused(by_mia(&other_origin)), "WRONG_BROKER");
    assert_eq!(refused(by_mia(&other_person)), "STATEMENT_INVALID");
    assert_eq!(
        refused(sign(&world, "leon", &good.to_text())),
        "SIGNATURE_INVALID"
    );
    assert_eq!(
        reason_of(take(&world, by_mia(&good), "approve")),
        "STATEMENT_INVALID"
    );
}

#[tokio::test]
async fn a_text_or_signature_that_was_touched_is_refused() {
    let world = World::new().await;
    let signed = sign(&world, "mia", &statement(&world, request()).to_text());
    let refused = |signed: v1::Signed| reason_of(take(&world, signed, "request"));
    let longer = v1::Signed {
        text: signed.text.replace("for: 900", "for: 901"),
        ..signed.clone()
    };
    assert_eq!(refused(longer), "SIGNATURE_INVALID");
    let mut touched = signed.clone();
    touched.signature[10] ^= 1;
    assert_eq!(refused(touched), "SIGNATURE_INVALID");
    for signature in [vec![], vec![0; 64], vec![0x30; 10_000]] {
        let touched = v1::Signed {
            signature,
            ..signed.clone()
        };
        assert_eq!(refused(touched), "SIGNATURE_INVALID");
    }
    assert_eq!(
        refused(v1::Signed {
            text: "x".repeat(16 * 1024 + 1),
            ..signed
        }),
        "INVALID_TEXT"
    );
    assert_eq!(refused(sign(&world, "mia", "please")), "STATEMENT_INVALID");
    let nothing = by_caller(&world.caller("mia"), ORIGIN, None, "request");
    assert_eq!(nothing.unwrap_err().reason(), "STATEMENT_INVALID");
}

#[tokio::test]
async fn what_a_person_typed_is_named_by_its_field() {
    let world = World::new().await;
    let refused = |act: Said| {
        let name = act.name();
        let signed = sign(&world, "mia", &statement(&world, act).to_text());
        match take(&world, signed, name).unwrap_err() {
            Error::Text { field, .. } => field,
            error => panic!("{error:?}"),
        }
    };
    let reason = |reason: &str| Said::Revoke {
        grant: "G-1".into(),
        reason: reason.into(),
    };
    assert_eq!(refused(reason("")), "reason");
    assert_eq!(refused(reason(&"x".repeat(501))), "reason");
    assert_eq!(refused(reason("two\nlines")), "reason");
    assert_eq!(refused(reason("right to left \u{202E}")), "reason");
    assert_eq!(refused(Said::Drop { grant: "45".into() }), "grant");
    let note = |text: &str| Said::Note {
        incident: "INC-1".into(),
        text: text.into(),
    };
    assert_eq!(refused(note(&"x".repeat(4_001))), "text");
    let (severity, title) = ("sev9".into(), "t".into());
    assert_eq!(refused(Said::OpenIncident { severity, title }), "severity");
    let by = jiff::SignedDuration::from_secs(-1);
    let extend = Said::Extend {
        grant: "G-1".into(),
        by,
        reason: "r".into(),
    };
    assert_eq!(refused(extend), "by-seconds");
}

/// Goes on to the rules, as the desk does.
async fn requested(app: &App, world: &World, signed: v1::Signed) -> Result<(), AppError> {
    let command = take(world, signed, "request").unwrap();
    app.request(&world.caller("mia"), command).await.map(drop)
}

#[tokio::test]
async fn a_statement_works_once_and_while_it_is_fresh() {
    let world = World::new().await;
    world.open_incident().await;
    let first = statement(&world, request());
    let signed = sign(&world, "mia", &first.to_text());
    requested(&world.app, &world, signed.clone()).await.unwrap();
    let replayed = requested(&world.app, &world, signed).await.unwrap_err();
    assert_eq!(Error::App(replayed).reason(), "STATEMENT_REPLAYED");

    let later = Statement {
        nonce: [8; NONCE_LEN],
        ..statement(&world, request())
    };
    world.clock.advance(301);
    let stale = sign(&world, "mia", &later.to_text());
    let stale = requested(&world.app, &world, stale).await.unwrap_err();
    assert_eq!(Error::App(stale).reason(), "STATEMENT_STALE");
}

#[tokio::test]
async fn the_entry_holds_the_statement_word_for_word() {
    let world = World::new().await;
    world.open_incident().await;
    let text = statement(&world, request()).to_text();
    requested(&world.app, &world, sign(&world, "mia", &text))
        .await
        .unwrap();
    let entries = world.reader().entries(0, 100).unwrap();
    let events = entries
        .iter()
        .map(|line| crate::ledger::entry::decode(line).unwrap().1);
    let mut asked = events.filter(|event| matches!(event.change, Change::GrantRequested { .. }));
    assert_eq!(asked.next().unwrap().signed.as_ref().unwrap().text, text);
}
