//! What is too long, too much or meant to deceive is refused, and nothing is lost by it.

use breakglass_proto::statement::Act;
use breakglass_proto::v1::grant_service_client::GrantServiceClient;
use breakglass_proto::v1::identity_service_client::IdentityServiceClient;
use breakglass_proto::v1::incident_service_client::IncidentServiceClient;
use breakglass_proto::v1::{
    NoteIncidentRequest, RequestGrantRequest, RevokeGrantRequest, Signed, WhoAmIRequest,
};
use breakglass_tests::World;
use breakglass_tests::world::Ask;

use super::{reason, reason_of};

fn revoke(grant: &str, reason: &str) -> Act {
    Act::Revoke {
        grant: grant.into(),
        reason: reason.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reason_of_ten_megabytes_is_refused_on_both_sides() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let long = "x".repeat(10 * 1024 * 1024);
    let told = world
        .glass("leon", &["revoke", &grant.id, "-m", &long])
        .await;
    assert_eq!(told.code, 2);
    assert!(told.err.len() < 1_000, "it is not said back in full");
    let mut leon = GrantServiceClient::new(world.channel("leon").await);
    // A program that is not ours sends it all the same.
    for length in [501, 5_000, 20_000, 10 * 1024 * 1024] {
        let signed = Some(
            world
                .signed("leon", revoke(&grant.id, &long[..length]))
                .await,
        );
        let refused = leon
            .revoke_grant(RevokeGrantRequest { signed })
            .await
            .unwrap_err();
        let refused = reason_of(&refused);
        assert!(
            ["INVALID_TEXT", "STATEMENT_INVALID"].contains(&&*refused),
            "{length}: {refused}"
        );
    }
    let signed = Some(world.signed("leon", revoke(&grant.id, &long[..500])).await);
    leon.revoke_grant(RevokeGrantRequest { signed })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminal_escapes_never_come_in() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let mut leon = GrantServiceClient::new(world.channel("leon").await);
    for hostile in [
        "\u{1b}]0;pwned\u{7}",
        "ok\u{1b}[2K\rapproved",
        "two\nlines",
        "right to left \u{202e}",
        "zero \u{200b} width",
        "c1 \u{9b}31m",
        "line \u{2028} separator",
        "",
        "   ",
    ] {
        let told = world
            .glass("leon", &["revoke", &grant.id, "-m", hostile])
            .await;
        assert_eq!(told.code, 2, "{hostile:?}: {}", told.err);
        assert!(!told.err.contains('\u{1b}'), "nothing hostile is printed");
        let signed = Some(world.signed("leon", revoke(&grant.id, hostile)).await);
        let refused = leon
            .revoke_grant(RevokeGrantRequest { signed })
            .await
            .unwrap_err();
        let refused = reason_of(&refused);
        assert!(
            ["INVALID_TEXT", "STATEMENT_INVALID"].contains(&&*refused),
            "{hostile:?} {refused}"
        );
    }
    let ledger = serde_json::to_string(&world.entries()).unwrap();
    assert!(
        !ledger.contains("\\u001b") && !ledger.contains('\u{202e}'),
        "{ledger}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_may_be_longer_and_have_lines() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let mut mia = IncidentServiceClient::new(world.channel("mia").await);
    let mut noted = async |text: String| {
        let act = Act::Note {
            incident: "INC-1".into(),
            text,
        };
        let signed = Some(world.signed("mia", act).await);
        mia.note_incident(NoteIncidentRequest { signed })
            .await
            .map_err(|why| reason_of(&why))
    };
    noted("first\nsecond\n\nfourth, with a \\ in it".into())
        .await
        .unwrap();
    noted("n".repeat(4_000)).await.unwrap();
    assert_eq!(
        noted("n".repeat(4_001)).await.map(drop),
        Err("INVALID_TEXT".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_cannot_be_are_said_to_be_so() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let mut mia = GrantServiceClient::new(world.channel("mia").await);
    for right in [
        "",
        "Deploy Shop",
        "../../etc/passwd",
        "x".repeat(49).as_str(),
        "deploy\u{0}",
    ] {
        let act = Act::Request {
            right: right.into(),
            sentence: "deploy the shop app".into(),
            incident: "INC-1".into(),
            reason: "why".into(),
            length: jiff::SignedDuration::from_mins(1),
            held: false,
        };
        let signed = Some(world.signed("mia", act).await);
        let refused = mia
            .request_grant(RequestGrantRequest {
                signed,
                credential: 0,
            })
            .await;
        let refused = reason_of(&refused.unwrap_err());
        assert!(
            ["INVALID_TEXT", "STATEMENT_INVALID"].contains(&&*refused),
            "{right:?}: {refused}"
        );
    }
    let unknown = RequestGrantRequest {
        signed: Some(Signed::default()),
        credential: 99,
    };
    let refused = mia.request_grant(unknown).await.unwrap_err();
    assert_eq!(reason_of(&refused), "INVALID_ARGUMENT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_can_ask_only_so_often() {
    let world = World::begins().await;
    let mut mia = IdentityServiceClient::new(world.channel("mia").await);
    // The broker's clock stands still, so nothing fills up again.
    let mut answered = 0;
    let refused = loop {
        match mia.who_am_i(WhoAmIRequest {}).await {
            Ok(_) => answered += 1,
            Err(status) => break status,
        }
        assert!(answered < 1_000, "there is no limit");
    };
    assert_eq!(reason_of(&refused), "TOO_MANY");
    assert!(answered >= 100, "ordinary use is not held up: {answered}");
    let mut leon = IdentityServiceClient::new(world.channel("leon").await);
    leon.who_am_i(WhoAmIRequest {})
        .await
        .expect("others are not held up");
    world.clock().passes(std::time::Duration::from_secs(1));
    mia.who_am_i(WhoAmIRequest {})
        .await
        .expect("a second later she can ask again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incidents_are_announced_so_nobody_opens_them_without_end() {
    let world = World::begins().await;
    for number in 0..10 {
        world.opens("mia", &format!("alarm {number}")).await;
    }
    let session = world.session("mia").await;
    assert_eq!(
        reason(session.open_incident("sev3", "one more").await),
        "TOO_MANY"
    );
    world.opens("leon", "a real one").await;
    world.minutes_pass(61).await;
    world.opens("mia", "an hour later").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_forgets_to_give_back_is_stopped() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let session = world.session("mia").await;
    let right = session.right("deploy-shop").await.unwrap();
    let asked = breakglass_client::session::Asked {
        right: &right,
        incident: "INC-1",
        reason: "a loop",
        length: jiff::SignedDuration::from_mins(20),
        held: false,
        credential: Default::default(),
    };
    for number in 0..256 {
        if number % 64 == 0 {
            // So that it is not the number of calls in a second that stops it.
            world.passes(std::time::Duration::from_secs(2)).await;
        }
        session.request(&asked).await.unwrap();
    }
    assert_eq!(reason(session.request(&asked).await), "TOO_MANY");
    world
        .asks_for(&Ask::of("leon", "deploy-shop"))
        .await
        .expect("others are not held up");
}
