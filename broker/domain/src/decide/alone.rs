//! What somebody has on nobody's word but their own: one of a right under an incident, and not another
//! while that runs, so that its shorter time bounds something.

use crate::grant::{Basis, Grant, GrantRef};
use crate::refusal::Refusal;

use super::case::Case;

/// The self-grants of that person for that right under that incident that run now, oldest first.
pub(super) fn running<'a>(case: &Case<'a>, of: &'a GrantRef) -> impl Iterator<Item = &'a Grant> {
    let at = case.at;
    let is_like = |other: &GrantRef| {
        (&other.person, &other.right, other.incident) == (&of.person, &of.right, of.incident)
    };
    let runs_alone = move |grant: &Grant| {
        let active = grant.active();
        active.is_some_and(|active| active.basis == Basis::SelfGranted && at < active.ends_at)
    };
    let live = case.state.live_of(&of.person);
    live.filter(move |grant| is_like(&grant.of) && runs_alone(grant))
}

/// None of them runs.
pub(super) fn need_none(case: &Case<'_>, of: &GrantRef) -> Result<(), Refusal> {
    match running(case, of).next() {
        None => Ok(()),
        Some(other) => Err(Refusal::AloneAlready {
            grant: of.grant,
            runs: other.of.grant,
        }),
    }
}
