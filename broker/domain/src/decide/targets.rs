//! Guards and what they report; roles that the broker makes and drops.

use std::collections::BTreeSet;

use crate::budget::Spending;
use crate::command::{Act, Command, RoleOutcome};
use crate::event::{Actor, Change, Event, SessionEnd};
use crate::grant::GrantRef;
use crate::id::{CredentialId, GrantId, KeyId, Nonce, PersonId, SessionId, TargetId, TokenHash};
use crate::limits::{DEVICES_PER_PERSON, ORIGIN_MAX, SERVER_TEXT_MAX, SESSIONS, TOKEN_LIFE};
use crate::policy::Policy;
use crate::policy::access::TargetKind;
use crate::refusal::Refusal;
use crate::targets::Role;
use crate::text::Line;
use crate::time::{Lifetime, Time};

use super::case::Case;
use super::duty::Duty;
use super::{admit, invitation};

/// What a guard may do, and nothing else.
pub(super) fn act(
    case: &Case<'_>,
    by: &TargetId,
    command: &Command,
) -> Result<Vec<Event>, Refusal> {
    if !case.policy().targets.contains_key(by) {
        return Err(Refusal::UnknownTarget(by.clone()));
    }
    admit::clock(case, &command.act)?;
    match &command.act {
        Act::Renew {
            key,
            serial,
            certificate_expires_at,
        } => renew(case, by, key, serial, *certificate_expires_at),
        Act::OpenSession {
            grant,
            credential,
            login,
            origin,
            once,
            let_in_at,
        } => {
            let opening = Opening {
                grant: *grant,
                credential: *credential,
                login,
                origin,
                once: *once,
                let_in_at: *let_in_at,
            };
            open(case, by, &opening)
        }
        Act::EndSession { session, how, took } => end(case, by, *session, *how, *took),
        _ => Err(Refusal::StatementMissing),
    }
}

pub(super) fn invite(
    case: &Case<'_>,
    by: &PersonId,
    target: &TargetId,
    token: &TokenHash,
) -> Result<Vec<Event>, Refusal> {
    case.need(Duty::Invite, by)?;
    case.afford(&Spending::TeamChanges(by.clone()))?;
    make_token(case, by.into(), target, token)
}

pub(super) fn make_token(
    case: &Case<'_>,
    by: Actor,
    target: &TargetId,
    token: &TokenHash,
) -> Result<Vec<Event>, Refusal> {
    if !case.policy().targets.contains_key(target) {
        return Err(Refusal::UnknownTarget(target.clone()));
    }
    invitation::need_room(case, &case.state.targets.tokens)?;
    let invited = Change::TargetInvited {
        target: target.clone(),
        token: token.clone(),
        expires_at: case.at.plus(TOKEN_LIFE),
    };
    Ok(vec![case.event(by, invited)])
}

/// Only what people log in to by SSH shows such a certificate.
pub(super) fn certify_host(case: &Case<'_>, act: &Act) -> Result<Vec<Event>, Refusal> {
    let Act::CertifyHost {
        target,
        host,
        key,
        serial,
        expires_at,
    } = act
    else {
        return Err(Refusal::StatementMissing);
    };
    admit::clock(case, act)?;
    let known = case.policy().targets.get(target);
    if known.is_none_or(|known| known.kind != TargetKind::Ssh) {
        return Err(Refusal::UnknownTarget(target.clone()));
    }
    let certified = Change::HostCertified {
        target: target.clone(),
        host: host.clone(),
        key: key.clone(),
        serial: serial.clone(),
        expires_at: *expires_at,
    };
    Ok(vec![case.event(Actor::Broker, certified)])
}

/// The caller is nobody yet, as with people: the token says whose guard it is.
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
    let target = redeem(case, token)?;
    let signed = command.signed.as_deref();
    let signed = signed.ok_or(Refusal::StatementMissing)?;
    if signed.key != *key {
        return Err(Refusal::StatementMissing);
    }
    admit::statement(case, signed, &command.act)?;
    room_for_key(case, target, key)?;
    let enrolled = Change::TargetEnrolled {
        target: target.clone(),
        token: token.clone(),
        key: key.clone(),
        public: public.clone(),
        device: device.clone(),
        serial: serial.clone(),
        certificate_expires_at: *certificate_expires_at,
    };
    Ok(vec![case.event(target, enrolled)])
}

fn redeem<'a>(case: &Case<'a>, token: &TokenHash) -> Result<&'a TargetId, Refusal> {
    let target = invitation::redeem(case, &case.state.targets.tokens, token)?;
    if !case.policy().targets.contains_key(target) {
        return Err(Refusal::UnknownTarget(target.clone()));
    }
    Ok(target)
}

fn room_for_key(case: &Case<'_>, target: &TargetId, key: &KeyId) -> Result<(), Refusal> {
    let state = case.state;
    // One key, one owner: neither another target's nor a person's.
    if state.targets.keys.contains_key(key) || state.keys.contains_key(key) {
        return Err(Refusal::KeyEnrolled);
    }
    let guards = state.targets.guards.get(target);
    if guards.is_some_and(|keys| keys.len() >= DEVICES_PER_PERSON) {
        return Err(Refusal::TooMany {
            what: "enrolled keys of one target",
            limit: DEVICES_PER_PERSON,
        });
    }
    Ok(())
}

fn renew(
    case: &Case<'_>,
    by: &TargetId,
    key: &KeyId,
    serial: &str,
    certificate_expires_at: Time,
) -> Result<Vec<Event>, Refusal> {
    if case.state.targets.keys.get(key) != Some(by) {
        return Err(Refusal::UnknownTarget(by.clone()));
    }
    case.afford(&Spending::Renewals(key.clone()))?;
    let renewed = Change::TargetRenewed {
        target: by.clone(),
        key: key.clone(),
        serial: serial.to_owned(),
        certificate_expires_at,
    };
    Ok(vec![case.event(by, renewed)])
}

