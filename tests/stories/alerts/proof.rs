//! How each kind of source proves itself, once and while it is fresh.

use breakglass_tests::World;
use breakglass_tests::alerts::{bearer, ours, pagerduty, secret, signature, watched};
use serde_json::{Value, json};

use super::{alertmanager, event, fresh, group, now, said, text};

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
