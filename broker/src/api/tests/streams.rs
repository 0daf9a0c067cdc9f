//! Answers that go on, and how they end.

use std::time::Duration;

use breakglass_domain::command::Act as DomainAct;
use breakglass_proto::statement::Act;
use breakglass_proto::v1;
use breakglass_proto::v1::grant_service_client::GrantServiceClient;
use breakglass_proto::v1::incident_service_client::IncidentServiceClient;
use breakglass_proto::v1::ledger_service_client::LedgerServiceClient;
use breakglass_proto::v1::people_service_client::PeopleServiceClient;
use breakglass_proto::v1::watch_service_client::WatchServiceClient;
use tonic::{Status, Streaming};

use super::house::{House, reason};
use crate::api::{Options, limits::Limits};
use crate::app::limits::PAGES_AT_ONCE;
use crate::app::tests::world::World;

async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, Status> {
    tokio::time::timeout(Duration::from_secs(10), stream.message())
        .await
        .expect("in time")
}

async fn hold(house: &House, from_index: u64) -> Streaming<v1::HoldGrantResponse> {
    let request = v1::HoldGrantRequest {
        grant: "G-1".into(),
        from_index,
    };
    let mut grants = GrantServiceClient::new(house.channel("mia"));
    grants.hold_grant(request).await.unwrap().into_inner()
}

async fn watch(house: &House, person: &str) -> Streaming<v1::WatchResponse> {
    let mut watch = WatchServiceClient::new(house.channel(person));
    watch
        .watch(v1::WatchRequest::default())
        .await
        .unwrap()
        .into_inner()
}