/// A login, as its guard reports it.
struct Opening<'a> {
    grant: GrantId,
    credential: CredentialId,
    login: &'a Line,
    origin: &'a str,
    once: Option<Nonce>,
    let_in_at: Option<Time>,
}

/// The grant of a login, and how many credentials it has had. One that is over only where the guard
/// let them in by itself, and can be told again that it did.
fn of_login<'a>(case: &Case<'a>, opening: &Opening<'_>) -> Result<(&'a GrantRef, u32), Refusal> {
    let is_late = opening.let_in_at.is_some() && opening.once.is_some();
    let late = || case.state.targets.late_under(opening.grant, case.at);
    match case.active(opening.grant) {
        Ok((grant, _)) => Ok((&grant.of, grant.credentials)),
        Err(refusal) => match late().filter(|_| is_late) {
            Some(over) => Ok((&over.of, over.credentials)),
            None => Err(refusal),
        },
    }
}

/// The grant is asked when somebody comes in, whatever their certificate says.
///
/// Nothing where it was opened before: the answer was lost on its way. Somebody who is not in yet is
/// refused all the same once their grant is over.
fn open(case: &Case<'_>, by: &TargetId, opening: &Opening<'_>) -> Result<Vec<Event>, Refusal> {
    let credential = opening.credential;
    let not_there = || Refusal::NotThere {
        grant: opening.grant,
        target: by.clone(),
    };
    let before = opening
        .once
        .map(|once| case.state.targets.opened_with(by, once));
    if let Some((_, session)) = before.flatten() {
        if session.credential != credential {
            return Err(not_there());
        }
        if session.over_at.is_none() || opening.let_in_at.is_some() {
            return Ok(Vec::new());
        }
    }
    let (of, credentials) = of_login(case, opening)?;
    let policy = case.policy();
    let (right, target) = (policy.rights.get(&of.right), policy.targets.get(by));
    let leads = right.zip(target);
    if !leads.is_some_and(|(right, target)| right.reaches(by, target)) {
        return Err(not_there());
    }
    let issued = credential.grant == of.grant && credential.number <= credentials;
    if !issued || credential.number == 0 {
        return Err(not_there());
    }
    if case.state.targets.sessions.len() >= SESSIONS {
        return Err(Refusal::TooMany {
            what: "open sessions",
            limit: SESSIONS,
        });
    }
    case.afford(&Spending::Sessions(by.clone()))?;
    case.afford(&Spending::Logins(of.person.clone(), by.clone()))?;
    let opened = Change::SessionOpened {
        of: of.clone(),
        session: case.state.targets.next_session,
        target: by.clone(),
        credential,
        login: opening.login.clone(),
        origin: within(opening.origin, ORIGIN_MAX),
        once: opening.once,
        let_in_at: opening.let_in_at,
    };
    Ok(vec![case.event(by, opened)])
}

fn end(
    case: &Case<'_>,
    by: &TargetId,
    session: SessionId,
    how: SessionEnd,
    took: Option<Lifetime>,
) -> Result<Vec<Event>, Refusal> {
    let known = case.state.targets.sessions.get(&session);
    let known = known.filter(|known| known.target == *by);
    let known = known.ok_or(Refusal::UnknownSession(session))?;
    let ended = Change::SessionEnded {
        of: known.of.clone(),
        session,
        target: by.clone(),
        how,
        took,
    };
    Ok(vec![case.event(by, ended)])
}

/// What became of a role; nothing where nobody knows it any more, or where it was said already.
pub(super) fn note_role(case: &Case<'_>, name: &Line, outcome: &RoleOutcome) -> Vec<Event> {
    let Some(role) = case.state.targets.roles.get(name) else {
        return Vec::new();
    };
    let Some(change) = role_change(role, name, outcome) else {
        return Vec::new();
    };
    vec![case.event(Actor::Broker, change)]
}

fn role_change(known: &Role, name: &Line, outcome: &RoleOutcome) -> Option<Change> {
    let (of, target, role) = (known.of.clone(), known.target.clone(), name.clone());
    Some(match outcome {
        RoleOutcome::Created if known.created => return None,
        RoleOutcome::Created => Change::RoleCreated { of, target, role },
        RoleOutcome::Failed { step, text } => {
            let text = within(text, SERVER_TEXT_MAX);
            // Tried again and again for ever: only what is new is worth an entry.
            if known.failed.as_ref() == Some(&(*step, text.clone())) {
                return None;
            }
            Change::RoleFailed {
                of,
                target,
                role,
                step: *step,
                text,
            }
        }
        RoleOutcome::Dropped { sessions, took } => Change::RoleDropped {
            of,
            target,
            role,
            sessions: *sessions,
            took: *took,
        },
    })
}

/// Cut to so many bytes, between two characters.
fn within(text: &str, max: usize) -> String {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Targets with a key or a token that the policy does not know.
pub(super) fn leavers<'a>(case: &Case<'a>, policy: &Policy) -> BTreeSet<&'a TargetId> {
    let targets = &case.state.targets;
    let invited = targets.tokens.values();
    let invited = invited.filter(|it| it.withdrawn.is_none());
    let invited = invited.map(|it| &it.whom);
    let mut leavers: BTreeSet<_> = targets.keys.values().chain(invited).collect();
    leavers.retain(|target| !policy.targets.contains_key(*target));
    leavers
}
