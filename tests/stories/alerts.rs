//! Alert sources: what they open and close, how they prove themselves, and what they cannot do.

use std::time::Duration;

use breakglass_proto::v1::{GrantState, IncidentState};
use breakglass_tests::World;
use breakglass_tests::alerts::{
    Header, bearer, ours, pagerduty, policy, secret, signature, watched,
};
use breakglass_tests::https::{Answer, post_often};
use breakglass_tests::wait::soon;
use breakglass_tests::world::Ask;
use serde_json::{Value, json};

use super::reason;

/// What Alertmanager posts for one group.
fn group(status: &str, key: &str, severity: &str) -> String {
    let alert = json!({"status": status, "labels": {"alertname": "QueueFull", "severity": severity},
        "annotations": {"summary": "the queue is full"}});
    json!({"version": "4", "groupKey": key, "truncatedAlerts": 0, "status": status,
        "receiver": "breakglass", "groupLabels": {"alertname": "QueueFull"},
        "commonLabels": {"alertname": "QueueFull"}, "commonAnnotations": {},
        "externalURL": "http://alertmanager.example", "alerts": [alert]})
    .to_string()
}

async fn alertmanager(world: &World, status: &str, key: &str) -> Answer {
    let headers = bearer(&secret("alertmanager"));
    let body = group(status, key, "critical");
    world.is_told("alertmanager", &headers, &body).await
}

/// What our own form says.
fn said(state: &str) -> String {
    json!({"alert": "queue", "state": state, "title": "the queue is full", "severity": "page"})
        .to_string()
}

fn now(world: &World) -> i64 {
    world.broker().app().now().as_millis() / 1_000
}

