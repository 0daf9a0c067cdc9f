//! Invitations, keys, removals and freezes.

use crate::budget::Spending;
use crate::command::{Act, Command};
use crate::event::{Actor, Change, Event};
use crate::grant::Ending;
use crate::id::{KeyId, PersonId, TokenHash};
use crate::limits::{DEVICES_PER_PERSON, TOKEN_LIFE};
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::Time;

use super::case::Case;
use super::duty::Duty;
use super::{admit, ending, invitation};

pub(super) fn invite(
    case: &Case<'_>,
    by: &PersonId,
    person: &PersonId,
    token: &TokenHash,
) -> Result<Vec<Event>, Refusal> {
    case.need(Duty::Invite, by)?;
    case.afford(&Spending::TeamChanges(by.clone()))?;
    make_token(case, by.into(), person, token)
}

/// The first person has nobody to be invited by, so the operator can.
pub(super) fn invite_from_host(
    case: &Case<'_>,
    person: &PersonId,
    token: &TokenHash,
) -> Result<Vec<Event>, Refusal> {
    make_token(case, Actor::Broker, person, token)
}

fn make_token(
    case: &Case<'_>,
    by: Actor,
    person: &PersonId,
    token: &TokenHash,
) -> Result<Vec<Event>, Refusal> {
    if !case.policy().people.contains_key(person) {
        return Err(Refusal::UnknownPerson(person.clone()));
    }
    invitation::need_room(case, &case.state.tokens)?;
    let invited = Change::PersonInvited {
        person: person.clone(),
        token: token.clone(),
        expires_at: case.at.plus(TOKEN_LIFE),
    };
    Ok(vec![case.event(by, invited)])
}

/// The caller is nobody yet: the token says who they are, and the statement that the key is theirs.
pub(super) fn enroll(case: &Case<'_>, command: &Command) -> Result<Vec<Event>, Refusal> {
    let Act::Enroll {
        token,
        key,
        public,
        device,
        serial,
        certificate_expires_at,
    } = &command.act
    else {
        return Err(Refusal::TokenUnknown);
    };
    admit::clock(case, &command.act)?;
    let person = redeem(case, token)?;
    let signed = command.signed.as_deref();
    let signed = signed.ok_or(Refusal::StatementMissing)?;
    if signed.key != *key {
        return Err(Refusal::NotEnrolled(person.clone()));
    }
    admit::statement(case, signed, &command.act)?;
    room_for_key(case, person, key)?;
    let enrolled = Change::PersonEnrolled {
        person: person.clone(),
        token: token.clone(),
        key: key.clone(),
        public: public.clone(),
        device: device.clone(),
        serial: serial.clone(),
        certificate_expires_at: *certificate_expires_at,
    };
    Ok(vec![case.event(person, enrolled)])
}

/// Whom a token is for, where it still works and they may still come in.
fn redeem<'a>(case: &Case<'a>, token: &TokenHash) -> Result<&'a PersonId, Refusal> {
    let person = invitation::redeem(case, &case.state.tokens, token)?;
    if !case.policy().people.contains_key(person) {
        return Err(Refusal::UnknownPerson(person.clone()));
    }
    if case.state.is_frozen(person) {
        return Err(Refusal::PersonFrozen(person.clone()));
    }
    Ok(person)
}

fn room_for_key(case: &Case<'_>, person: &PersonId, key: &KeyId) -> Result<(), Refusal> {
    if case.state.keys.contains_key(key) || case.state.targets.keys.contains_key(key) {
        return Err(Refusal::KeyEnrolled);
    }
    let member = case.state.members.get(person);
    if member.is_some_and(|member| member.devices.len() >= DEVICES_PER_PERSON) {
        return Err(Refusal::TooMany {
            what: "enrolled keys of one person",
            limit: DEVICES_PER_PERSON,
        });
    }
    Ok(())
}

