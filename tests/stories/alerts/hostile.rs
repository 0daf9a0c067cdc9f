//! What is strange, too large, too much, or played again.

use std::time::Duration;

use breakglass_tests::alerts::{bearer, ours, secret, watched};
use breakglass_tests::https::post_often;
use serde_json::{Value, json};

use super::{alertmanager, fresh, group, now, said, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strange_alert_opens_an_incident_all_the_same() {
    let world = watched().await;
    let headers = bearer(&secret("alertmanager"));
    for (number, title) in [
        "\u{1b}]0;owned\u{7}\u{1b}[2J red".to_owned(),
        "two\nlines\r\nhere".to_owned(),
        "\u{202e}gpj.exe".to_owned(),
        "x".repeat(100_000),
        " ".to_owned(),
        String::new(),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body: Value = serde_json::from_str(&group("firing", &title, "critical")).unwrap();
        body["groupKey"] = json!(format!("{number}{title}"));
        body["alerts"][0]["annotations"]["summary"] = json!(title);
        let answer = world
            .is_told("alertmanager", &headers, &body.to_string())
            .await;
        assert_eq!(text(&answer), format!("opened INC-{}\n", number + 1));
    }
    for entry in world.entries_of("incident.opened") {
        let title = entry["title"].as_str().unwrap();
        assert!(
            !title.is_empty() && title.len() <= 500 && !title.contains(char::is_control),
            "{title:?}"
        );
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = world.is_told("alertmanager", &headers, &deep).await;
    assert_eq!(answer.status, 400, "{}", text(&answer));
    let unknown = group("firing", "g", "who knows");
    let answer = world.is_told("alertmanager", &headers, &unknown).await;
    assert_eq!(answer.status, 403);
    assert!(
        text(&answer).contains("no severity for `who knows`"),
        "{}",
        text(&answer)
    );
    let refused = world.entries_of("refused");
    assert_eq!(refused[1]["reason"], "UNKNOWN_SEVERITY");
    assert_eq!(refused[1]["by"], "source:alertmanager");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_are_refused_before_they_are_read() {
    let world = watched().await;
    let headers = bearer(&secret("alertmanager"));
    let large = "x".repeat(50 << 20);
    assert_eq!(
        world.is_told("alertmanager", &headers, &large).await.status,
        413
    );
    let counts = world.broker().app().refusal_counts();
    assert!(
        counts.contains(&("ALERT_UNPROVEN", 1)),
        "nobody knows yet whose it is: {counts:?}"
    );
    let opened = alertmanager(&world, "firing", "g").await;
    assert_eq!(text(&opened), "opened INC-1\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_counted_and_write_nothing() {
    let world = watched().await;
    let before = world.entries().len();
    let body = group("firing", "g", "critical");
    for (source, headers) in [
        ("alertmanager", Vec::new()),
        ("alertmanager", bearer("not the secret at all")),
        ("alertmanager", bearer("")),
        ("nobody", bearer(&secret("alertmanager"))),
        ("..%2f..%2fetc", bearer(&secret("alertmanager"))),
        ("Alertmanager", bearer(&secret("alertmanager"))),
    ] {
        let answer = world.is_told(source, &headers, &body).await;
        assert_eq!(answer.status, 401, "{source}");
        assert_eq!(
            text(&answer),
            "no alert source proves itself like this here\n"
        );
    }
    assert_eq!(world.entries().len(), before);
    let counts = world.broker().app().refusal_counts();
    assert!(counts.contains(&("ALERT_UNPROVEN", 6)), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_posts_without_end_is_told_to_wait_and_fills_nothing() {
    let world = watched().await;
    alertmanager(&world, "firing", "g").await;
    let before = world.entries().len();
    let (ca, headers) = (world.ca_pem().await, bearer(&secret("alertmanager")));
    let body = group("firing", "g", "critical");
    let often = (body.as_str(), 10_000);
    let path = "/hooks/alertmanager";
    let statuses = post_often(world.web(), &ca, path, &headers, often).await;
    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!(
        (statuses.len(), count(200)),
        (10_000, 99),
        "a burst of a hundred"
    );
    assert_eq!(count(503), 9_901);
    assert_eq!(world.entries().len(), before);
    let busy = alertmanager(&world, "firing", "g").await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("10")));
    world.passes(Duration::from_secs(60)).await;
    assert_eq!(alertmanager(&world, "firing", "g").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_plays_an_old_delivery_again_takes_nothing_from_its_source() {
    let world = watched().await;
    let body = said("firing");
    let (taken, ca) = (
        fresh(&world, "0123456789abcdef", &body),
        world.ca_pem().await,
    );
    assert_eq!(world.is_told("deploys", &taken, &body).await.status, 200);
    let stale = ours(
        "deploys",
        &secret("deploys"),
        (now(&world) - 301, "fedcba9876543210"),
        &body,
    );
    for (headers, status) in [(taken, 200), (stale, 400)] {
        let often = (body.as_str(), 300);
        let statuses = post_often(world.web(), &ca, "/hooks/deploys", &headers, often).await;
        assert_eq!(statuses, [status; 300]);
    }
    let resolved = said("resolved");
    let headers = fresh(&world, "another-nonce-0123", &resolved);
    let told = world.is_told("deploys", &headers, &resolved).await;
    assert!(text(&told).contains("INC-1 closes at"), "{told:?}");
}
