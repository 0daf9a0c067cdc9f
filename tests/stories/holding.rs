//! A held grant lives while its holder listens, and for a grace after.

use std::time::Duration;

use breakglass_proto::v1::{Grant, GrantEnding, GrantState};
use breakglass_tests::World;
use breakglass_tests::wait::{soon, until_async};
use breakglass_tests::world::Ask;

async fn held_by_mia(world: &World) -> Grant {
    world.opens("support", "the worker floods").await;
    world
        .asks_for(&Ask::of("mia", "deploy-shop").held())
        .await
        .unwrap()
        .grant
        .unwrap()
}

async fn ticks(world: &World, seconds: u64) {
    world.passes(Duration::from_secs(seconds)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_gone_for_the_grace_ends_the_grant() {
    let world = World::begins().await;
    let grant = held_by_mia(&world).await;
    let session = world.session("mia").await;
    let mut stream = session.hold(&grant.id, 0).await.unwrap();
    soon("it is held", stream.message()).await.unwrap().unwrap();
    ticks(&world, 300).await;
    assert_eq!(
        world.grant(&grant.id).await.state(),
        GrantState::Active,
        "as long as it is held"
    );
    drop((stream, session));
    // The broker hears of a closed connection when the system tells it; from then on a look each
    // second counts.
    let because = "nothing tells a caller when the broker has noticed that a stream is gone";
    let ended = until_async("the grant is abandoned", because, async || {
        ticks(&world, 10).await;
        let grant = world.grant(&grant.id).await;
        (grant.state() == GrantState::Ended).then_some(grant)
    })
    .await;
    assert_eq!(ended.ending(), GrantEnding::Abandoned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_ever_held_it_and_the_grace_counts_from_its_beginning() {
    let world = World::begins().await;
    let grant = held_by_mia(&world).await;
    ticks(&world, 0).await;
    ticks(&world, 59).await;
    assert_eq!(world.grant(&grant.id).await.state(), GrantState::Active);
    ticks(&world, 1).await;
    assert_eq!(
        world.grant(&grant.id).await.ending(),
        GrantEnding::Abandoned
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coming_back_within_the_grace_is_as_if_never_gone() {
    let world = World::begins().await;
    let grant = held_by_mia(&world).await;
    ticks(&world, 0).await;
    ticks(&world, 50).await;
    let session = world.session("mia").await;
    let mut stream = session.hold(&grant.id, 0).await.unwrap();
    soon("it is held", stream.message()).await.unwrap().unwrap();
    ticks(&world, 400).await;
    assert_eq!(world.grant(&grant.id).await.state(), GrantState::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_counts_as_gone_since_the_start() {
    let mut world = World::begins().await;
    let grant = held_by_mia(&world).await;
    let session = world.session("mia").await;
    let mut stream = session.hold(&grant.id, 0).await.unwrap();
    soon("it is held", stream.message()).await.unwrap().unwrap();
    ticks(&world, 120).await;
    world.restarts().await;
    drop((stream, session));
    ticks(&world, 0).await;
    ticks(&world, 59).await;
    assert_eq!(
        world.grant(&grant.id).await.state(),
        GrantState::Active,
        "she may come back"
    );
    ticks(&world, 1).await;
    assert_eq!(
        world.grant(&grant.id).await.ending(),
        GrantEnding::Abandoned
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_held_needs_nobody_there() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    ticks(&world, 0).await;
    ticks(&world, 500).await;
    assert_eq!(world.grant(&grant.id).await.state(), GrantState::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_held_is_abandoned_too() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let asked = world
        .asks_for(&Ask::of("mia", "migrate-shop-db").held())
        .await
        .unwrap();
    let request = asked.grant.unwrap();
    ticks(&world, 0).await;
    ticks(&world, 60).await;
    assert_eq!(
        world.grant(&request.id).await.ending(),
        GrantEnding::Abandoned
    );
}
