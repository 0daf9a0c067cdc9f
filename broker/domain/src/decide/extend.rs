//! More time.
//!
//! Who may depends on how the grant began, because nobody stretches alone what somebody else has
//! agreed to:
//!
//! - on the fast path its holder, up to the right's longest time, counted from the beginning, for as
//!   long as the policy asks nobody: one that has become stricter since counts;
//! - approved: an approver of the grant, not the holder, up to the same;
//! - called: the same, and where the rule names no approvers, one whose call counts;
//! - self-granted: its holder, never past the rule's shorter time.
//!
//! What was handed over has its longest time counted from where the first of them began.
//!
//! More than that is refused, with what is left of it; the incident's end is not, and cuts. Never past
//! the incident, whoever asks.

use crate::budget::Spending;
use crate::event::{Change, Event};
use crate::grant::{Active, Basis, Grant};
use crate::id::{GrantId, PersonId};
use crate::limits::LENGTH_MIN;
use crate::policy::{Right, Rule};
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::Lifetime;

use super::approve::{names, need_approver};
use super::case::Case;

pub(super) fn extend(
    case: &Case<'_>,
    by: &PersonId,
    grant: GrantId,
    more: Lifetime,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    let (grant, active) = case.active(grant)?;
    let incident = case.open_incident(grant.of.incident)?;
    let (rule, right) = case.still_given(grant)?;
    need_extender(case, rule, grant, active, by, more)?;
    if more < LENGTH_MIN {
        return Err(Refusal::TooShort {
            asked: more,
            shortest: LENGTH_MIN,
        });
    }
    let since = grant.counts_since(active);
    let latest = since.plus(longest(grant, active, right));
    let left = latest.min(incident.closes_at).since(active.ends_at);
    if active.ends_at.plus(more) > latest || left == Lifetime::ZERO {
        // Whole seconds are what is told, and what can be asked for.
        let longest = if left < LENGTH_MIN {
            Lifetime::ZERO
        } else {
            left
        };
        let of = grant.of.grant;
        return Err(match grant.handed {
            Some(_) => Refusal::TooLongHandedOver {
                grant: of,
                asked: more,
                longest,
                since,
            },
            None => Refusal::TooLong {
                asked: more,
                longest,
            },
        });
    }
    case.afford(&Spending::Extensions(by.clone()))?;
    let ends_at = active.ends_at.plus(more.min(left));
    let extended = Change::GrantExtended {
        of: grant.of.clone(),
        ends_at,
        reason: reason.clone(),
    };
    Ok(vec![case.event(by, extended)])
}

fn need_extender(
    case: &Case<'_>,
    rule: &Rule,
    grant: &Grant,
    active: &Active,
    by: &PersonId,
    more: Lifetime,
) -> Result<(), Refusal> {
    match active.basis {
        Basis::FastPath if !rule.approvers.is_empty() || !rule.call.is_empty() => {
            Err(Refusal::SentenceChanged(format!(
                "{} began without a yes, and the rule {} now asks for one",
                grant.of.grant, rule.name,
            )))
        }
        Basis::FastPath | Basis::SelfGranted if grant.of.person == *by => Ok(()),
        Basis::FastPath | Basis::SelfGranted => Err(Refusal::HolderExtends {
            grant: grant.of.grant,
            holder: grant.of.person.clone(),
            more,
        }),
        Basis::Approved | Basis::Called if grant.of.person == *by => Err(Refusal::NeedsApprover {
            grant: grant.of.grant,
            approvers: names(agreeing(grant).iter()),
            more,
        }),
        Basis::Called if grant.approvers.is_empty() => {
            let callers = agreeing(grant);
            if callers.contains(by) && case.policy().selects(&rule.call, by) {
                return Ok(());
            }
            Err(Refusal::NotApprover {
                person: by.clone(),
                grant: grant.of.grant,
                approvers: names(callers.iter()),
            })
        }
        Basis::Approved | Basis::Called => need_approver(case, rule, grant, by),
    }
}

/// Who agreed to it, or could have: approvers, and where the rule names none, those whose call counts.
fn agreeing(grant: &Grant) -> &[PersonId] {
    match &grant.unlock {
        Some(unlock) if grant.approvers.is_empty() => &unlock.callers,
        _ => &grant.approvers,
    }
}

fn longest(grant: &Grant, active: &Active, right: &Right) -> Lifetime {
    match (active.basis, grant.self_grant) {
        (Basis::SelfGranted, Some(pinned)) => pinned.longest.min(right.longest),
        (Basis::SelfGranted, None) => Lifetime::ZERO,
        (Basis::FastPath | Basis::Approved | Basis::Called, _) => right.longest,
    }
}
