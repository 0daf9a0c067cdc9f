//! Alert sources: what they open and close, how they prove themselves, and what they cannot do.

mod hostile;
mod incidents;
mod lost;
mod proof;
mod restart;

use breakglass_tests::World;
use breakglass_tests::alerts::{Header, bearer, ours, secret};
use breakglass_tests::https::Answer;
use serde_json::json;

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
