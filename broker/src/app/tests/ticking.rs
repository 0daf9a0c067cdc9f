//! What ends by itself, with a held clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use breakglass_domain::GrantId;
use breakglass_domain::grant::Phase;

use super::world::World;
use crate::jobs::Jobs;

fn jobs(world: &World) -> Jobs {
    Jobs::new(Arc::clone(&world.app), Box::new(|| {}))
}

async fn ending(world: &World, grant: u64) -> Option<String> {
    match world.app.grant(GrantId(grant)).await.unwrap().phase {
        Phase::Ended(over) => Some(over.ending.to_string()),
        _ => None,
    }
}

#[tokio::test]
async fn a_grant_expires_at_its_time_and_not_before() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    let mut jobs = jobs(&world);
    world.clock.advance(15 * 60 - 1);
    let before = world.size();
    assert_eq!(jobs.tick().await, Duration::from_secs(1));
    assert_eq!(world.size(), before, "a look at the clock is no entry");
    world.clock.advance(1);
    jobs.tick().await;
    assert_eq!(ending(&world, 1).await.unwrap(), "expired");
    let after = world.size();
    jobs.tick().await;
    assert_eq!(world.size(), after, "once");
}

#[tokio::test]
async fn a_held_grant_ends_when_its_holder_is_gone_for_the_grace() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", true).await;
    world.request("mia", "deploy-shop", false).await;
    let mut jobs = jobs(&world);
    let hold = world
        .app
        .hold(&world.caller("mia"), GrantId(1), 0)
        .await
        .unwrap();
    for _ in 0..5 {
        world.clock.advance(60);
        jobs.tick().await;
    }
    assert_eq!(ending(&world, 1).await, None);
    drop(hold);
    jobs.tick().await;
    world.clock.advance(59);
    jobs.tick().await;
    assert_eq!(ending(&world, 1).await, None);
    world.clock.advance(1);
    jobs.tick().await;
    assert_eq!(ending(&world, 1).await.unwrap(), "abandoned");
    assert_eq!(
        ending(&world, 2).await,
        None,
        "what is not held lives alone"
    );
}

#[tokio::test]
async fn a_waiting_request_that_nobody_ever_held_is_abandoned_too() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "migrate-shop-db", true).await;
    let mut jobs = jobs(&world);
    jobs.tick().await;
    world.clock.advance(60);
    jobs.tick().await;
    assert_eq!(ending(&world, 1).await.unwrap(), "abandoned");
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_keeps_what_is_due_due() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    world.clock.advance(15 * 60);
    world.open_incident().await;
    world.clock.set_back(3_600);
    jobs(&world).tick().await;
    assert_eq!(ending(&world, 1).await.unwrap(), "expired");
    let problems = world.app.status().problems;
    let told = problems[0]
        .strip_prefix("The broker's clock says ")
        .unwrap();
    assert_eq!(told.matches(":00 UTC").count(), 2, "{problems:?}");
    assert!(
        problems[0].contains("nothing is issued until it catches up"),
        "{problems:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_written_stays_due_and_is_tried_again() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    let mut jobs = jobs(&world);
    world.clock.advance(15 * 60);
    world.sequencer.fails.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(jobs.tick().await, Duration::from_secs(1), "no busy loop");
    }
    assert_eq!(ending(&world, 1).await, None);
    world.sequencer.fails.store(false, Ordering::Relaxed);
    jobs.tick().await;
    assert_eq!(ending(&world, 1).await.unwrap(), "expired");
}

#[tokio::test]
async fn publishing_goes_on_every_few_seconds() {
    let world = World::new().await;
    let count = Arc::new(AtomicUsize::new(0));
    let published = Arc::clone(&count);
    let publish = move || {
        published.fetch_add(1, Ordering::Relaxed);
    };
    let mut jobs = Jobs::new(Arc::clone(&world.app), Box::new(publish));
    for _ in 0..11 {
        jobs.tick().await;
        world.clock.advance(1);
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn the_loop_ends_when_the_broker_stops() {
    let world = World::new().await;
    let running = tokio::spawn(jobs(&world).run());
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.app.stop();
    running.await.unwrap();
}
