//! Every other way a grant ends: by its time, by its holder, by others. Each is one entry.

use std::time::Duration;

use breakglass_proto::v1::{GrantEnding, GrantState};
use breakglass_tests::World;
use breakglass_tests::wait::soon;
use breakglass_tests::world::Ask;

use super::reason;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_ends_by_its_time() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let session = world.session("mia").await;
    let mut stream = session.hold(&grant.id, 0).await.unwrap();
    world.passes(Duration::from_secs(599)).await;
    assert_eq!(world.grant(&grant.id).await.state(), GrantState::Active);
    world.passes(Duration::from_secs(1)).await;
    let mut last = None;
    while let Some(news) = soon("its holder is told", stream.message()).await.unwrap() {
        last = Some(news.kind);
    }
    assert_eq!(last.as_deref(), Some("grant.ended"));
    assert_eq!(world.grant(&grant.id).await.ending(), GrantEnding::Expired);
    assert_eq!(
        reason(world.takes_jwt("mia", &grant.id).await),
        "GRANT_ENDED"
    );
    assert_eq!(reason(world.drops("mia", &grant.id).await), "GRANT_ENDED");
    assert_eq!(
        reason(world.extends("mia", &grant.id, 5).await),
        "GRANT_ENDED"
    );
    assert_eq!(
        reason(world.revokes("leon", &grant.id).await),
        "GRANT_ENDED"
    );
    let endings = world.entries_of("grant.ended");
    assert_eq!(endings.len(), 1, "exactly one ending: {endings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expiry_counts_when_it_matters_and_not_only_on_a_tick() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let session = world.session("mia").await;
    world.clock().passes(Duration::from_secs(600));
    assert_eq!(reason(session.issue(&grant.id).await), "GRANT_ENDED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_grant_is_somebody_elses() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    assert_eq!(
        reason(world.takes_jwt("leon", &grant.id).await),
        "NOT_YOURS"
    );
    assert_eq!(reason(world.drops("leon", &grant.id).await), "NOT_YOURS");
    assert_eq!(
        reason(world.extends("leon", &grant.id, 5).await),
        "NOT_YOURS"
    );
    let leon = world.session("leon").await;
    let held = leon.hold(&grant.id, 0).await;
    assert_eq!(reason(held.map(|_| "held")), "NOT_YOURS");
    assert_eq!(
        reason(leon.report_use(&grant.id, "psql").await),
        "NOT_YOURS"
    );
    assert_eq!(
        reason(world.takes_jwt("leon", "G-99").await),
        "UNKNOWN_GRANT"
    );
    world.takes_jwt("mia", &grant.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_is_revoked_by_somebody_with_the_duty() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    assert_eq!(
        reason(world.revokes("support", &grant.id).await),
        "NOT_PERMITTED"
    );
    let ended = world.revokes("leon", &grant.id).await.unwrap();
    assert_eq!(
        (ended.ending(), &*ended.ended_by),
        (GrantEnding::Revoked, "leon")
    );
    assert_eq!(ended.ending_reason, "wrong database");
    assert_eq!(
        reason(world.takes_jwt("mia", &grant.id).await),
        "GRANT_ENDED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_taken_back() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.drops("mia", &request.id).await.unwrap();
    assert_eq!(
        reason(world.approves("leon", &request.id).await),
        "GRANT_ENDED"
    );
    let asked = world
        .asks_for(&Ask::of("mia", "migrate-shop-db"))
        .await
        .unwrap();
    assert_ne!(asked.grant.unwrap().id, request.id);
}
