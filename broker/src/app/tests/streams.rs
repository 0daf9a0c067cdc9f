//! Holding and watching.

use std::sync::atomic::Ordering;
use std::time::Duration;

use breakglass_domain::command::Act;
use breakglass_domain::grant::Phase;
use breakglass_domain::{Actor, GrantId, Refusal};

use super::world::{World, id, line};
use crate::app::limits::PAGES_AT_ONCE;
use crate::app::{Error, Hold, Watch, WatchFilter};

async fn heard(hold: &mut Hold) -> Option<String> {
    let news = tokio::time::timeout(Duration::from_secs(5), hold.next()).await;
    news.unwrap()
        .unwrap()
        .map(|news| news.told.kind().to_owned())
}

async fn seen(watch: &mut Watch) -> String {
    let news = tokio::time::timeout(Duration::from_secs(5), watch.next()).await;
    news.unwrap().unwrap().told.kind().to_owned()
}

async fn close(world: &World) {
    let (incident, reason) = (breakglass_domain::IncidentId(1), line("worker reverted"));
    let close = world.command("leon", Act::Close { incident, reason });
    world.app.close(close).await.unwrap();
}

#[tokio::test]
async fn a_holder_hears_everything_from_the_request_to_the_ending() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("leon", "deploy-shop", false).await;
    let asked = world.request("mia", "migrate-shop-db", true).await.grant;
    let mut hold = world
        .app
        .hold(&world.caller("mia"), GrantId(2), 0)
        .await
        .unwrap();
    assert_eq!(heard(&mut hold).await.unwrap(), "grant.requested");
    let approve = world.command("leon", world.approving(&asked));
    world.app.act_on_grant(approve).await.unwrap();
    assert_eq!(heard(&mut hold).await.unwrap(), "grant.started");
    close(&world).await;
    let news = hold.next().await.unwrap().unwrap();
    assert_eq!(news.told.kind(), "grant.ended");
    assert_eq!(
        news.text,
        "INC-1 closed, so G-2 ended: Mia can no longer migrate the shop database: worker reverted."
    );
    assert!(matches!(&news.grant.phase, Phase::Ended(over) if over.by.to_string() == "leon"));
    assert_eq!(heard(&mut hold).await, None, "an ending is the last word");
}

#[tokio::test]
async fn a_holder_who_comes_back_hears_the_rest_even_of_what_is_over() {
    let world = World::with_feed_of(2).await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", true).await;
    let from = world.size();
    close(&world).await;
    world.open_incident().await;
    let mia = world.caller("mia");
    let mut hold = world.app.hold(&mia, GrantId(1), from).await.unwrap();
    assert_eq!(heard(&mut hold).await.unwrap(), "grant.ended");
    assert_eq!(heard(&mut hold).await, None);
    let mut late = world
        .app
        .hold(&mia, GrantId(1), world.size())
        .await
        .unwrap();
    assert_eq!(heard(&mut late).await, None);
    let mut whole = world.app.hold(&mia, GrantId(1), 0).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(kind) = heard(&mut whole).await {
        kinds.push(kind);
    }
    let all = [
        "grant.requested",
        "grant.started",
        "credential.issued",
        "grant.ended",
    ];
    assert_eq!(kinds, all);
}

#[tokio::test]
async fn a_broken_index_does_not_take_the_hold_away() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", true).await;
    world.index.broken.store(true, Ordering::Relaxed);
    let mut hold = world
        .app
        .hold(&world.caller("mia"), GrantId(1), 0)
        .await
        .unwrap();
    assert_eq!(heard(&mut hold).await.unwrap(), "grant.requested");
    close(&world).await;
    while heard(&mut hold).await.unwrap() != "grant.ended" {}
}

