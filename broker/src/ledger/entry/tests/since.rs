//! Fields that came to kinds there were: the golden lines without them stay as they are.

use breakglass_domain::{Basis, Change, IncidentId, Severity};

use super::golden::{at, line, of};

pub(super) fn changes() -> Vec<(&'static str, Change)> {
    [held(), said(), alone()].concat()
}

/// What a broker says that it holds.
fn held() -> Vec<(&'static str, Change)> {
    let started = Change::BrokerStarted {
        version: "0.1.0".into(),
        rules: 1,
    };
    vec![("breakglass", started)]
}

/// When its source says that it happened.
fn said() -> Vec<(&'static str, Change)> {
    let (incident, source) = (IncidentId(16), "source:pagerduty");
    let opened = Change::IncidentOpened {
        incident,
        severity: Severity::Sev1,
        title: line("checkout is down"),
        closes_at: at(480),
        source: Some("pagerduty".parse().expect("an id")),
        alert: Some(line("PGR0VU2")),
        delivery: Some(line("01CHTB2X9WBFSSRPQRR1N1M61P")),
        said_at: Some(at(4)),
    };
    let resolved = Change::IncidentResolved {
        incident,
        closes_at: at(15),
        delivery: Some(line("01CHTB5P9WBFSSRPQRR1N1M62Q")),
        said_at: Some(at(5)),
    };
    let refired = Change::IncidentRefired {
        incident,
        closes_at: at(480),
        delivery: Some(line("01CHTB6Q9WBFSSRPQRR1N1M63R")),
        said_at: Some(at(5)),
    };
    vec![(source, opened), (source, resolved), (source, refired)]
}

/// How many its holder had begun alone before.
fn alone() -> Vec<(&'static str, Change)> {
    let started = Change::GrantStarted {
        of: of(),
        basis: Basis::SelfGranted,
        ends_at: at(20),
        alone_before: 1,
    };
    vec![("mia", started)]
}
