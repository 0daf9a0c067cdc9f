//! Enrolment: one line, once, within a day.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_client::key::PrivateKey;
use breakglass_domain::policy::STARTER;
use breakglass_proto::statement::{Act, Statement};
use breakglass_proto::v1::EnrollRequest;
use breakglass_proto::v1::enroll_service_client::EnrollServiceClient;
use breakglass_tests::World;

use super::{reason, reason_of};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// With its last part, the secret, replaced.
fn with_secret(line: &str, secret: &str) -> String {
    let (rest, _) = line.rsplit_once('.').unwrap();
    format!("{rest}.{secret}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_opens_nothing() {
    let world = World::of_strangers().await;
    let line = world.takes_invitation_of("mia");
    let wrong = with_secret(&line, &URL_SAFE_NO_PAD.encode([7; 24]));
    let told = world.glass("mia", &["enroll", &wrong]).await;
    assert_eq!(told.code, 1);
    assert!(told.err.contains("token is not known"), "{}", told.err);
    assert!(told.err.contains("next:"), "{}", told.err);
    assert!(world.entries_of("person.enrolled").is_empty());
    assert!(
        world.entries_of("refused").is_empty(),
        "strangers write nothing into the ledger"
    );
    let told = world.glass("mia", &["enroll", &line]).await;
    assert_eq!(told.code, 0, "the right one still works: {}", told.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_token_does_not_work_twice() {
    let world = World::of_strangers().await;
    let line = world.takes_invitation_of("mia");
    assert_eq!(world.glass("mia", &["enroll", &line]).await.code, 0);
    let again = world.glass("thief", &["enroll", &line]).await;
    assert_eq!(again.code, 1);
    assert!(
        again.err.contains("may have been used already"),
        "{}",
        again.err
    );
    assert_eq!(world.entries_of("person.enrolled").len(), 1);
    assert!(
        !world.contexts().join("contexts/thief").exists(),
        "nothing is left behind"
    );
    world.session("mia").await.status().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_use_one_token_at_once_one_gets_in() {
    let world = World::of_strangers().await;
    let line = world.takes_invitation_of("mia");
    let words = ["enroll", line.as_str()];
    let (one, other) = tokio::join!(world.glass("one", &words), world.glass("other", &words));
    assert_eq!(
        (one.code + other.code, one.code * other.code),
        (1, 0),
        "{one:?} {other:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_works_for_a_day() {
    let world = World::of_strangers().await;
    let (mia, leon) = (
        world.takes_invitation_of("mia"),
        world.takes_invitation_of("leon"),
    );
    // The clock began a moment after the invitations were made, and this laptop's clock does not
    // move with it: less than five minutes before the end it is still in time to be believed.
    world.clock().passes(DAY - Duration::from_secs(60));
    let told = enrols_by_hand(&world, &mia).await;
    assert_eq!(told, Ok(()), "a minute before the end");
    world.clock().passes(Duration::from_secs(60));
    assert_eq!(
        enrols_by_hand(&world, &leon).await,
        Err("TOKEN_EXPIRED".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_not_the_one_of_the_line_gets_nothing() {
    let (world, other) = (World::of_strangers().await, World::of_strangers().await);
    let line = world.takes_invitation_of("mia");
    let port = |world: &World| world.addresses().grpc.port().to_string();
    let elsewhere = line.replacen(&port(&world), &port(&other), 1);
    let told = world.glass("mia", &["enroll", &elsewhere]).await;
    assert_eq!(told.code, 86, "{}", told.err);
    assert!(told.err.contains("VERIFICATION FAILED"), "{}", told.err);
    assert!(
        !told.err.contains(line.rsplit_once('.').unwrap().1),
        "the secret is not printed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statement_binds_the_key_to_the_token() {
    let world = World::of_strangers().await;
    let line = world.takes_invitation_of("mia");
    let (mine, other) = (
        PrivateKey::generate().unwrap(),
        PrivateKey::generate().unwrap(),
    );
    // Somebody in between swaps the key, and cannot sign for the token with it.
    let signed = signs(&world, &mine, &mine.id(), &line).await;
    let swapped = EnrollRequest {
        public_key: other.public_key().to_vec(),
        ..signed.clone()
    };
    assert_eq!(
        enrols(&world, &line, swapped).await,
        Err("SIGNATURE_INVALID".into())
    );
    let named = signs(&world, &other, &mine.id(), &line).await;
    assert_eq!(
        enrols(&world, &line, named).await,
        Err("STATEMENT_INVALID".into())
    );
    for public_key in [Vec::new(), vec![4; 65], vec![0; 1_000]] {
        let broken = EnrollRequest {
            public_key,
            ..signed.clone()
        };
        let refused = enrols(&world, &line, broken).await.unwrap_err();
        assert!(
            ["INVALID_ARGUMENT", "SIGNATURE_INVALID"].contains(&&*refused),
            "{refused}"
        );
    }
    assert_eq!(enrols(&world, &line, signed).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_invites_and_only_people_of_the_policy() {
    let world = World::begins().await;
    assert_eq!(
        reason(world.session("mia").await.invite("leon").await.map(drop)),
        "NOT_PERMITTED"
    );
    let founder = world.session("founder").await;
    assert_eq!(
        reason(founder.invite("nobody").await.map(drop)),
        "UNKNOWN_PERSON"
    );
    let line = founder.invite("leon").await.unwrap().enrolment;
    let secret = line.rsplit_once('.').unwrap().1;
    let ledger = serde_json::to_string(&world.entries()).unwrap();
    assert!(!ledger.contains(secret), "only its hash is on record");
}

/// A target, and a right that leads there.
const WEB_1: &str = "\n[targets.web-1]\nkind = \"ssh\"\naddress = \"web-1.shop.example\"\n\n\
    [rights.shell-web]\nsentence = \"open a shell on the web servers\"\nrisk = \"high\"\n\
    longest = \"30m\"\nssh = { targets = [\"web-1\"], principals = [\"deploy\"] }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_enrols_opens_a_session_and_renews_itself() {
    let world = World::with_policy(&format!("{STARTER}{WEB_1}")).await;
    let founder = world.session("founder").await;
    let line = founder.invite_target("web-1").await.unwrap().enrolment;
    let told = world.glass("web-1", &["enroll", &line]).await;
    assert_eq!(told.code, 0, "{}", told.err);
    let said = format!("This is the guard of web-1 at {}.", world.url());
    assert!(told.out.contains(&said), "{}", told.out);
    let told = world.glass("web-1", &["whoami", "-o", "json"]).await;
    assert!(
        told.out.contains("\"person\": \"target:web-1\""),
        "{}",
        told.out
    );

    // What others did meanwhile stands in the ledger too: the proof that it only grew is to be had.
    world
        .glass("mia", &["incident", "open", "the queue is full"])
        .await;
    world.clock().passes(DAY * 21);
    let guard = world.session("web-1").await;
    let renewed = world.entries_of("target.renewed");
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert_eq!(renewed[0]["by"], "target:web-1");
    let refused = guard.people().await.map(drop);
    assert_eq!(reason(refused), "CERTIFICATE_INVALID", "it is nobody");
}

async fn enrols_by_hand(world: &World, line: &str) -> Result<(), String> {
    let key = PrivateKey::generate().unwrap();
    let request = signs(world, &key, &key.id(), line).await;
    enrols(world, line, request).await
}

async fn enrols(world: &World, line: &str, request: EnrollRequest) -> Result<(), String> {
    let pin = breakglass_client::invitation::Invitation::parse(line)
        .unwrap()
        .pin;
    let config = breakglass_client::tls::enrolling(pin, Default::default());
    let channel = breakglass_client::connect::connect(&world.server(), config)
        .await
        .unwrap();
    let answer = EnrollServiceClient::new(channel).enroll(request).await;
    answer.map(drop).map_err(|status| reason_of(&status))
}

/// `key` signs that `named` is to be enrolled with the token of the line.
async fn signs(world: &World, key: &PrivateKey, named: &str, line: &str) -> EnrollRequest {
    use breakglass_broker::ports::Clock as _;
    let invitation = breakglass_client::invitation::Invitation::parse(line).unwrap();
    let statement = Statement {
        origin: String::new(),
        by: String::new(),
        at: world.clock().now().timestamp(),
        act: Act::Enroll {
            token_sha256: invitation.secret_sha256(),
            key: named.to_owned(),
            device: "laptop".into(),
        },
        seen: None,
        nonce: breakglass_client::key::random().unwrap(),
    };
    EnrollRequest {
        token: invitation.secret().to_owned(),
        public_key: key.public_key().to_vec(),
        signed: Some(key.sign(&statement).unwrap()),
    }
}