#[tokio::test]
async fn nobody_holds_what_is_not_theirs_or_not_there() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", true).await;
    let refused = |error: Error| match error {
        Error::Refused(refusal) => refusal,
        error => panic!("{error:?}"),
    };
    let leon = world.caller("leon");
    let error = world
        .app
        .hold(&leon, GrantId(1), 0)
        .await
        .err()
        .map(refused)
        .unwrap();
    assert!(matches!(error, Refusal::NotYours { .. }));
    let error = world
        .app
        .hold(&leon, GrantId(7), 0)
        .await
        .err()
        .map(refused)
        .unwrap();
    assert_eq!(error, Refusal::UnknownGrant(GrantId(7)));
    let beyond = world
        .app
        .hold(&world.caller("mia"), GrantId(1), 99)
        .await
        .err()
        .unwrap();
    assert!(matches!(beyond, Error::NoSuchEntry { index: 99, .. }));
}

#[tokio::test]
async fn a_watcher_sees_what_the_filter_lets_through() {
    let world = World::new().await;
    let incident = world.open_incident().await;
    let from = Some(world.size());
    let watch = |filter| world.app.watch(from, filter).unwrap();
    let mut of_fay = watch(WatchFilter {
        person: Some(id("founder")),
        ..Default::default()
    });
    let mut of_grant = watch(WatchFilter {
        grant: Some(GrantId(2)),
        ..Default::default()
    });
    let mut of_incident = watch(WatchFilter {
        incident: Some(incident),
        ..Default::default()
    });
    let mut of_all = watch(WatchFilter::default());

    world.request("leon", "deploy-shop", false).await;
    let asked = world.request("mia", "migrate-shop-db", false).await.grant;
    world
        .app
        .note_refusal(
            &Actor::Person(id("designer")),
            "approve",
            "NOT_APPROVER",
            "no",
        )
        .await;
    let approve = world.command("leon", world.approving(&asked));
    world.app.act_on_grant(approve).await.unwrap();

    let fast = ["grant.requested", "grant.started", "credential.issued"];
    for kind in fast
        .iter()
        .chain(&["grant.requested", "refused", "grant.started"])
    {
        assert_eq!(seen(&mut of_all).await, *kind);
    }
    for kind in fast.iter().chain(&["grant.requested", "grant.started"]) {
        assert_eq!(seen(&mut of_incident).await, *kind);
    }
    for watch in [&mut of_fay, &mut of_grant] {
        assert_eq!(seen(watch).await, "grant.requested");
        let news = watch.next().await.unwrap();
        assert_eq!(
            news.text,
            "Leon approved G-2: Mia can migrate the shop database until 03:20 UTC (INC-1)."
        );
        assert_eq!(news.grant.unwrap().of.grant, GrantId(2));
        assert_eq!(news.incident.unwrap().id, incident);
    }
    assert!(
        world
            .app
            .watch(Some(world.size() + 1), WatchFilter::default())
            .is_err()
    );
}

#[tokio::test]
async fn who_is_asked_later_hears_of_it_from_then_on() {
    let world = World::new().await;
    world.open_incident().await;
    let from = Some(world.size());
    let person = Some(id("founder"));
    let filter = WatchFilter {
        person,
        ..Default::default()
    };
    let mut watch = world.app.watch(from, filter).unwrap();
    let asked = world.request("mia", "restore-backup", false).await.grant;
    world.clock.advance(300);
    world.app.tick().await.unwrap();
    let approve = world.command("leon", world.approving(&asked));
    world.app.act_on_grant(approve).await.unwrap();
    assert_eq!(seen(&mut watch).await, "grant.escalated");
    assert_eq!(seen(&mut watch).await, "grant.started");
}

#[tokio::test]
async fn a_watcher_of_old_entries_is_told_of_them_as_they_ended() {
    let world = World::with_feed_of(2).await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    close(&world).await;
    let filter = WatchFilter {
        person: Some(id("mia")),
        grant: Some(GrantId(1)),
        ..Default::default()
    };
    let mut watch = world.app.watch(Some(0), filter).unwrap();
    let first = watch.next().await.unwrap();
    assert!(
        matches!(first.grant.unwrap().phase, Phase::Ended(_)),
        "as new as it gets"
    );
    assert!(first.incident.unwrap().closed.is_some());
}

