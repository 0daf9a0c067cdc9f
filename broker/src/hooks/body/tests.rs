//! What bodies say, beside what the stories hold.

use super::*;

fn alarm(kind: SourceKind, body: &str) -> Alarm {
    match read(kind, body.as_bytes()).map(|read| read.said) {
        Ok(Said::Alarm(alarm)) => alarm,
        other => panic!("{other:?}"),
    }
}

fn titled(kind: SourceKind, body: &str) -> (String, Vec<String>) {
    match alarm(kind, body) {
        Alarm::Fires { title, words, .. } => {
            let words = words.iter().map(ToString::to_string).collect();
            (title.to_string(), words)
        }
        other @ Alarm::Over { .. } => panic!("{other:?}"),
    }
}

#[test]
fn a_group_has_the_severities_of_what_fires_and_the_best_title_there_is() {
    let body = |rest: &str| format!(r#"{{"groupKey":"k","status":"firing",{rest}}}"#);
    let two = body(
        r#""commonAnnotations":{"description":"d"},"groupLabels":{"alertname":"A","service":"s"},
        "alerts":[
            {"status":"resolved","labels":{"severity":"critical"},"annotations":{"summary":"old"}},
            {"status":"firing","labels":{"severity":"warning"},"annotations":{"summary":"new"}},
            {"status":"firing","labels":{"severity":"info"}}]"#,
    );
    let words = vec!["warning".to_owned(), "info".to_owned()];
    assert_eq!(
        titled(SourceKind::Alertmanager, &two),
        ("new".to_owned(), words)
    );
    let bare = body(r#""groupLabels":{"alertname":"A","service":"s"},"alerts":[]"#);
    assert_eq!(titled(SourceKind::Alertmanager, &bare).0, "A, s");
    let nothing = body(r#""unknown":[{}]"#);
    assert_eq!(
        titled(SourceKind::Alertmanager, &nothing).0,
        "an alert without a title"
    );
}

#[test]
fn an_event_of_pagerduty_names_its_incident_and_both_words() {
    let body = |kind: &str, data: &str| {
        format!(
            r#"{{"event":{{"id":"01A","event_type":"{kind}","occurred_at":"2026-11-23T03:00:00.123Z","data":{data}}}}}"#
        )
    };
    let data =
        r#"{"id":"PX","title":null,"urgency":"low","priority":null,"service":{"summary":"shop"}}"#;
    let (title, words) = titled(SourceKind::PagerDuty, &body("incident.reopened", data));
    assert_eq!((title.as_str(), words), ("shop", vec!["low".to_owned()]));
    let over = alarm(SourceKind::PagerDuty, &body("incident.resolved", data));
    assert_eq!(over.key().as_str(), "PX");
    let unnamed = body("incident.triggered", "{}");
    assert!(read(SourceKind::PagerDuty, unnamed.as_bytes()).is_err());
    let read = read(
        SourceKind::PagerDuty,
        body("service.updated", "{}").as_bytes(),
    )
    .unwrap();
    assert!(matches!(read.said, Said::Nothing(_)));
    let delivery = read.delivery.unwrap();
    let at = delivery.signed_at.to_string();
    assert_eq!(
        (delivery.id.as_str(), at.as_str()),
        ("01A", "2026-11-23T03:00:00.123Z")
    );
}

#[test]
fn what_is_no_alert_says_so_and_never_panics() {
    let deep = "[".repeat(10_000);
    let wide = format!("{{\"groupKey\":\"k\",\"status\":\"firing\",\"alerts\":[{deep}");
    for kind in SourceKind::ALL {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "\u{0}",
            "{\"groupKey\":1}",
            &deep,
            &wide,
        ] {
            let unread = read(*kind, body.as_bytes()).unwrap_err();
            assert!(unread.to_string().len() < 700, "{unread}");
        }
        assert!(read(*kind, b"\xff\xfe{}").is_err());
    }
    let status = br#"{"groupKey":"k","status":"\u001b[31m"}"#;
    let unread = read(SourceKind::Alertmanager, status).unwrap_err();
    assert!(!unread.to_string().contains('\u{1b}'), "{unread}");
}
