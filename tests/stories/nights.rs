//! Bad nights: the broker was away, somebody begins alone again and again, and thirty alerts leave thirty
//! incidents.

use std::time::Duration;

use breakglass_domain::policy::STARTER;
use breakglass_proto::v1::{GrantBasis, GrantState};
use breakglass_tests::World;
use serde_json::Value;

use super::reason;

async fn flooded() -> World {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world
}

async fn says(world: &World, who: &str, words: &[&str]) -> String {
    let told = world.glass(who, words).await;
    assert_eq!(told.code, 0, "{words:?}: {}", told.err);
    told.out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_comes_back_gives_everybody_their_time() {
    let mut world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.stops().await;
    world.clock().passes(Duration::from_secs(14 * 60));
    world.starts().await;
    let alone = world.grants_themselves("mia", &request.id).await;
    assert_eq!(reason(alone), "SELF_GRANT_TOO_EARLY");
    let told = world.glass("mia", &["self-grant", "G-1", "--yes"]).await;
    assert_eq!(told.code, 82, "{}", told.err);
    assert!(told.err.contains(" of G-1 have until "), "{}", told.err);
    assert!(!told.err.contains("UTC"), "her own clock: {}", told.err);
    let seen = says(&world, "support", &["status"]).await;
    assert!(seen.contains("may begin it alone from"), "{seen}");
    world.minutes_pass(10).await;
    let begun = world.grants_themselves("mia", &request.id).await.unwrap();
    assert_eq!(begun.basis(), GrantBasis::SelfGranted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_alone_again_waits_again_and_is_counted() {
    let world = flooded().await;
    let first = world.waits_for("mia", "migrate-shop-db").await;
    world.minutes_pass(10).await;
    world.grants_themselves("mia", &first.id).await.unwrap();
    world.minutes_pass(10).await;
    let again = world.waits_for("mia", "migrate-shop-db").await;
    world.minutes_pass(9).await;
    let early = world.grants_themselves("mia", &again.id).await;
    assert_eq!(reason(early), "SELF_GRANT_TOO_EARLY");
    world.minutes_pass(1).await;
    world.grants_themselves("mia", &again.id).await.unwrap();
    let told = says(&world, "designer", &["incident", "show", "INC-1"]).await;
    assert!(
        told.contains("began G-2 alone, for the 2nd time under INC-1"),
        "{told}"
    );
    let begun = world.entries_of("grant.started");
    assert_eq!(begun[0].get("alone_before"), None);
    assert_eq!(begun[1]["alone_before"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_veto_tells_everything_that_ended_with_it() {
    for json in [false, true] {
        let world = flooded().await;
        let first = world.waits_for("mia", "migrate-shop-db").await;
        let second = world.waits_for("mia", "migrate-shop-db").await;
        world.minutes_pass(11).await;
        world.grants_themselves("mia", &first.id).await.unwrap();
        world.takes_jwt("mia", &first.id).await.unwrap();
        let veto = ["veto", &second.id, "-m", "leon is on his way"];
        if json {
            let words = [&["-o", "json"], &veto[..]].concat();
            let told: Value =
                serde_json::from_str(&says(&world, "designer", &words).await).unwrap();
            assert_eq!(told["id"], "G-2");
            assert_eq!(told["also_ended"][0]["id"], "G-1");
        } else {
            let told = says(&world, "designer", &veto).await;
            assert!(told.contains("G-2 is vetoed"), "{told}");
            let over = "G-1  mia can no longer change the shop database";
            assert!(told.contains(over), "{told}");
            assert!(told.contains("G-1: a copy of mia's credential"), "{told}");
        }
        assert_eq!(world.grant("G-1").await.state(), GrantState::Ended);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_storm_of_alerts_left_is_closed_in_one_go() {
    let world = flooded().await;
    world.gets("mia", "deploy-shop").await;
    for title in ["disk", "queue", "mails"] {
        world.opens("mia", title).await;
    }
    let close = [
        "incident",
        "close",
        "INC-1",
        "INC-9",
        "INC-2",
        "INC-1",
        "-m",
        "one switch",
    ];
    let told = world.glass("leon", &close).await;
    assert_ne!(told.code, 0, "one of them is unknown");
    assert!(told.out.contains("INC-1 is closed."), "{}", told.out);
    assert!(told.out.contains("G-1  mia can no longer"), "{}", told.out);
    assert!(told.out.contains("INC-2 is closed."), "{}", told.out);
    assert!(told.out.contains("2 of 3 closed now."), "{}", told.out);
    assert!(told.out.contains("INC-9: "), "{}", told.out);
    let closed = world.entries_of("incident.closed");
    assert_eq!(closed.len(), 2);
    let signed = |entry: &&Value| {
        let ended = world.entries_of("grant.ended");
        let its_own = entry["signed"].is_object();
        its_own || ended.iter().any(|it| it["signed"].is_object())
    };
    assert_eq!(closed.iter().filter(signed).count(), 2);
    let close = [
        "-o",
        "json",
        "incident",
        "close",
        "INC-3",
        "INC-4",
        "-m",
        "one switch",
    ];
    let told: Value = serde_json::from_str(&says(&world, "leon", &close).await).unwrap();
    assert_eq!(told["closed"][1]["incident"]["id"], "INC-4");
    assert_eq!(told["failed"], Value::Array(Vec::new()));
    world.opens("mia", "mails again").await;
    let close = ["incident", "close", "INC-3", "INC-5", "-m", "that too"];
    let told = world.glass("leon", &close).await;
    assert_ne!(told.code, 0, "one of them was closed");
    assert!(told.out.contains("1 of 2 closed now."), "{}", told.out);
    let already = told.out.lines().any(|it| it == "INC-3 was closed already");
    assert!(already, "{}", told.out);
    let seen = says(&world, "designer", &["status"]).await;
    assert!(seen.contains("No open incident"), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_freezes_themselves_is_told_what_ended() {
    let world = flooded().await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    let told = says(&world, "mia", &["freeze", "mia", "-m", "laptop stolen"]).await;
    assert!(told.contains("mia is frozen."), "{told}");
    assert!(told.contains("G-1  mia can no longer"), "{told}");
    assert!(told.contains("G-1: a copy of mia's credential"), "{told}");
    assert!(
        told.contains("Somebody else lifts it: glass freeze mia --lift"),
        "{told}"
    );
    // Nothing was asked for behind it that had to be refused.
    assert!(world.entries_of("refused").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_less_in_the_policy_tells_of_copies_as_a_removal_does() {
    let world = flooded().await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    let start = STARTER.find("[people.mia]").unwrap();
    let end = STARTER.find("[people.leon]").unwrap();
    let without = format!("{}{}", &STARTER[..start], &STARTER[end..]);
    let told = world.policy_becomes(&without).await.unwrap();
    let copy =
        "G-1: a copy of its credential for https://deploy.shop.example may be taken until 20";
    assert!(told.contains(copy), "{told}");
    assert!(told.contains("by who checks nothing else"), "{told}");
    let gone = world.policy_becomes(STARTER).await.unwrap();
    assert!(!gone.contains("a copy of"), "{gone}");
}
