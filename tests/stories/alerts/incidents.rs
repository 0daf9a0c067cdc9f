//! What alerts open, close, hold and unlock.

use std::time::Duration;

use breakglass_proto::v1::{GrantState, IncidentState};
use breakglass_tests::alerts::{policy, watched};
use breakglass_tests::wait::soon;
use breakglass_tests::world::Ask;
use serde_json::json;

use super::{alertmanager, text};
use crate::reason;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firing_opens_one_incident_a_group_and_resolved_closes_it_after_the_grace() {
    let world = watched().await;
    let opened = alertmanager(&world, "firing", "{}:{a=\"1\"}").await;
    assert_eq!(
        (opened.status, text(&opened).as_str()),
        (200, "opened INC-1\n")
    );
    let before = world.entries().len();
    for _ in 0..5 {
        let again = alertmanager(&world, "firing", "{}:{a=\"1\"}").await;
        assert_eq!(text(&again), "INC-1 is known already: nothing to do\n");
    }
    assert_eq!(world.entries().len(), before, "repeats write nothing");
    alertmanager(&world, "firing", "{}:{a=\"2\"}").await;

    let entry = &world.entries_of("incident.opened")[0];
    assert_eq!(entry["by"], "source:alertmanager");
    assert_eq!(entry["source"], "alertmanager");
    assert_eq!(entry["alert"], "{}:{a=\"1\"}");
    assert_eq!(
        (&entry["severity"], &entry["title"]),
        (&json!("sev1"), &json!("the queue is full"))
    );

    let resolved = alertmanager(&world, "resolved", "{}:{a=\"1\"}").await;
    assert!(
        text(&resolved).contains("unless somebody holds it open"),
        "{resolved:?}"
    );
    world.minutes_pass(9).await;
    let session = world.session("mia").await;
    let open = session.list_incidents(false, 9).await.unwrap();
    assert_eq!(open.len(), 2);
    world.minutes_pass(1).await;
    let one = session.incident("INC-1").await.unwrap().incident.unwrap();
    assert_eq!(one.state(), IncidentState::Closed);
    assert_eq!(
        one.closing_reason,
        "its alert was resolved, and nobody held it open"
    );
    let two = session.incident("INC-2").await.unwrap().incident.unwrap();
    assert_eq!(two.state(), IncidentState::Open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_works_under_it_is_warned_and_can_hold_it_open() {
    let world = watched().await;
    alertmanager(&world, "firing", "g").await;
    let asked = world
        .asks_for(&Ask::of("mia", "restart-worker").minutes(5).held())
        .await;
    let grant = asked.unwrap().grant.unwrap();
    let session = world.session("mia").await;
    let mut stream = session.hold(&grant.id, 0).await.unwrap();
    alertmanager(&world, "resolved", "g").await;
    let mut heard = soon("news", stream.message()).await.unwrap().unwrap();
    while heard.kind != "incident.resolved" {
        heard = soon("news", stream.message()).await.unwrap().unwrap();
    }
    assert!(
        heard.text.contains("glass incident hold INC-1 -m \"why\""),
        "{}",
        heard.text
    );

    let told = world
        .glass(
            "leon",
            &["incident", "hold", "INC-1", "-m", "the queue is still full"],
        )
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("INC-1 stays open until"), "{told:?}");
    let heard = soon("news", stream.message()).await.unwrap().unwrap();
    assert_eq!(heard.kind, "incident.held");
    assert!(
        heard.text.contains("the queue is still full"),
        "{}",
        heard.text
    );
    let status = world.glass("mia", &["status"]).await.out;
    assert!(
        status.contains("its alert is over, and leon holds it open"),
        "{status}"
    );
    // Told once more that it is over, and who holds it open is not asked to.
    alertmanager(&world, "firing", "g").await;
    alertmanager(&world, "resolved", "g").await;
    let mut heard = soon("news", stream.message()).await.unwrap().unwrap();
    while heard.kind != "incident.resolved" {
        heard = soon("news", stream.message()).await.unwrap().unwrap();
    }
    assert!(
        heard.text.contains("all the same: it is held"),
        "{}",
        heard.text
    );
    world.passes(Duration::from_secs(3_600)).await;
    assert!(world.entries_of("incident.closed").is_empty());
    let held = &world.entries_of("incident.held")[0];
    assert_eq!(
        (&held["by"], &held["incident"]),
        (&json!("leon"), &json!("INC-1"))
    );
    assert!(
        held["signed"]["text"]
            .as_str()
            .unwrap()
            .starts_with("breakglass/v1 hold-incident\n")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_fires_again_within_the_grace_and_stays_open() {
    let world = watched().await;
    alertmanager(&world, "firing", "g").await;
    alertmanager(&world, "resolved", "g").await;
    world.minutes_pass(9).await;
    let again = alertmanager(&world, "firing", "g").await;
    assert_eq!(text(&again), "INC-1 stays open: it fires again\n");
    world.minutes_pass(60).await;
    assert_eq!(world.entries_of("incident.refired").len(), 1);
    assert!(world.entries_of("incident.closed").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_alone_unlocks_what_its_source_may_until_somebody_confirms_it() {
    let world = watched().await;
    alertmanager(&world, "firing", "g").await;
    world.gets("mia", "restart-worker").await;
    let told = world
        .glass(
            "mia",
            &["request", "deploy-shop", "-m", "look", "--no-wait"],
        )
        .await;
    assert_eq!(told.code, 82, "{told:?}");
    assert!(
        told.err
            .contains("nobody who may open incidents has confirmed it"),
        "{told:?}"
    );
    assert_eq!(
        reason(world.asks("mia", "migrate-shop-db").await),
        "INCIDENT_UNCONFIRMED"
    );
    let noted = world
        .glass("designer", &["incident", "note", "I see it too"])
        .await;
    assert_eq!(noted.code, 0, "{noted:?}");
    assert_eq!(
        reason(world.asks("mia", "deploy-shop").await),
        "INCIDENT_UNCONFIRMED"
    );
    let noted = world
        .glass("support", &["incident", "note", "customers write"])
        .await;
    assert_eq!(noted.code, 0, "{noted:?}");
    assert_eq!(
        world.asks("mia", "migrate-shop-db").await.unwrap().state(),
        GrantState::Waiting
    );
    world.gets("mia", "deploy-shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_open_one() {
    let world = watched().await;
    let tell = || alertmanager(&world, "firing", "g");
    let other = || alertmanager(&world, "firing", "h");
    let (a, b, c, d) = tokio::join!(tell(), tell(), other(), tell());
    assert!([a, b, c, d].iter().all(|answer| answer.status == 200));
    assert_eq!(world.entries_of("incident.opened").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_leaves_the_policy_is_a_stranger_and_a_restart_forgets_no_alert() {
    let mut world = watched().await;
    alertmanager(&world, "firing", "g").await;
    alertmanager(&world, "resolved", "g").await;
    world.restarts().await;
    let again = alertmanager(&world, "resolved", "g").await;
    assert_eq!(text(&again), "INC-1 is known already: nothing to do\n");
    world.minutes_pass(10).await;
    assert_eq!(world.entries_of("incident.closed").len(), 1);
    let without = policy().replace("[sources.alertmanager]", "[sources.another]");
    // Its secrets stand in the config, and the policy names a source that has none.
    world.policy_becomes(&without).await.unwrap();
    assert_eq!(alertmanager(&world, "firing", "g").await.status, 401);
}
