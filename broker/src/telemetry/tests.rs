//! What is counted, and what never stands there.

use breakglass_domain::event::{Actor, CredentialKind};
use breakglass_domain::grant::{Basis, Ending, GrantRef};
use breakglass_domain::{CredentialId, Event, GrantId, IncidentId, Line, Time};
use breakglass_tlog::{Checkpoint, Ed25519Signer, Hash, KeyName};

use super::*;

fn of() -> GrantRef {
    GrantRef {
        grant: GrantId(1),
        person: "mia".parse().unwrap(),
        right: "deploy-shop".parse().unwrap(),
        incident: IncidentId(1),
        drill: false,
    }
}

fn at() -> Time {
    Time::from_millis(0)
}

fn commit(telemetry: &Telemetry, changes: Vec<Change>) {
    commit_of(telemetry, false, changes);
}

fn commit_of(telemetry: &Telemetry, drill: bool, changes: Vec<Change>) {
    let event = |change| Event {
        at: at(),
        by: Actor::Broker,
        change,
        signed: None,
        drill,
    };
    let batch: Vec<_> = changes
        .into_iter()
        .map(|change| Recorded {
            index: 0,
            event: Arc::new(event(change)),
            line: [].into(),
        })
        .collect();
    let signer = Ed25519Signer::from_seed(KeyName::parse("o").unwrap(), &[1; 32]).unwrap();
    let head = Checkpoint::new("o", 0, Hash::EMPTY_TREE).unwrap();
    let checkpoint = Arc::new(SignedCheckpoint::sign(&head, &signer).unwrap());
    telemetry.committed(&batch, &checkpoint);
}

#[test]
fn what_is_done_in_a_drill_is_not_counted_as_done_in_earnest() {
    let telemetry = Telemetry::new("1.2.3");
    commit_of(
        &telemetry,
        true,
        vec![
            Change::GrantStarted {
                of: of(),
                basis: Basis::SelfGranted,
                ends_at: at(),
                alone_before: 0,
            },
            Change::Refused {
                act: "request".into(),
                reason: "DRILL_RIGHT".into(),
                text: "no".into(),
                count: 1,
                incident: None,
                checkpoint: None,
            },
        ],
    );
    let metrics = telemetry.metrics();
    assert!(!metrics.contains("self-granted"), "{metrics}");
    let refused = "breakglass_refusals_total{reason=\"DRILL_RIGHT\"} 1";
    assert!(metrics.contains(refused), "{metrics}");
}

#[test]
fn grants_are_counted_by_outcome_and_refusals_by_reason() {
    let telemetry = Telemetry::new("1.2.3");
    let line = |text: &str| Line::parse(text).unwrap();
    commit(
        &telemetry,
        vec![
            Change::GrantStarted {
                of: of(),
                basis: Basis::FastPath,
                ends_at: at(),
                alone_before: 0,
            },
            Change::CredentialIssued {
                of: of(),
                credential: CredentialId {
                    grant: GrantId(1),
                    number: 1,
                },
                kind: CredentialKind::Jwt,
                subject: breakglass_domain::Subject::Bearer { groups: Vec::new() },
                audience: line("https://deploy.shop.example"),
                expires_at: at(),
                key: "A".repeat(43).parse().unwrap(),
                witnesses: None,
            },
            Change::GrantEnded {
                of: of(),
                ending: Ending::Revoked,
                reason: Some(line("a secret reason")),
                to: None,
            },
            Change::Refused {
                act: "request".into(),
                reason: "NOT_ALLOWED".into(),
                text: "a secret text".into(),
                count: 3,
                incident: None,
                checkpoint: None,
            },
        ],
    );
    let metrics = telemetry.metrics();
    for expected in [
        "breakglass_grants_total{outcome=\"fast-path\"} 1",
        "breakglass_grants_total{outcome=\"revoked\"} 1",
        "breakglass_credentials_total{kind=\"jwt\"} 1",
        "breakglass_refusals_total{reason=\"NOT_ALLOWED\"} 3",
        "breakglass_ledger_entries_total 4",
        "breakglass_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(
            metrics.contains(expected),
            "{expected} is not in\n{metrics}"
        );
    }
    assert!(
        !metrics.contains("secret") && !metrics.contains("mia"),
        "{metrics}"
    );
}

#[test]
fn gauges_are_read_when_somebody_asks() {
    let telemetry = Telemetry::new("1");
    telemetry.watch(vec![
        Gauge::of("live_grants", "Active grants", || 2.0),
        Gauge::total("connections_admitted", "Connections let in", || 7.0),
    ]);
    let metrics = telemetry.metrics();
    for expected in [
        "# HELP breakglass_live_grants Active grants",
        "# TYPE breakglass_live_grants gauge",
        "breakglass_live_grants 2.0",
        "# TYPE breakglass_connections_admitted counter",
        "breakglass_connections_admitted_total 7.0",
    ] {
        assert!(
            metrics.contains(expected),
            "{expected} is not in\n{metrics}"
        );
    }
    assert!(metrics.ends_with("# EOF\n"));
}
