//! What somebody reads who acts on a grant too late: it is over, or has begun.

use breakglass_proto::v1::{Grant, GrantBasis, GrantState};
use jiff::Timestamp;

use super::{called_by, ended_error, ending_sentence};
use crate::{error::Error, time};

/// How a grant that began already reads as an error, for those who would begin it; `None` otherwise.
#[must_use]
pub(crate) fn begun_error(grant: &Grant) -> Option<Error> {
    let id = &grant.id;
    (grant.state() == GrantState::Active).then(|| {
        let next =
            format!("see it: glass grants show {id}. To end it: glass revoke {id} -m \"why\"");
        Error::refused("GRANT_ACTIVE", begun_already(grant), next)
    })
}

/// On whose word a grant began already: "leon said yes to G-93 already".
#[must_use]
pub(crate) fn begun_already(grant: &Grant) -> String {
    let (id, person) = (&grant.id, &grant.person);
    match grant.basis() {
        GrantBasis::Approved => format!("{} said yes to {id} already", grant.approved_by),
        GrantBasis::Called => format!("{id} began already: {}", called_by(grant)),
        GrantBasis::SelfGranted => format!("{person} began {id} alone already"),
        GrantBasis::FastPath => format!("{id} began already, and needed no yes"),
        GrantBasis::Unspecified => format!("{id} has begun already"),
    }
}

/// Whether somebody's yes is what a grant that has begun was given already.
#[must_use]
pub(crate) fn has_their_yes(grant: &Grant, person: &str) -> bool {
    let is_asked = grant.approvers.iter().any(|approver| approver == person);
    let agreed = matches!(grant.basis(), GrantBasis::Approved | GrantBasis::Called);
    grant.state() == GrantState::Active && agreed && is_asked
}

/// How a grant that is over, or has begun, reads to whoever acts on it too late: what became of it, on
/// whose word, and why. `None` while it waits.
#[must_use]
pub(crate) fn late_error(grant: &Grant, person: &str, now: Timestamp) -> Option<Error> {
    let id = &grant.id;
    if grant.state() != GrantState::Ended {
        return begun_error(grant);
    }
    let (what, next) = match ended_error(grant) {
        Some(error) if grant.person == person => (error.to_string(), error.next()),
        _ => {
            let at = time::from_proto(grant.ended_at.as_ref());
            let at = at.map(|at| format!(" ({})", time::relative(at, now)));
            let what = format!("{}{}", ending_sentence(grant), at.unwrap_or_default());
            (what, None)
        }
    };
    let next =
        next.unwrap_or_else(|| format!("nothing is left to do; see it: glass grants show {id}"));
    Some(Error::refused("GRANT_ENDED", what, next))
}

#[cfg(test)]
mod tests {
    use breakglass_proto::v1::GrantEnding;

    use super::*;

    #[test]
    fn who_comes_too_late_reads_who_did_what_and_why() {
        let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
        let mut grant = Grant {
            ended_at: Some(time::to_proto("2026-11-23T03:04:00Z".parse().unwrap())),
            id: "G-45".into(),
            person: "mia".into(),
            right: "deploy-shop".into(),
            state: GrantState::Ended.into(),
            ending: GrantEnding::Denied.into(),
            ended_by: "leon".into(),
            ending_reason: "not now".into(),
            approvers: vec!["leon".into(), "founder".into()],
            ..Grant::default()
        };
        let late = late_error(&grant, "founder", now).unwrap();
        let text = late.to_string();
        assert_eq!(text, "leon denied G-45: not now (1m ago)");
        let next = late.next().unwrap();
        assert_eq!(
            next,
            "nothing is left to do; see it: glass grants show G-45"
        );
        assert_eq!(late.exit_code(), 83);
        let own = late_error(&grant, "mia", now).unwrap();
        assert!(own.next().unwrap().contains("talk to leon"));
        grant.set_state(GrantState::Active);
        grant.set_basis(GrantBasis::Approved);
        grant.approved_by = "leon".into();
        let late = late_error(&grant, "founder", now).unwrap();
        assert_eq!(late.to_string(), "leon said yes to G-45 already");
        assert!(late.next().unwrap().contains("glass revoke G-45"));
        assert!(has_their_yes(&grant, "founder"));
        assert!(!has_their_yes(&grant, "designer"), "nobody asks her");
        grant.set_basis(GrantBasis::SelfGranted);
        assert!(!has_their_yes(&grant, "founder"), "nobody said yes");
        grant.set_state(GrantState::Waiting);
        assert!(late_error(&grant, "founder", now).is_none());
    }
}