pub(super) fn renew(
    case: &Case<'_>,
    by: &PersonId,
    key: &KeyId,
    serial: &str,
    certificate_expires_at: Time,
) -> Result<Vec<Event>, Refusal> {
    if case.state.keys.get(key) != Some(by) {
        return Err(Refusal::NotEnrolled(by.clone()));
    }
    case.afford(&Spending::Renewals(key.clone()))?;
    let renewed = Change::CertificateRenewed {
        person: by.clone(),
        key: key.clone(),
        serial: serial.to_owned(),
        certificate_expires_at,
    };
    Ok(vec![case.event(by, renewed)])
}

/// Also somebody the policy no longer knows, where anything of theirs is left.
pub(super) fn remove(
    case: &Case<'_>,
    by: &PersonId,
    person: &PersonId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    case.need(Duty::Remove, by)?;
    need_known(case, person)?;
    if !has_anything(case, person) {
        case.afford(&Spending::TeamChanges(by.clone()))?;
    }
    let mut events = end_all(case, by, person, Ending::PersonLeft, reason);
    let removed = Change::PersonRemoved {
        person: person.clone(),
        reason: reason.clone(),
    };
    events.push(case.event(by, removed));
    Ok(events)
}

/// Anybody may freeze themselves: a stolen laptop does not wait for somebody with the duty.
pub(super) fn freeze(
    case: &Case<'_>,
    by: &PersonId,
    person: &PersonId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    if by != person {
        case.need(Duty::Freeze, by)?;
    }
    need_known(case, person)?;
    if case.state.is_frozen(person) {
        return Err(Refusal::FrozenAlready(person.clone()));
    }
    let mut events = end_all(case, by, person, Ending::PersonFrozen, reason);
    let frozen = Change::PersonFrozen {
        person: person.clone(),
        reason: reason.clone(),
    };
    events.push(case.event(by, frozen));
    Ok(events)
}

/// Never one's own: who is frozen was refused before (see `admit`).
pub(super) fn unfreeze(
    case: &Case<'_>,
    by: &PersonId,
    person: &PersonId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    case.need(Duty::Freeze, by)?;
    case.afford(&Spending::TeamChanges(by.clone()))?;
    lift(case, by.into(), person, reason)
}

/// Somebody with the duty could have frozen everybody else who has it, so the operator can lift one.
pub(super) fn unfreeze_from_host(
    case: &Case<'_>,
    person: &PersonId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    lift(case, Actor::Broker, person, reason)
}

fn lift(
    case: &Case<'_>,
    by: Actor,
    person: &PersonId,
    reason: &Line,
) -> Result<Vec<Event>, Refusal> {
    need_known(case, person)?;
    if !case.state.is_frozen(person) {
        return Err(Refusal::NotFrozen(person.clone()));
    }
    let unfrozen = Change::PersonUnfrozen {
        person: person.clone(),
        reason: reason.clone(),
    };
    Ok(vec![case.event(by, unfrozen)])
}

pub(super) fn export(
    case: &Case<'_>,
    by: &PersonId,
    from: u64,
    to: u64,
) -> Result<Vec<Event>, Refusal> {
    case.need(Duty::ExportLedger, by)?;
    case.afford(&Spending::Exports(by.clone()))?;
    Ok(vec![case.event(by, Change::LedgerExported { from, to })])
}

fn need_known(case: &Case<'_>, person: &PersonId) -> Result<(), Refusal> {
    let state = case.state;
    let known = state.policy.people.contains_key(person)
        || state.members.contains_key(person)
        || has_anything(case, person);
    if known {
        Ok(())
    } else {
        Err(Refusal::UnknownPerson(person.clone()))
    }
}

/// Whether there is anything of somebody that a removal would end: a key, a grant, an invitation for
/// them or by them.
fn has_anything(case: &Case<'_>, person: &PersonId) -> bool {
    let state = case.state;
    let member = state.members.get(person);
    member.is_some_and(|member| !member.devices.is_empty())
        || state.live.contains_key(person)
        || state.invited().any(|invited| invited == person)
        || !state.invitations_by(person, case.at).is_empty()
}

/// The endings of everything a person asked for and has.
fn end_all(
    case: &Case<'_>,
    by: &PersonId,
    person: &PersonId,
    why: Ending,
    reason: &Line,
) -> Vec<Event> {
    case.state
        .live_of(person)
        .map(|grant| case.event(by, ending::change(grant, why, Some(reason.clone()))))
        .collect()
}
