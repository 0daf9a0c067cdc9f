//! Whether a person may act at all, and whether what they signed may be taken.

use crate::command::{Act, Command};
use crate::event::Signed;
use crate::id::PersonId;
use crate::limits::{STATEMENT_SKEW, STATEMENT_SKEW_BEHIND};
use crate::refusal::Refusal;

use super::case::Case;

/// In the policy now, not frozen, the key enrolled, the statement there, fresh and new.
pub(super) fn person(case: &Case<'_>, person: &PersonId, command: &Command) -> Result<(), Refusal> {
    let state = case.state;
    if !state.policy.people.contains_key(person) {
        return Err(Refusal::UnknownPerson(person.clone()));
    }
    if state.is_frozen(person) {
        return Err(frozen(person, &command.act));
    }
    let signed = command.signed.as_deref();
    if signed.is_some_and(|signed| state.keys.get(&signed.key) != Some(person)) {
        return Err(Refusal::NotEnrolled(person.clone()));
    }
    clock(case, &command.act)?;
    match signed {
        Some(signed) => statement(case, signed, &command.act),
        None if command.act.needs_no_statement() => Ok(()),
        None => Err(Refusal::StatementMissing),
    }
}

fn frozen(person: &PersonId, act: &Act) -> Refusal {
    match act {
        Act::Unfreeze { person: whom, .. } if whom == person => Refusal::OwnFreeze,
        _ => Refusal::PersonFrozen(person.clone()),
    }
}

/// Nothing starts while the clock is behind the ledger; what ends something always may.
pub(super) fn clock(case: &Case<'_>, act: &Act) -> Result<(), Refusal> {
    if act.starts() && case.clock_is_behind() {
        return Err(Refusal::ClockBehind {
            now: case.now,
            newest: case.state.newest,
        });
    }
    Ok(())
}

/// The statement is fresh and was not used before.
///
/// A nonce is forgotten only when its statement is too old here (see `State::apply`), so none is
/// taken twice. While the clock is behind nobody knows what time it is: either the clock is wrong
/// now, or it was when the newest entry was written. What arrives then only ends things (the rest is
/// refused above), so both readings are taken rather than leave a grant running.
///
/// Among those taken then may be one whose nonce was forgotten. What ends a grant or an incident is
/// taken all the same: it finds nothing to end a second time. For what can happen again there is
/// [`Played`](crate::played::Played).
pub(super) fn statement(case: &Case<'_>, signed: &Signed, act: &Act) -> Result<(), Refusal> {
    let behind = case.clock_is_behind();
    let (earliest, latest) = if behind {
        (case.now, case.at.plus(STATEMENT_SKEW_BEHIND))
    } else {
        (case.at, case.now.plus(STATEMENT_SKEW))
    };
    let played = &case.state.played;
    let forgotten = behind && act.can_be_again() && played.may_have_forgotten(signed);
    if signed.at.plus(STATEMENT_SKEW) < earliest || signed.at > latest || forgotten {
        return Err(Refusal::StatementStale {
            signed_at: signed.at,
            now: case.now,
        });
    }
    if case.state.nonces.contains_key(&signed.nonce) || played.knows(signed) {
        return Err(Refusal::StatementReplayed);
    }
    Ok(())
}
