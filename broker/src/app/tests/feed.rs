//! Nobody who follows loses an event, however slow they are and however often they come back.

use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::command::Act;
use breakglass_domain::{IncidentId, Prose};

use super::world::World;
use crate::app::feed::{Subscription, Told};
use crate::app::limits::PAGES_AT_ONCE;

async fn note(world: &World, number: u64) {
    let text = Prose::parse(&format!("note {number}")).unwrap();
    let incident = IncidentId(1);
    // Each has only so many in an hour, and the clock stands still.
    let people = ["mia", "leon", "founder", "designer"];
    let person = people[usize::try_from(number).unwrap() % people.len()];
    let note = world.command(person, Act::Note { incident, text });
    world.app.note(note).await.unwrap();
}

async fn next(events: &mut Subscription) -> Arc<Told> {
    tokio::time::timeout(Duration::from_secs(5), events.next())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_slow_follower_reads_the_ledger_and_misses_nothing() {
    let world = World::with_feed_of(4).await;
    world.open_incident().await;
    let from = world.size();
    let mut slow = world.feed.subscribe(from);
    for number in 0..300 {
        note(&world, number).await;
    }
    assert_eq!(
        world.feed.oldest(),
        from + 296,
        "memory holds the newest four"
    );
    for place in from..from + 300 {
        let told = next(&mut slow).await;
        assert_eq!((told.index(), told.kind()), (place, "incident.noted"));
    }
}

#[tokio::test]
async fn coming_back_again_and_again_loses_and_repeats_nothing() {
    let world = World::with_feed_of(8).await;
    world.open_incident().await;
    let mut place = 0;
    for round in 0..40 {
        note(&world, round).await;
        let mut events = world.feed.subscribe(place);
        for _ in 0..round % 3 {
            if place < world.size() {
                assert_eq!(next(&mut events).await.index(), place);
                place += 1;
            }
        }
    }
    let mut events = world.feed.subscribe(place);
    while place < world.size() {
        assert_eq!(next(&mut events).await.index(), place);
        place += 1;
    }
}

#[tokio::test]
async fn who_waits_is_woken_and_giving_up_loses_nothing() {
    let world = World::new().await;
    world.open_incident().await;
    let from = world.size();
    let mut events = world.feed.subscribe(from);
    for _ in 0..3 {
        let nothing = tokio::time::timeout(Duration::from_millis(1), events.next()).await;
        assert!(nothing.is_err());
    }
    let waiting = tokio::spawn(async move { (next(&mut events).await.index(), events) });
    note(&world, 1).await;
    let (place, mut events) = waiting.await.unwrap();
    assert_eq!(place, from);
    note(&world, 2).await;
    assert_eq!(next(&mut events).await.index(), from + 1);
}

#[tokio::test]
async fn followers_are_counted_and_share_each_event() {
    let world = World::new().await;
    world.open_incident().await;
    let place = world.size();
    let mut followers: Vec<_> = (0..500).map(|_| world.feed.subscribe(place)).collect();
    note(&world, 1).await;
    let first = next(&mut followers[0]).await;
    for follower in &mut followers[1..] {
        assert!(Arc::ptr_eq(&first, &next(follower).await));
    }
    assert_eq!(world.app.watchers(), 500);
    drop(followers);
    assert_eq!(world.app.watchers(), 0);
}

#[tokio::test]
async fn an_ending_carries_what_it_ended() {
    let world = World::new().await;
    let incident = world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    let place = world.size();
    let reason = super::world::line("reverted");
    let close = world.command("mia", Act::Close { incident, reason });
    world.app.close(close).await.unwrap();
    let ended = world.feed.at(place).await.unwrap();
    assert_eq!(ended.grant.as_ref().unwrap().credentials, 1);
    let closed = world.feed.at(place + 1).await.unwrap();
    assert!(closed.incident.as_ref().unwrap().closed.is_some());
}

#[tokio::test]
async fn who_reads_old_entries_waits_for_a_turn_and_nobody_else_does() {
    let world = World::with_feed_of(4).await;
    world.open_incident().await;
    let turns = &world.feed.turns;
    let all = turns
        .acquire_many(PAGES_AT_ONCE.try_into().unwrap())
        .await
        .unwrap();
    let (mut old, mut live) = (world.feed.subscribe(0), world.feed.subscribe(world.size()));
    note(&world, 1).await;
    assert_eq!(next(&mut live).await.kind(), "incident.noted");
    assert!(old.reads_old_entries() && !live.reads_old_entries());
    let nothing = tokio::time::timeout(Duration::from_millis(1), old.next()).await;
    assert!(nothing.is_err(), "somebody else has every turn");
    drop(all);
    for place in 0..world.size() {
        assert_eq!(next(&mut old).await.index(), place);
    }
    assert!(!old.reads_old_entries());
    assert_eq!(turns.available_permits(), PAGES_AT_ONCE);
}