#[tokio::test]
async fn who_looks_through_the_past_for_somebody_asks_about_each_grant_once_at_most() {
    let world = World::with_feed_of(2).await;
    world.open_incident().await;
    for _ in 0..3 {
        let asked = world.request("mia", "migrate-shop-db", false).await.grant;
        let approve = world.command("leon", world.approving(&asked));
        world.app.act_on_grant(approve).await.unwrap();
    }
    let after_the_requests = world.size();
    for grant in 1..=3 {
        for _ in 0..4 {
            let mia = world.caller("mia");
            let grant = GrantId(grant);
            world
                .app
                .report_use(&mia, grant, line("psql"))
                .await
                .unwrap();
        }
    }
    close(&world).await;
    for (from, asks) in [(0, 0), (after_the_requests, 3)] {
        let filter = WatchFilter {
            person: Some(id("designer")),
            ..Default::default()
        };
        let mut watch = world.app.watch(Some(from), filter).unwrap();
        let before = world.index.asked.load(Ordering::Relaxed);
        let (person, reason) = (id("designer"), line("laptop stolen"));
        let freeze = world.command("leon", Act::Freeze { person, reason });
        world.app.freeze(freeze).await.unwrap();
        while seen(&mut watch).await != "person.frozen" {}
        let asked = world.index.asked.load(Ordering::Relaxed) - before;
        assert_eq!(asked, asks, "from {from}");
        let (person, reason) = (id("designer"), line("laptop found"));
        let lift = world.command("leon", Act::Unfreeze { person, reason });
        world.app.unfreeze(lift).await.unwrap();
    }
}

#[tokio::test]
async fn who_waits_hears_that_an_approver_is_gone_and_that_nobody_is_left() {
    let world = World::new().await;
    world.open_incident().await;
    let asked = world.request("mia", "migrate-shop-db", true).await.grant;
    let mia = world.caller("mia");
    let mut hold = world.app.hold(&mia, asked.of.grant, world.size()).await;
    let hold = hold.as_mut().unwrap();
    let filter = WatchFilter {
        grant: Some(asked.of.grant),
        ..Default::default()
    };
    let mut watch = world.app.watch(None, filter).unwrap();
    let freezes = |person: &str| {
        let reason = line("laptop stolen");
        let person = id(person);
        Act::Freeze { person, reason }
    };
    // Whom nobody asks is nothing to her.
    let freeze = world.command("leon", freezes("designer"));
    world.app.freeze(freeze).await.unwrap();
    let others: Vec<_> = asked.approvers.iter().map(ToString::to_string).collect();
    assert_eq!(others, ["founder", "leon"]);
    let freeze = world.command("leon", freezes("founder"));
    world.app.freeze(freeze).await.unwrap();
    let news = hold.next().await.unwrap().unwrap();
    assert_eq!(news.told.kind(), "person.frozen");
    assert_eq!(news.asked.gone, [id("founder")]);
    assert!(!news.asked.nobody_left, "leon is there");
    let watched = watch.next().await.unwrap();
    assert_eq!(watched.asked, news.asked, "so does who only watches it");
    assert_eq!(watched.grant.unwrap().of, asked.of);
    let freeze = world.command("leon", freezes("leon"));
    let frozen = world.app.freeze(freeze).await.unwrap();
    assert_eq!(frozen.left.waiting.len(), 1, "the freeze says so, too");
    let news = hold.next().await.unwrap().unwrap();
    assert_eq!(news.asked.gone, [id("founder"), id("leon")]);
    assert!(news.asked.nobody_left);
}

#[tokio::test]
async fn a_holder_is_not_made_to_look_through_what_was_before_the_request() {
    let world = World::with_feed_of(4).await;
    world.open_incident().await;
    let _every_turn = world
        .feed
        .turns
        .acquire_many(PAGES_AT_ONCE.try_into().unwrap())
        .await;
    world.request("mia", "deploy-shop", true).await;
    let mia = world.caller("mia");
    let mut hold = world.app.hold(&mia, GrantId(1), 1).await.unwrap();
    assert_eq!(heard(&mut hold).await.unwrap(), "grant.requested");
}
