//! What happens, as it happens: nothing is lost, nothing comes twice, whatever breaks.

use breakglass_client::session::Session;
use breakglass_proto::v1::{WatchRequest, WatchResponse};
use breakglass_tests::World;
use breakglass_tests::wait::soon;

use super::reason;

async fn from(session: &Session, from_index: u64) -> tonic::Streaming<WatchResponse> {
    let request = WatchRequest {
        from_index: Some(from_index),
        ..WatchRequest::default()
    };
    session.watch(request).await.expect("the watch is open")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn across_reconnects_and_a_restart_no_event_is_lost() {
    let mut world = World::begins().await;
    world.is_enrolled("designer").await;
    let incident = world.opens("support", "the worker floods").await;
    let (mut next, mut heard) = (0, Vec::new());
    for round in 0..4 {
        // Something happens while nobody listens, also before and after a restart.
        let grant = world.gets("mia", "deploy-shop").await;
        world.drops("mia", &grant.id).await.unwrap();
        if round == 2 {
            world.restarts().await;
        }
        let session = world.session("designer").await;
        let mut stream = from(&session, next).await;
        let size = session.next_index().await.unwrap();
        while next < size {
            let event = soon("an event", stream.message()).await.unwrap().unwrap();
            assert_eq!(event.index, next, "in order, without a gap, none twice");
            heard.push(event.kind);
            next += 1;
        }
    }
    world.closes("leon", &incident).await.unwrap();
    let session = world.session("designer").await;
    let mut stream = from(&session, next).await;
    while heard.last().map(String::as_str) != Some("incident.closed") {
        heard.push(
            soon("an event", stream.message())
                .await
                .unwrap()
                .unwrap()
                .kind,
        );
    }
    assert_eq!(heard, world.kinds_from(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_lets_through_what_concerns_somebody() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let session = world.session("leon").await;
    let request = WatchRequest {
        person: "leon".into(),
        ..WatchRequest::default()
    };
    let mut mine = session.watch(request).await.unwrap();
    world.gets("mia", "deploy-shop").await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    // The first is none of Leon's business, the second waits for his yes.
    let event = soon("what concerns Leon", mine.message())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (event.kind.as_str(), event.grant.unwrap().id),
        ("grant.requested", request.id)
    );
    assert!(event.text.contains("Mia"), "{}", event.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_has_seen_what_has_not_happened() {
    let world = World::begins().await;
    let session = world.session("mia").await;
    let beyond = WatchRequest {
        from_index: Some(10_000),
        ..WatchRequest::default()
    };
    assert_eq!(reason(session.watch(beyond).await.map(drop)), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_gives_the_very_bytes() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let session = world.session("designer").await;
    let mut stream = session.follow(Some(0)).await.unwrap();
    for entry in world.entries() {
        let came = soon("an entry", stream.message())
            .await
            .unwrap()
            .unwrap()
            .entry
            .unwrap();
        let came: serde_json::Value = serde_json::from_slice(&came.line).unwrap();
        assert_eq!(came, entry);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stops_says_so_to_everybody() {
    let mut world = World::begins().await;
    let session = world.session("designer").await;
    let mut stream = session.watch(WatchRequest::default()).await.unwrap();
    let told = tokio::spawn(async move { stream.message().await });
    world.stops().await;
    let told = soon("the stream ends", told).await.unwrap().unwrap_err();
    assert_eq!(super::reason_of(&told), "SHUTTING_DOWN");
}