async fn freeze_mia(house: &House) {
    let act = Act::Freeze {
        person: "mia".into(),
        reason: "laptop stolen".into(),
    };
    let signed = house.signed("leon", act);
    let mut people = PeopleServiceClient::new(house.channel("leon"));
    people
        .freeze_person(v1::FreezePersonRequest { signed })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_holder_hears_the_closing_within_the_same_breath() {
    let house = House::open().await;
    house.world.open_incident().await;
    let mut grants = GrantServiceClient::new(house.channel("mia"));
    grants.request_grant(house.asking("revert")).await.unwrap();
    let mut stream = hold(&house, 0).await;
    for kind in ["grant.requested", "grant.started", "credential.issued"] {
        assert_eq!(next(&mut stream).await.unwrap().unwrap().kind, kind);
    }
    let act = Act::CloseIncident {
        incident: "INC-1".into(),
        reason: "reverted".into(),
    };
    let request = v1::CloseIncidentRequest {
        signed: house.signed("leon", act),
    };
    let mut incidents = IncidentServiceClient::new(house.channel("leon"));
    incidents.close_incident(request).await.unwrap();
    let ended = next(&mut stream).await.unwrap().unwrap();
    let grant = ended.grant.unwrap();
    assert_eq!(
        (ended.kind.as_str(), grant.ended_by.as_str()),
        ("grant.ended", "leon")
    );
    assert!(next(&mut stream).await.unwrap().is_none(), "a clean end");
}

#[tokio::test]
async fn who_is_frozen_hears_that_and_nothing_more() {
    let house = House::open().await;
    house.world.open_incident().await;
    let mut grants = GrantServiceClient::new(house.channel("mia"));
    grants.request_grant(house.asking("revert")).await.unwrap();
    let mut holding = hold(&house, 0).await;
    let mut watching = watch(&house, "mia").await;
    freeze_mia(&house).await;
    let refused = loop {
        if let Err(status) = next(&mut watching).await {
            break status;
        }
    };
    assert_eq!(reason(&refused), "PERSON_FROZEN");
    let last = loop {
        let event = next(&mut holding).await.unwrap().unwrap();
        if event.kind == "grant.ended" {
            break event;
        }
    };
    assert_eq!(
        last.text,
        "G-1 ended because Mia was frozen: Mia can no longer deploy the shop \
        app: laptop stolen."
    );
}

#[tokio::test]
async fn a_stopping_broker_ends_every_stream_in_words() {
    let house = House::open().await;
    let mut watching = watch(&house, "mia").await;
    let mut ledger = LedgerServiceClient::new(house.channel("leon"));
    let request = v1::FollowEntriesRequest {
        from_index: Some(0),
    };
    let mut following = ledger.follow_entries(request).await.unwrap().into_inner();
    assert_eq!(
        next(&mut following)
            .await
            .unwrap()
            .unwrap()
            .entry
            .unwrap()
            .index,
        0
    );
    house.world.app.stop();
    assert_eq!(
        reason(&next(&mut watching).await.unwrap_err()),
        "SHUTTING_DOWN"
    );
    let told = loop {
        if let Err(status) = next(&mut following).await {
            break status;
        }
    };
    assert_eq!(reason(&told), "SHUTTING_DOWN");
    while house.world.app.watchers() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_export_begins_with_its_checkpoint() {
    let house = House::open().await;
    let size = house.world.size();
    let mut ledger = LedgerServiceClient::new(house.channel("founder"));
    let all = v1::ExportEntriesRequest::default();
    let mut copy = ledger.export_entries(all).await.unwrap().into_inner();
    let first = next(&mut copy).await.unwrap().unwrap();
    assert!(first.checkpoint.contains(&format!("\n{size}\n")) && first.entries.is_empty());
    let mut places = Vec::new();
    while let Some(page) = next(&mut copy).await.unwrap() {
        places.extend(page.entries.iter().map(|entry| entry.index));
    }
    assert_eq!(places, (0..size).collect::<Vec<_>>());
    let mut ledger = LedgerServiceClient::new(house.channel("designer"));
    let refused = ledger.export_entries(all).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_PERMITTED");
}

#[tokio::test]
async fn streams_of_one_person_are_counted_and_given_back() {
    let limits = Limits {
        streams_per_person: 2,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let house = House::with(World::new().await, &options).await;
    let first = watch(&house, "mia").await;
    let _second = watch(&house, "mia").await;
    let mut third = WatchServiceClient::new(house.channel("mia"));
    let refused = third.watch(v1::WatchRequest::default()).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY");
    watch(&house, "leon").await;
    drop(first);
    while third.watch(v1::WatchRequest::default()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_lost_holder_is_noticed() {
    let house = House::open().await;
    house.world.open_incident().await;
    let mut grants = GrantServiceClient::new(house.channel("mia"));
    grants.request_grant(house.asking("revert")).await.unwrap();
    let stream = hold(&house, 0).await;
    assert_eq!(house.world.app.watchers(), 1);
    drop(stream);
    while house.world.app.watchers() > 0 {
        tokio::task::yield_now().await;
    }
    let mut jobs = crate::jobs::Jobs::new(house.world.app.clone(), Box::new(|| {}));
    jobs.tick().await;
    house.world.clock.advance(60);
    jobs.tick().await;
    assert_eq!(house.world.kinds().last().unwrap(), "grant.ended");
}

#[tokio::test]
async fn one_person_looks_at_so_many_pasts_at_once_and_everybody_hears_the_present() {
    let house = House::with(World::with_feed_of(2).await, &Options::default()).await;
    let world = &house.world;
    for _ in 0..80 {
        let version = "0.1.0".to_owned();
        world.by_itself(DomainAct::Start { version }).await;
    }
    // Nobody gets on with reading while somebody else has every turn.
    let turns = PAGES_AT_ONCE.try_into().unwrap();
    let every_turn = world.feed.turns.acquire_many(turns).await.unwrap();
    let mut ledger = LedgerServiceClient::new(house.channel("mia"));
    let from_the_beginning = v1::FollowEntriesRequest {
        from_index: Some(0),
    };
    let mut pasts = Vec::new();
    let refused = loop {
        match ledger.follow_entries(from_the_beginning).await {
            Ok(stream) => pasts.push(stream.into_inner()),
            Err(refused) => break refused,
        }
    };
    assert_eq!((pasts.len(), reason(&refused).as_str()), (8, "TOO_MANY"));
    assert_eq!(
        refused.message(),
        "too many streams of one person that read old entries: at most 8"
    );
    let mut watches = WatchServiceClient::new(house.channel("mia"));
    let for_support = || v1::WatchRequest {
        from_index: Some(0),
        person: "support".into(),
        ..v1::WatchRequest::default()
    };
    let refused = watches.watch(for_support()).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY");

    // A little behind, or somebody else, or only what happens from now on: all of these may.
    let place = world.size() - 3;
    let from_index = Some(place);
    ledger
        .follow_entries(v1::FollowEntriesRequest { from_index })
        .await
        .unwrap();
    let mut leons = WatchServiceClient::new(house.channel("leon"));
    leons.watch(for_support()).await.unwrap();
    let mut now = watch(&house, "mia").await;
    world.open_incident().await;
    assert_eq!(
        next(&mut now).await.unwrap().unwrap().kind,
        "incident.opened"
    );

    // Who has caught up makes room.
    drop(every_turn);
    let last = world.size() - 1;
    for past in &mut pasts {
        while next(past).await.unwrap().unwrap().entry.unwrap().index < last {}
    }
    while watches.watch(for_support()).await.is_err() {
        tokio::task::yield_now().await;
    }
}
