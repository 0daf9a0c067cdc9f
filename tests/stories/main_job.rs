//! The main job: an incident, a grant, a credential, and the end of it.

use breakglass_proto::v1::{GrantBasis, GrantEnding, GrantState};
use breakglass_tests::World;
use breakglass_tests::world::Ask;

use super::reason;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_change_floods_a_worker_and_mia_reverts_it() {
    let world = World::begins().await;
    let before = world.entries().len();
    let incident = world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "revert-config").await;
    assert_eq!(grant.basis(), GrantBasis::FastPath);
    assert_eq!(
        (grant.incident.as_str(), grant.person.as_str()),
        (incident.as_str(), "mia")
    );
    let token = world.takes_jwt("mia", &grant.id).await.unwrap();
    assert_eq!(token.audience, "https://config.shop.example");
    world.drops("mia", &grant.id).await.unwrap();
    let ended = world.grant(&grant.id).await;
    assert_eq!(
        (ended.state(), ended.ending()),
        (GrantState::Ended, GrantEnding::Dropped)
    );
    world.closes("leon", &incident).await.unwrap();

    let kinds = world.kinds_from(before);
    let happened: Vec<_> = kinds
        .iter()
        .filter(|kind| *kind != "person.enrolled")
        .collect();
    let told = [
        "incident.opened",
        "grant.requested",
        "grant.started",
        "credential.issued",
        "grant.ended",
        "incident.closed",
    ];
    assert_eq!(happened, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_open_incident_nobody_gets_anything() {
    let world = World::begins().await;
    let asked = world
        .glass("mia", &["request", "deploy-shop", "-m", "just so"])
        .await;
    assert_eq!(asked.code, 80, "{}", asked.err);
    let named = Ask::of("mia", "deploy-shop");
    for incident in ["INC-1", "INC-99"] {
        let refused = reason(world.asks_for(&named.clone().under(incident)).await);
        assert!(
            ["NO_OPEN_INCIDENT", "UNKNOWN_INCIDENT"].contains(&&*refused),
            "{refused}"
        );
    }
    let incident = world.opens("mia", "the shop is down").await;
    assert_eq!(
        reason(world.asks_for(&named.clone().under("INC-99")).await),
        "UNKNOWN_INCIDENT"
    );
    world.gets("mia", "deploy-shop").await;
    world.closes("mia", &incident).await.unwrap();
    world.opens("mia", "another one").await;
    assert_eq!(
        reason(world.asks_for(&named.under(&incident)).await),
        "INCIDENT_CLOSED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_nobody_wrote_down_does_not_exist() {
    let world = World::begins().await;
    world.opens("support", "the shop is down").await;
    assert_eq!(
        reason(world.asks("mia", "launch-rockets").await),
        "UNKNOWN_RIGHT"
    );
    assert_eq!(
        reason(world.asks("designer", "deploy-shop").await),
        "NOT_ALLOWED"
    );
    assert_eq!(
        reason(world.asks("support", "deploy-shop").await),
        "NOT_ALLOWED"
    );
    let longer = Ask::of("mia", "deploy-shop").minutes(31);
    assert_eq!(reason(world.asks_for(&longer).await), "TOO_LONG_A_TIME");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_designer_sees_everything_and_changes_nothing() {
    let world = World::begins().await;
    let incident = world.opens("support", "the shop is down").await;
    let grant = world.gets("mia", "deploy-shop").await;
    for words in [
        &["status"][..],
        &["grants"],
        &["grants", "show", &grant.id],
        &["incident", "show"],
        &["ledger", "list"],
        &["people", "list"],
        &["policy", "show"],
        &["can", "mia"],
        &["ledger", "verify"],
        &["incident", "note", "the logo still looks fine"],
    ] {
        let told = world.glass("designer", words).await;
        assert_eq!(told.code, 0, "{words:?}: {}", told.err);
    }
    let copy = world.scratch("a copy");
    for words in [
        &["incident", "close", "-m", "no"][..],
        &["revoke", &grant.id, "-m", "no"],
        &["freeze", "mia", "-m", "no"],
        &["people", "invite", "mia"],
        &["people", "remove", "mia", "-m", "no", "--yes"],
        &["incident", "open", "no"],
        &["drop", &grant.id],
        &["ledger", "export", copy.to_str().unwrap()],
    ] {
        let told = world.glass("designer", words).await;
        assert_eq!(told.code, 82, "{words:?}: {}{}", told.out, told.err);
    }
    assert_eq!(world.grant(&grant.id).await.state(), GrantState::Active);
    let shown = world
        .session("designer")
        .await
        .incident(&incident)
        .await
        .unwrap();
    assert_eq!(shown.incident.unwrap().notes[0].by, "designer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_round_trip_gives_grant_and_token() {
    let world = World::begins().await;
    world.opens("support", "the shop is down").await;
    let answer = world
        .asks_for(&Ask::of("mia", "deploy-shop").with_jwt())
        .await
        .unwrap();
    let (grant, token) = (answer.grant.unwrap(), answer.credential.unwrap());
    assert_eq!(token.id, format!("{}.1", grant.id));
    assert!(!token.value.is_empty());
    let waiting = world
        .asks_for(&Ask::of("mia", "migrate-shop-db").with_jwt())
        .await
        .unwrap();
    assert!(
        waiting.credential.is_none(),
        "nothing is issued to somebody who waits"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_grants_for_one_right_are_two() {
    let world = World::begins().await;
    world.opens("support", "the shop is down").await;
    let one = world.gets("mia", "deploy-shop").await;
    let other = world.gets("mia", "deploy-shop").await;
    world.drops("mia", &one.id).await.unwrap();
    assert_eq!(reason(world.takes_jwt("mia", &one.id).await), "GRANT_ENDED");
    world.takes_jwt("mia", &other.id).await.unwrap();
}
