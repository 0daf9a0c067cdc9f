//! Refusals are on record too: who asked for what, and why not. What repeats is folded.

use std::time::Duration;

use breakglass_tests::World;
use breakglass_tests::wait::until_async;

use super::reason;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_refused_what_and_why_stands_in_the_ledger() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    assert_eq!(
        reason(world.asks("designer", "deploy-shop").await),
        "NOT_ALLOWED"
    );
    let because = "a refusal is answered before its entry is written";
    let refused = until_async("the entry", because, async || {
        world.entries_of("refused").first().cloned()
    })
    .await;
    for (name, value) in [
        ("by", "designer"),
        ("act", "request"),
        ("reason", "NOT_ALLOWED"),
    ] {
        assert_eq!(refused[name], value, "{name}");
    }
    assert!(
        refused["text"]
            .as_str()
            .unwrap()
            .contains("deploy the shop app"),
        "{refused}"
    );
    assert_eq!(refused["count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_repeats_within_a_minute_is_one_entry_with_a_count() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    for _ in 0..20 {
        assert_eq!(
            reason(world.asks("designer", "deploy-shop").await),
            "NOT_ALLOWED"
        );
    }
    assert!(world.entries_of("refused").len() <= 1);
    world.passes(Duration::from_secs(61)).await;
    // A refusal by the rules is folded by the sequencer, which looks when time passes.
    let because = "folded refusals are written when the sequencer next looks";
    let counts = until_async("the fold", because, async || {
        world.passes(Duration::from_secs(1)).await;
        let counts: Vec<_> = world
            .entries_of("refused")
            .iter()
            .map(|e| e["count"].as_u64().unwrap())
            .collect();
        (counts.len() == 2).then_some(counts)
    })
    .await;
    assert_eq!(counts, [1, 19]);
}

/// What is only counted can be seen by whoever runs the broker, where the page says what it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_metric_has_its_row() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let refused = world.asks("designer", "deploy-shop").await;
    assert_eq!(reason(refused), "NOT_ALLOWED");
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    let page = include_str!("../../docs/operating/metrics.md");
    let metrics = world.broker().telemetry().metrics();
    let named = metrics.lines().filter_map(|line| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        Some(match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
    });
    let named: Vec<_> = named.collect();
    assert!(named.len() >= 30, "{metrics}");
    for name in named {
        assert!(page.contains(&format!("| `{name}` |")), "no row of {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_serving_forgets_no_refusal() {
    let mut world = World::begins().await;
    world.opens("support", "the worker floods").await;
    for _ in 0..5 {
        assert_eq!(
            reason(world.asks("designer", "deploy-shop").await),
            "NOT_ALLOWED"
        );
    }
    world.stops().await;
    let counts = world
        .entries_of("refused")
        .into_iter()
        .map(|e| e["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 5);
}

/// Why a grant is over is told, and the same stands in the ledger, with the incident.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_record_of_a_refusal_is_what_was_told() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.revokes("leon", &grant.id).await.unwrap();
    let dropped = world.drops("mia", &grant.id).await.unwrap_err();
    let issued = world.takes_jwt("mia", &grant.id).await.unwrap_err();
    // What `glass` says to somebody else is made of what it looks up itself.
    assert_eq!(
        reason(world.revokes("leon", &grant.id).await),
        "GRANT_ENDED"
    );
    let told = dropped.to_string();
    assert!(told.starts_with("G-1 is over: revoked at "), "{told}");
    assert_eq!(issued.to_string(), told);
    let because = "folded refusals are written when time passes";
    let recorded = until_async("the refusals", because, async || {
        world.passes(Duration::from_secs(61)).await;
        let refused = world.entries_of("refused");
        (refused.len() == 3).then_some(refused)
    })
    .await;
    let already = told.replace("is over", "is over already");
    for (by, act, text) in [
        ("mia", "drop", &told),
        ("mia", "issue-credential", &told),
        ("leon", "revoke", &already),
    ] {
        let entry = recorded.iter().find(|entry| entry["act"] == act).unwrap();
        assert_eq!(
            (&entry["by"], &entry["text"]),
            (&by.into(), &text.as_str().into())
        );
        assert_eq!(entry["incident"], "INC-1", "{entry}");
    }

    // Once the incident is over it is not the open one any more, as of every other refusal.
    world.closes("leon", "INC-1").await.unwrap();
    assert_eq!(reason(world.drops("leon", &grant.id).await), "GRANT_ENDED");
    let last = until_async("the entry", because, async || {
        let refused = world.entries_of("refused");
        (refused.len() == 4).then(|| refused[3].clone())
    })
    .await;
    assert_eq!(last["incident"], serde_json::Value::Null, "{last}");
}
