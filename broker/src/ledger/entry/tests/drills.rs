//! A drill, for the golden bytes: each kind of entry that can belong to one differs by its mark alone, so
//! some stand for all.

use breakglass_domain::drill::{Step, StepTime};
use breakglass_domain::{
    Change, CredentialKind, Ending, GrantId, GrantRef, IncidentId, Lifetime, Severity, Subject,
};

use super::golden::{at, key, line, of};

pub(super) const INCIDENT: IncidentId = IncidentId(15);

fn drilled() -> GrantRef {
    GrantRef {
        grant: GrantId(46),
        incident: INCIDENT,
        drill: true,
        ..of()
    }
}

pub(super) fn changes() -> Vec<(&'static str, Change)> {
    let grant = drilled().grant;
    vec![
        (
            "mia",
            Change::IncidentOpened {
                incident: INCIDENT,
                severity: Severity::Sev3,
                title: line("the monthly drill"),
                closes_at: at(60),
                source: None,
                alert: None,
                delivery: None,
                said_at: None,
            },
        ),
        (
            "mia",
            Change::CredentialIssued {
                of: drilled(),
                credential: breakglass_domain::CredentialId { grant, number: 1 },
                kind: CredentialKind::Jwt,
                audience: line("https://canary.shop.example"),
                expires_at: at(15),
                key: key(),
                subject: Subject::Bearer { groups: vec![] },
                witnesses: None,
            },
        ),
        (
            "breakglass",
            Change::GrantEnded {
                of: drilled(),
                ending: Ending::Expired,
                reason: None,
                to: None,
            },
        ),
        (
            "mia",
            recorded(&[(Step::Open, 14)], Some("nobody answered")),
        ),
        (
            "mia",
            recorded(&[(Step::Open, 14), (Step::Approve, 41_230)], None),
        ),
    ]
}

fn recorded(steps: &[(Step, i64)], failed: Option<&str>) -> Change {
    let steps = steps.iter().map(|(step, took)| StepTime {
        step: *step,
        took: Lifetime::from_millis(*took),
        budget: Lifetime::from_millis(300_000),
    });
    Change::DrillRecorded {
        incident: INCIDENT,
        good: failed.is_none(),
        steps: steps.collect(),
        failed: failed.map(line),
    }
}
