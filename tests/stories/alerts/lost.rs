//! Alerts that are not taken, and how people learn of it.

use breakglass_tests::World;
use breakglass_tests::alerts::{Header, bearer, pagerduty, secret, watched};

use super::{event, fresh, group, said, text};

fn problems(world: &World) -> Vec<String> {
    world.broker().app().status().problems
}

async fn by_pagerduty(world: &World, id: &str, kind: &str, seconds_ago: i64) -> String {
    let now = world.broker().app().now().as_millis();
    let at = breakglass_domain::Time::from_millis(now - seconds_ago * 1_000).to_string();
    let body = event(id, kind, &at);
    let proof: Vec<Header> = pagerduty(&secret("pagerduty"), &body);
    text(&world.is_told("pagerduty", &proof, &body).await)
}

/// Its webhooks come in whatever order the network likes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pagerduty_delivers_out_of_order_is_put_in_order() {
    let world = watched().await;
    let passed = "something newer of this alert was taken: nothing to do\n";
    for (id, kind, ago, answer) in [
        ("01A", "incident.triggered", 60, "opened INC-1\n"),
        (
            "01B",
            "incident.reopened",
            5,
            "INC-1 is known already: nothing to do\n",
        ),
        ("01C", "incident.resolved", 30, passed),
    ] {
        assert_eq!(by_pagerduty(&world, id, kind, ago).await, answer, "{id}");
    }
    assert!(world.entries_of("incident.resolved").is_empty());
    world.closes("mia", "INC-1").await.unwrap();
    let over = by_pagerduty(&world, "01D", "incident.resolved", 1).await;
    assert_eq!(over, "no incident is open for it: nothing to do\n");
    let late = by_pagerduty(&world, "01E", "incident.triggered", 50).await;
    assert_eq!(late, passed, "it is over");
    assert_eq!(world.entries_of("incident.opened").len(), 1);
    let opened = &world.entries_of("incident.opened")[0];
    assert!(opened["said_at"].is_string(), "{opened}");
}

async fn tell(world: &World, key: &str, severity: &str) -> u16 {
    let headers = bearer(&secret("alertmanager"));
    let body = group("firing", key, severity);
    world.is_told("alertmanager", &headers, &body).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_is_refused_for_good_stands_in_the_status() {
    let world = watched().await;
    assert_eq!(tell(&world, "a", "Critical").await, 200, "in any case");
    assert_eq!(problems(&world), [""; 0]);
    assert_eq!(tell(&world, "b", "urgent").await, 403);
    assert_eq!(tell(&world, "c", "page\u{1b}[2J").await, 403);
    let told = problems(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    let begins = "2 alerts of alertmanager opened nothing within the last 1h";
    assert!(told[0].starts_with(begins), "{told:?}");
    assert!(told[0].contains("add the word to `severity`"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_alert_that_flaps_leaves_its_source_to_the_others() {
    let world = watched().await;
    let mut refused = 0;
    for number in 0..12 {
        for state in ["firing", "resolved"] {
            let body = said(state);
            let proof = fresh(&world, &format!("{number:016}{state}"), &body);
            let answer = world.is_told("deploys", &proof, &body).await;
            refused += usize::from(answer.status == 503);
        }
    }
    assert!(refused > 0);
    let told = problems(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    let begins = "The alert `queue` of deploys opens and is over again too often";
    assert!(told[0].starts_with(begins), "{told:?}");
    let body = said("firing").replace("\"queue\"", "\"checkout\"");
    let proof = fresh(&world, "aaaaaaaaaaaaaaaa", &body);
    let answer = world.is_told("deploys", &proof, &body).await;
    assert_eq!(text(&answer), "opened INC-2\n");
}
