//! What is signed is what is done. Everything else about a statement is refused, and is on record.

use breakglass_client::key::PrivateKey;
use breakglass_proto::statement::{Act, Statement};
use breakglass_proto::v1::grant_service_client::GrantServiceClient;
use breakglass_proto::v1::incident_service_client::IncidentServiceClient;
use breakglass_proto::v1::{
    ApproveGrantRequest, CloseIncidentRequest, DropGrantRequest, NoteIncidentRequest, Signed,
};
use breakglass_tests::World;
use jiff::SignedDuration;
use tonic::transport::Channel;

use super::reason_of;

async fn flooded() -> (World, IncidentServiceClient<Channel>) {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let mia = IncidentServiceClient::new(world.channel("mia").await);
    (world, mia)
}

fn note(text: &str) -> Act {
    Act::Note {
        incident: "INC-1".into(),
        text: text.into(),
    }
}

async fn noted(mia: &mut IncidentServiceClient<Channel>, signed: Signed) -> Result<u64, String> {
    let request = NoteIncidentRequest {
        signed: Some(signed),
    };
    match mia.note_incident(request).await {
        Ok(answer) => Ok(answer.into_inner().receipt.expect("a receipt").index),
        Err(status) => Err(reason_of(&status)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_works_once() {
    let (world, mut mia) = flooded().await;
    let signed = world.signed("mia", note("queue at 40k")).await;
    let index = noted(&mut mia, signed.clone()).await.unwrap();
    let entry = &world.entries()[usize::try_from(index).unwrap()];
    assert_eq!(
        entry["signed"]["text"], signed.text,
        "what was signed stands in the entry"
    );
    assert_eq!(
        noted(&mut mia, signed.clone()).await,
        Err("STATEMENT_REPLAYED".into())
    );
    // Also when the first one is long ago: then it is stale.
    world.minutes_pass(6).await;
    assert_eq!(noted(&mut mia, signed).await, Err("STATEMENT_STALE".into()));
    assert_eq!(world.entries_of("incident.noted").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_no_statement() {
    let (mut world, mut mia) = flooded().await;
    let signed = world.signed("mia", note("queue at 40k")).await;
    noted(&mut mia, signed.clone()).await.unwrap();
    world.restarts().await;
    let mut mia = IncidentServiceClient::new(world.channel("mia").await);
    assert_eq!(
        noted(&mut mia, signed).await,
        Err("STATEMENT_REPLAYED".into())
    );
}

/// A note of Mia's, signed for another broker.
async fn signed_elsewhere(world: &World) -> Signed {
    let statement = world.statement("mia", note("hello")).await;
    let elsewhere = Statement {
        origin: "other.example/ledger".into(),
        ..statement
    };
    world.identity("mia").await.key.sign(&elsewhere).unwrap()
}

/// Those too that the rules never saw.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_serving_forgets_no_refused_statement() {
    let (mut world, mut mia) = flooded().await;
    for _ in 0..5 {
        let signed = signed_elsewhere(&world).await;
        assert_eq!(noted(&mut mia, signed).await, Err("WRONG_BROKER".into()));
    }
    world.stops().await;
    let refused = world.entries_of("refused").into_iter();
    let counts = refused.map(|entry| entry["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_for_another_broker_is_refused() {
    let (world, mut mia) = flooded().await;
    let signed = signed_elsewhere(&world).await;
    assert_eq!(noted(&mut mia, signed).await, Err("WRONG_BROKER".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_letter_breaks_the_signature() {
    let (world, mut mia) = flooded().await;
    let signed = world.signed("mia", note("drop table jobs_old")).await;
    let text = signed.text.replace("jobs_old", "jobs_new");
    let tampered = Signed {
        text,
        signature: signed.signature.clone(),
    };
    assert_eq!(
        noted(&mut mia, tampered).await,
        Err("SIGNATURE_INVALID".into())
    );
    let mut signature = signed.signature.clone();
    *signature.last_mut().unwrap() ^= 1;
    let tampered = Signed {
        text: signed.text.clone(),
        signature,
    };
    assert_eq!(
        noted(&mut mia, tampered).await,
        Err("SIGNATURE_INVALID".into())
    );
    for signature in [Vec::new(), vec![0; 72], vec![0x30; 10_000]] {
        let tampered = Signed {
            text: signed.text.clone(),
            signature,
        };
        assert_eq!(
            noted(&mut mia, tampered).await,
            Err("SIGNATURE_INVALID".into())
        );
    }
    noted(&mut mia, signed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_key_and_somebody_elses_name_are_refused() {
    let (world, mut mia) = flooded().await;
    world.is_enrolled("leon").await;
    // Leon's statement, sent over Mia's connection: she cannot pass it off.
    let leons = world.signed("leon", note("I was here")).await;
    let refused = noted(&mut mia, leons).await.unwrap_err();
    assert!(
        ["SIGNATURE_INVALID", "STATEMENT_INVALID"].contains(&&*refused),
        "{refused}"
    );
    // Mia's key under Leon's name.
    let statement = world.statement("mia", note("I was here")).await;
    let forged = Statement {
        by: "leon".into(),
        ..statement
    };
    let signed = world.identity("mia").await.key.sign(&forged).unwrap();
    let refused = noted(&mut mia, signed).await.unwrap_err();
    assert!(
        ["SIGNATURE_INVALID", "STATEMENT_INVALID"].contains(&&*refused),
        "{refused}"
    );
    // A key nobody knows, under her own name.
    let statement = world.statement("mia", note("I was here")).await;
    let signed = PrivateKey::generate().unwrap().sign(&statement).unwrap();
    assert_eq!(
        noted(&mut mia, signed).await,
        Err("SIGNATURE_INVALID".into())
    );
    assert_eq!(world.entries_of("incident.noted").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_is_for_one_call_only() {
    let (world, mut mia) = flooded().await;
    let signed = world.signed("mia", note("just a note")).await;
    let request = CloseIncidentRequest {
        signed: Some(signed),
    };
    let refused = mia.close_incident(request).await.unwrap_err();
    assert_eq!(reason_of(&refused), "STATEMENT_INVALID");
    let refused = mia
        .close_incident(CloseIncidentRequest::default())
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "STATEMENT_INVALID");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_five_minutes_off_is_stale_in_both_directions() {
    let (world, mut mia) = flooded().await;
    for (minutes, seconds, good) in [(-5, 0, true), (-5, -1, false), (5, 0, true), (5, 1, false)] {
        let statement = world.statement("mia", note("when?")).await;
        let off = SignedDuration::from_secs(minutes * 60 + seconds);
        let at = statement.at.checked_add(off).unwrap();
        let off = Statement { at, ..statement };
        let signed = world.identity("mia").await.key.sign(&off).unwrap();
        let taken = noted(&mut mia, signed).await;
        match good {
            true => assert!(taken.is_ok(), "{minutes}m {seconds}s: {taken:?}"),
            false => assert_eq!(
                taken,
                Err("STATEMENT_STALE".into()),
                "{minutes}m {seconds}s"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_one_text_for_each_statement() {
    let (world, mut mia) = flooded().await;
    let key = world.identity("mia").await.key;
    for change in [
        |text: &str| text.replacen("Z\n", "+00:00\n", 1),
        |text: &str| text.trim_end().to_owned(),
        |text: &str| format!("{text}\n"),
        |text: &str| text.replace('\n', "\r\n"),
        |text: &str| text.replacen("breakglass/v1", "breakglass/v2", 1),
        |text: &str| text.replacen("nonce: ", "extra: x\nnonce: ", 1),
        |_: &str| String::new(),
    ] {
        let text = change(&world.statement("mia", note("a\nb")).await.to_text());
        let signed = sign_bytes(&key, text);
        let refused = noted(&mut mia, signed).await.unwrap_err();
        assert_eq!(refused, "STATEMENT_INVALID");
    }
}

/// Signs any text, as a program that is not ours would.
fn sign_bytes(key: &PrivateKey, text: String) -> Signed {
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    let random = ring::rand::SystemRandom::new();
    let key = key.to_tls();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.secret_der(), &random);
    let signature = pair.unwrap().sign(&random, text.as_bytes()).unwrap();
    Signed {
        text,
        signature: signature.as_ref().to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_for_what_was_shown_and_nothing_else() {
    let (world, _) = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    let other = world.waits_for("mia", "read-secrets").await;
    let mut leon = GrantServiceClient::new(world.channel("leon").await);
    let until = |until: &str, grant: &str, right: &str, sentence: &str| Act::Approve {
        grant: grant.into(),
        incident: "INC-1".into(),
        requester: "mia".into(),
        right: right.into(),
        sentence: sentence.into(),
        until: until.parse().unwrap(),
    };
    let shown = |grant: &str, right: &str, sentence: &str| {
        until("2099-01-01T00:00:00Z", grant, right, sentence)
    };
    for act in [
        shown(&other.id, "migrate-shop-db", "change the shop database"),
        shown(&request.id, "migrate-shop-db", "look at the shop database"),
        shown(&request.id, "deploy-shop", "deploy the shop app"),
    ] {
        let signed = Some(world.signed("leon", act).await);
        let refused = leon
            .approve_grant(ApproveGrantRequest { signed })
            .await
            .unwrap_err();
        assert_eq!(reason_of(&refused), "SENTENCE_CHANGED");
    }
    let sentence = "change the shop database";
    let past = until(
        "2020-01-01T00:00:00Z",
        &request.id,
        "migrate-shop-db",
        sentence,
    );
    let signed = Some(world.signed("leon", past).await);
    let refused = leon
        .approve_grant(ApproveGrantRequest { signed })
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "SENTENCE_CHANGED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_approver_can_agree_to_less_time() {
    let (world, _) = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    let statement = world
        .statement(
            "leon",
            Act::Drop {
                grant: String::new(),
            },
        )
        .await;
    let until = statement
        .at
        .checked_add(SignedDuration::from_mins(2))
        .unwrap();
    let act = Act::Approve {
        grant: request.id.clone(),
        incident: request.incident.clone(),
        requester: "mia".into(),
        right: request.right.clone(),
        sentence: request.sentence.clone(),
        until,
    };
    let mut leon = GrantServiceClient::new(world.channel("leon").await);
    let signed = Some(world.signed("leon", act).await);
    let answer = leon
        .approve_grant(ApproveGrantRequest { signed })
        .await
        .unwrap()
        .into_inner();
    let grant = answer.grant.unwrap();
    assert_eq!(grant.ends_at.unwrap().seconds, until.as_second());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_certificate_without_its_key_is_nothing() {
    let (world, _) = flooded().await;
    let grant = world.gets("mia", "deploy-shop").await;
    // Leon's connection, with a statement in his own name: the grant is still Mia's.
    let mut leon = GrantServiceClient::new(world.channel("leon").await);
    let signed = Some(
        world
            .signed(
                "leon",
                Act::Drop {
                    grant: grant.id.clone(),
                },
            )
            .await,
    );
    let refused = leon
        .drop_grant(DropGrantRequest { signed })
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "NOT_YOURS");
}
