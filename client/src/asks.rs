//! What a request that waits asks of one person: a yes, a call, or nothing more.

use breakglass_proto::v1::Grant;

use crate::grant::{pending, still_needed};

/// Whether it waits for this person's word, of whatever kind: they may deny it.
#[must_use]
pub fn is_asked(grant: &Grant, person: &str) -> bool {
    is_in(&grant.approvers, person) || is_in(&grant.callers, person)
}

/// Whether it waits for a yes of theirs.
#[must_use]
pub fn wants_yes(grant: &Grant, person: &str) -> bool {
    let is_missing = grant.still_needed.is_none_or(|needed| needed.approval);
    is_missing && is_in(&grant.approvers, person)
}

/// Whether a call of theirs is missing.
#[must_use]
pub fn wants_call(grant: &Grant, person: &str) -> bool {
    let is_missing = grant.still_needed.is_some_and(|needed| needed.call);
    is_missing && is_in(&grant.callers, person)
}

/// Whether it goes to them if those it waits for do not answer.
#[must_use]
pub fn goes_to(grant: &Grant, person: &str) -> bool {
    pending(grant).is_some_and(|next| is_in(&next.approvers, person))
}

/// What somebody does who is asked for a call: "call founder, then glass call G-34 founder".
#[must_use]
pub fn how_to_call(grant: &Grant) -> String {
    let (id, requester) = (&grant.id, &grant.person);
    format!("call {requester}, then glass call {id} {requester}")
}

/// Why it waits for no yes of somebody who is asked: "G-34 needs your call, and not your yes".
#[must_use]
pub fn why_no_yes(grant: &Grant, person: &str) -> String {
    let id = &grant.id;
    let is_approver = is_in(&grant.approvers, person);
    match (wants_call(grant, person), is_approver, still_needed(grant)) {
        (true, false, _) => format!("{id} needs your call, and not your yes"),
        (true, true, _) => format!("{id} has the yes it needs, and needs your call"),
        (false, _, Some(needed)) => format!("{id} needs no yes of yours; still needed: {needed}"),
        (false, _, None) => format!("{id} needs no yes of yours"),
    }
}

fn is_in(people: &[String], person: &str) -> bool {
    people.iter().any(|it| it == person)
}

#[cfg(test)]
mod tests {
    use super::*;
    use breakglass_proto::v1::{GrantState, StillNeeded};

    #[test]
    fn a_call_and_a_yes_are_asked_for_until_they_are_there() {
        let mut grant = Grant {
            id: "G-34".into(),
            person: "founder".into(),
            incident: "INC-1".into(),
            state: GrantState::Waiting.into(),
            approvers: vec!["leon".into()],
            callers: vec!["leon".into(), "mia".into()],
            still_needed: Some(StillNeeded {
                approval: true,
                call: true,
                note: true,
            }),
            ..Grant::default()
        };
        let wants = |grant: &Grant, who| (wants_yes(grant, who), wants_call(grant, who));
        assert_eq!(wants(&grant, "leon"), (true, true));
        assert_eq!(wants(&grant, "mia"), (false, true));
        assert_eq!(wants(&grant, "support"), (false, false));
        assert!(is_asked(&grant, "mia") && !is_asked(&grant, "support"));
        assert_eq!(
            why_no_yes(&grant, "mia"),
            "G-34 needs your call, and not your yes"
        );
        grant.still_needed.as_mut().unwrap().approval = false;
        assert_eq!(wants(&grant, "leon"), (false, true));
        grant.still_needed.as_mut().unwrap().call = false;
        assert_eq!(wants(&grant, "leon"), (false, false));
        assert_eq!(
            why_no_yes(&grant, "leon"),
            "G-34 needs no yes of yours; still needed: a note in INC-1"
        );
        let plain = Grant {
            callers: vec![],
            still_needed: None,
            ..grant
        };
        assert_eq!(wants(&plain, "leon"), (true, false));
    }
}
