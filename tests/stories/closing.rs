//! Closing an incident ends everything under it, at once, and everybody who holds something is told.

use breakglass_proto::v1::{GrantEnding, GrantState};
use breakglass_tests::World;
use breakglass_tests::wait::soon;
use breakglass_tests::world::Ask;

use super::reason;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_ends_every_grant_in_one_batch() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    let other = world.opens("support", "mails are late").await;
    let (mia, leon) = (
        Ask::of("mia", "deploy-shop"),
        Ask::of("leon", "restart-worker"),
    );
    let active = [
        world
            .asks_for(&mia.under(&incident))
            .await
            .unwrap()
            .grant
            .unwrap(),
        world
            .asks_for(&leon.under(&incident))
            .await
            .unwrap()
            .grant
            .unwrap(),
    ];
    let waiting = Ask::of("mia", "read-secrets").under(&incident);
    let waiting = world.asks_for(&waiting).await.unwrap().grant.unwrap();
    let elsewhere = Ask::of("mia", "deploy-shop").under(&other);
    let elsewhere = world.asks_for(&elsewhere).await.unwrap().grant.unwrap();
    world.is_enrolled("founder").await;
    let before = world.entries().len();

    let closed = world.closes("founder", &incident).await.unwrap();
    assert_eq!(closed.ended.len(), 3);
    let entries = &world.entries()[before..];
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "grant.ended",
            "grant.ended",
            "grant.ended",
            "incident.closed"
        ]
    );
    assert!(
        entries
            .iter()
            .all(|entry| entry["at"] == entries[0]["at"] && entry["by"] == "founder")
    );
    for grant in active.iter().chain([&waiting]) {
        let ended = world.grant(&grant.id).await;
        assert_eq!(ended.ending(), GrantEnding::IncidentClosed);
        assert_eq!(
            (&*ended.ended_by, &*ended.ending_reason),
            ("founder", "reverted to 41f")
        );
        assert_eq!(
            reason(world.takes_jwt(&grant.person, &grant.id).await),
            "GRANT_ENDED"
        );
    }
    assert_eq!(
        reason(world.approves("leon", &waiting.id).await),
        "GRANT_ENDED"
    );
    assert_eq!(
        world.grant(&elsewhere.id).await.state(),
        GrantState::Active,
        "the other stays"
    );
    assert_eq!(
        reason(world.closes("founder", &incident).await),
        "INCIDENT_CLOSED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_holds_something_hears_who_closed_it_and_why() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    let mut streams = Vec::new();
    for who in ["mia", "leon"] {
        let asked = world
            .asks_for(&Ask::of(who, "deploy-shop").held())
            .await
            .unwrap();
        let grant = asked.grant.unwrap();
        let session = world.session(who).await;
        streams.push((session.hold(&grant.id, 0).await.unwrap(), grant.id));
    }
    world.closes("founder", &incident).await.unwrap();
    for (mut stream, grant) in streams {
        let (mut heard, mut last) = (Vec::new(), None);
        while let Some(news) = soon("the stream ends", stream.message()).await.unwrap() {
            heard.push(news.kind.clone());
            last = Some(news);
        }
        assert_eq!(heard.first().map(String::as_str), Some("grant.requested"));
        let last = last.expect("it heard something");
        assert_eq!(
            (last.kind.as_str(), last.by.as_str()),
            ("grant.ended", "founder")
        );
        assert!(last.text.contains("reverted to 41f"), "{}", last.text);
        assert_eq!(last.grant.map(|grant| grant.id), Some(grant));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_closes_itself_after_a_warning() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    world.minutes_pass(8 * 60 - 15).await;
    assert_eq!(world.entries_of("incident.warned").len(), 1);
    let asked = world
        .asks_for(&Ask::of("mia", "deploy-shop").minutes(30))
        .await
        .unwrap();
    let grant = asked.grant.unwrap();
    let closes = world
        .session("mia")
        .await
        .incident(&incident)
        .await
        .unwrap();
    let closes = closes.incident.unwrap().closes_at.unwrap();
    assert_eq!(
        grant.ends_at.unwrap().seconds,
        closes.seconds,
        "never past its incident"
    );
    world.minutes_pass(15).await;
    let ended = world.grant(&grant.id).await;
    assert_eq!(
        (ended.ending(), &*ended.ended_by),
        (GrantEnding::IncidentClosed, "breakglass")
    );
    let closed = &world.entries_of("incident.closed")[0];
    assert_eq!(closed["by"], "breakglass");
    assert_eq!(
        reason(world.asks("mia", "deploy-shop").await),
        "NO_OPEN_INCIDENT"
    );
}
