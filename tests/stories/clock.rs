//! The broker's clock is set back, or forward. Nothing that ended lives again.

use std::time::Duration;

use breakglass_proto::v1::{GrantEnding, GrantState};
use breakglass_tests::{World, https};

use super::reason;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_back_an_hour_nothing_begins_and_everything_can_end() {
    let world = World::begins().await;
    world.clock().passes(HOUR * 2);
    let incident = world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let request = world.waits_for("leon", "migrate-shop-db").await;
    world.clock().is_set_back(HOUR);

    assert_eq!(
        reason(world.asks("mia", "deploy-shop").await),
        "CLOCK_BEHIND"
    );
    assert_eq!(
        reason(world.takes_jwt("mia", &grant.id).await),
        "CLOCK_BEHIND"
    );
    assert_eq!(
        reason(world.approves("mia", &request.id).await),
        "CLOCK_BEHIND"
    );
    assert_eq!(
        reason(world.extends("mia", &grant.id, 5).await),
        "CLOCK_BEHIND"
    );
    let shown = world
        .glass("mia", &["request", "deploy-shop", "-m", "again"])
        .await;
    assert_eq!(shown.code, 85, "{}", shown.err);
    let status = world.glass("designer", &["status"]).await;
    assert!(
        status.out.contains("clock"),
        "everybody sees it: {}",
        status.out
    );
    let health = https::get(world.web(), &world.ca_pem().await, "/healthz").await;
    assert_eq!(health.status, 503, "whoever watches it hears of it too");

    let ended = world.drops("mia", &grant.id).await.unwrap();
    assert_eq!(ended.ending(), GrantEnding::Dropped);
    let closed = world.closes("mia", &incident).await.unwrap();
    assert_eq!(closed.ended.len(), 1, "the request that waited");
    let times: Vec<_> = world
        .entries()
        .iter()
        .map(|entry| entry["at"].to_string())
        .collect();
    assert!(times.is_sorted(), "the ledger's time never goes back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_clock_has_caught_up_all_goes_on() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world.clock().is_set_back(Duration::from_secs(90));
    assert_eq!(
        reason(world.asks("mia", "deploy-shop").await),
        "CLOCK_BEHIND"
    );
    world.passes(Duration::from_secs(91)).await;
    world.gets("mia", "deploy-shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_never_lives_again() {
    let mut world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.minutes_pass(10).await;
    assert_eq!(world.grant(&grant.id).await.ending(), GrantEnding::Expired);
    world.clock().is_set_back(Duration::from_secs(9 * 60));
    for restarted in [false, true] {
        if restarted {
            world.restarts().await;
        }
        let now = world.grant(&grant.id).await;
        assert_eq!(
            (now.state(), now.ending()),
            (GrantState::Ended, GrantEnding::Expired)
        );
        let refused = reason(world.takes_jwt("mia", &grant.id).await);
        assert!(
            ["GRANT_ENDED", "CLOCK_BEHIND"].contains(&&*refused),
            "{refused}"
        );
        assert_eq!(reason(world.drops("mia", &grant.id).await), "GRANT_ENDED");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_seconds_behind_are_nothing() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world.clock().is_set_back(Duration::from_secs(2));
    world.gets("mia", "deploy-shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_ahead_ends_what_would_be_over() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.clock().is_set_forward(HOUR);
    assert_eq!(
        reason(world.takes_jwt("mia", &grant.id).await),
        "GRANT_ENDED"
    );
}