fn fresh(world: &World, nonce: &str, body: &str) -> Vec<Header> {
    ours("deploys", &secret("deploys"), (now(world), nonce), body)
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

fn event(id: &str, kind: &str, at: &str) -> String {
    json!({"event": {"id": id, "event_type": kind, "resource_type": "incident", "occurred_at": at,
        "agent": null, "client": null, "data": {"id": "PGR0VU2", "type": "incident",
        "title": "checkout is down", "urgency": "high", "priority": {"summary": "P1"},
        "service": {"summary": "shop"}}}})
    .to_string()
}

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
async fn pagerduty_is_believed_by_either_secret_once_and_not_when_it_is_old() {
    let world = watched().await;
    let at = world.broker().app().now().to_string();
    let triggered = event("01ABC", "incident.triggered", &at);
    let by = |name: &str, body: &str| pagerduty(&secret(name), body);
    let forged = world
        .is_told("pagerduty", &by("grafana", &triggered), &triggered)
        .await;
    assert_eq!(forged.status, 401);
    let changed = triggered.replace("checkout", "nothing");
    let forged = world
        .is_told("pagerduty", &by("pagerduty", &triggered), &changed)
        .await;
    assert_eq!(forged.status, 401);
    assert_eq!(
        world.is_told("pagerduty", &[], &triggered).await.status,
        401
    );
    assert!(
        world.entries_of("incident.opened").is_empty() && world.entries_of("refused").is_empty()
    );

    let opened = world
        .is_told("pagerduty", &by("old", &triggered), &triggered)
        .await;
    assert_eq!(text(&opened), "opened INC-1\n");
    assert_eq!(world.entries_of("incident.opened")[0]["severity"], "sev1");
    let ping = event("01PING", "pagey.ping", &at);
    let ping = world
        .is_told("pagerduty", &by("pagerduty", &ping), &ping)
        .await;
    assert_eq!(
        (ping.status, text(&ping).as_str()),
        (200, "a ping: nothing to do\n")
    );
    let noted = event("01ACK", "incident.acknowledged", &at);
    assert_eq!(
        world
            .is_told("pagerduty", &by("pagerduty", &noted), &noted)
            .await
            .status,
        200
    );
    let odd = event("01ODD", "weather.changed", &at);
    let odd = world
        .is_told("pagerduty", &by("pagerduty", &odd), &odd)
        .await;
    assert_eq!(odd.status, 422);
    assert!(
        text(&odd).contains("`weather.changed` is not known here"),
        "{odd:?}"
    );

    let resolved = event("01XYZ", "incident.resolved", &at);
    world
        .is_told("pagerduty", &by("pagerduty", &resolved), &resolved)
        .await;
    world.minutes_pass(11).await;
    assert_eq!(world.entries_of("incident.closed").len(), 1);
    // Whoever has kept the first delivery plays it again.
    let replayed = world
        .is_told("pagerduty", &by("old", &triggered), &triggered)
        .await;
    assert_eq!(
        text(&replayed),
        "this delivery was taken before: nothing to do\n"
    );
    world.minutes_pass(60).await;
    let old = world
        .is_told("pagerduty", &by("old", &triggered), &triggered)
        .await;
    assert_eq!(old.status, 400, "{}", text(&old));
    assert_eq!(world.entries_of("incident.opened").len(), 1);
    let refused: Vec<_> = world.entries_of("refused");
    let reasons: Vec<_> = refused
        .iter()
        .map(|entry| (&entry["by"], &entry["reason"]))
        .collect();
    let by = json!("source:pagerduty");
    assert_eq!(
        reasons,
        [(&by, &json!("ALERT_UNKNOWN")), (&by, &json!("ALERT_STALE"))]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grafana_proves_itself_by_a_token_or_a_signature() {
    let world = watched().await;
    let mut body: Value = serde_json::from_str(&group("firing", "g1", "x")).unwrap();
    body["title"] = json!("[FIRING:1] QueueFull");
    body["alerts"][0]["annotations"] = json!({});
    let body = body.to_string();
    let opened = world
        .is_told("grafana", &bearer(&secret("grafana")), &body)
        .await;
    assert_eq!(text(&opened), "opened INC-1\n");
    assert_eq!(
        world.entries_of("incident.opened")[0]["title"],
        "[FIRING:1] QueueFull"
    );

    let signed = |at: Option<i64>, body: &str| {
        let time = at.map(|at| at.to_string());
        let bytes = body.as_bytes();
        let signature = match &time {
            Some(time) => signature(&secret("grafana"), &[time.as_bytes(), b":", bytes]),
            None => signature(&secret("grafana"), &[bytes]),
        };
        let mut headers = vec![("x-grafana-alerting-signature".to_owned(), signature)];
        headers.extend(time.map(|time| ("x-grafana-alerting-timestamp".to_owned(), time)));
        headers
    };
    let two = body.replace("g1", "g2");
    let timeless = world.is_told("grafana", &signed(None, &two), &two).await;
    assert_eq!(timeless.status, 401, "it could be played for ever");
    let three = body.replace("g1", "g3");
    let at = Some(now(&world));
    assert_eq!(
        text(&world.is_told("grafana", &signed(at, &three), &three).await),
        "opened INC-2\n"
    );
    world.closes("mia", "INC-2").await.unwrap();
    let mut again = signed(at, &three);
    again[0].1.make_ascii_uppercase();
    assert_eq!(
        text(&world.is_told("grafana", &again, &three).await),
        "this delivery was taken before: nothing to do\n"
    );
    let four = body.replace("g1", "g4");
    let old = Some(now(&world) - 301);
    assert_eq!(
        world
            .is_told("grafana", &signed(old, &four), &four)
            .await
            .status,
        400
    );
    let mut moved = signed(old, &four);
    moved[1].1 = now(&world).to_string();
    assert_eq!(
        world.is_told("grafana", &moved, &four).await.status,
        401,
        "the time is signed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_form_is_taken_once_for_one_source_and_while_it_is_fresh() {
    let world = watched().await;
    let (nonce, body) = ("0123456789abcdef", said("firing"));
    let headers = fresh(&world, nonce, &body);
    assert_eq!(
        text(&world.is_told("deploys", &headers, &body).await),
        "opened INC-1\n"
    );
    world.closes("mia", "INC-1").await.unwrap();
    let again = world.is_told("deploys", &headers, &body).await;
    assert_eq!(
        text(&again),
        "this delivery was taken before: nothing to do\n"
    );
    let opened = |world: &World| world.entries_of("incident.opened").len();
    assert_eq!(opened(&world), 1);
    let (secret, at) = (secret("deploys"), now(&world));
    for (what, headers, status) in [
        (
            "for another source",
            ours("grafana", &secret, (at, nonce), &body),
            401,
        ),
        (
            "too old",
            ours("deploys", &secret, (at - 301, nonce), &body),
            400,
        ),
        (
            "from the future",
            ours("deploys", &secret, (at + 302, nonce), &body),
            400,
        ),
        (
            "a short nonce",
            ours("deploys", &secret, (at, "short"), &body),
            401,
        ),
        (
            "another secret",
            ours("deploys", "guess-guess-guess-guess", (at, nonce), &body),
            401,
        ),
        ("nothing signed", Vec::new(), 401),
    ] {
        let answer = world.is_told("deploys", &headers, &body).await;
        assert_eq!(answer.status, status, "{what}: {}", text(&answer));
    }
    for (body, says) in [
        (
            r#"{"alert":"q","state":"burning"}"#,
            "the state `burning` is not known here",
        ),
        (
            r#"{"alert":"q","state":"firing","sverity":"page"}"#,
            "unknown field `sverity`",
        ),
        (r#"{"alert":"","state":"firing"}"#, "`alert` is empty"),
        ("[", "EOF while parsing"),
    ] {
        let answer = world
            .is_told(
                "deploys",
                &fresh(
                    &world,
                    &format!("{:<16}", body.len()).replace(' ', "n"),
                    body,
                ),
                body,
            )
            .await;
        assert!(text(&answer).contains(says), "{}", text(&answer));
        assert!((400..500).contains(&answer.status));
    }
    assert_eq!(opened(&world), 1);
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_keeps_its_secrets_where_a_reload_cannot_read_them() {
    let world = watched().await;
    let keys = world.data().join("keys");
    std::fs::remove_file(keys.join("alertmanager.secret")).unwrap();
    std::fs::copy(keys.join("deploys.secret"), keys.join("grafana.secret")).unwrap();
    let why = world.broker().reload().await.unwrap_err().to_string();
    assert!(
        why.contains("alertmanager has no secret")
            && why.contains("those from before stay in force"),
        "{why}"
    );
    let opened = alertmanager(&world, "firing", "g").await;
    assert_eq!(text(&opened), "opened INC-1\n");
    let body = group("firing", "h", "critical");
    for (name, status) in [("grafana", 401), ("deploys", 200)] {
        let told = world
            .is_told("grafana", &bearer(&secret(name)), &body)
            .await;
        assert_eq!(told.status, status, "what can be read is taken up: {name}");
    }
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

/// What was captured before the broker was restarted is played again after it: what opened an incident,
/// and what found it open and wrote nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_no_delivery() {
    let mut world = watched().await;
    let body = said("firing");
    let opens = fresh(&world, "0123456789abcdef", &body);
    let repeats = fresh(&world, "1123456789abcdef", &body);
    let at = world.broker().app().now().to_string();
    let triggered = event("01ABC", "incident.triggered", &at);
    let by_pagerduty = pagerduty(&secret("pagerduty"), &triggered);
    for (told, answer) in [
        (&opens, "opened INC-1\n"),
        (&repeats, "INC-1 is known already: nothing to do\n"),
    ] {
        assert_eq!(text(&world.is_told("deploys", told, &body).await), answer);
    }
    let told = world.is_told("pagerduty", &by_pagerduty, &triggered).await;
    assert_eq!(text(&told), "opened INC-2\n");
    let delivered: Vec<_> = world.entries_of("incident.opened");
    let delivered: Vec<_> = delivered.iter().map(|entry| &entry["delivery"]).collect();
    assert_eq!(delivered, ["0123456789abcdef", "01ABC"]);
    for incident in ["INC-1", "INC-2"] {
        world.closes("mia", incident).await.unwrap();
    }
    for without_index in [false, true] {
        world.stops().await;
        if without_index {
            std::fs::remove_dir_all(world.config().index_dir()).unwrap();
        }
        world.clock().passes(Duration::from_secs(60));
        world.starts().await;
        let before = "this delivery was taken before: nothing to do\n";
        let nothing = "no incident is open for it: nothing to do\n";
        for (told, answer) in [(&opens, before), (&repeats, nothing)] {
            assert_eq!(text(&world.is_told("deploys", told, &body).await), answer);
        }
        let told = world.is_told("pagerduty", &by_pagerduty, &triggered).await;
        assert_eq!(text(&told), before);
        assert_eq!(world.entries_of("incident.opened").len(), 2);
    }
    // What fires again is signed again.
    let anew = fresh(&world, "2123456789abcdef", &body);
    let told = world.is_told("deploys", &anew, &body).await;
    assert_eq!(text(&told), "opened INC-3\n");
}
