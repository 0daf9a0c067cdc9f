//! `decide(state, command, now)`: the events a command leads to, or the reason it does not happen.
//!
//! One file a subject. Every subject reads the same: find what the command is about, refuse for the
//! first reason there is, name the events. Endings stand before what caused them, so that the state
//! is right after each single event, not only after the batch.

mod admit;
mod afford;
mod alert;
mod approve;
mod broker;
mod case;
mod credential;
mod drill;
mod duty;
mod ending;
mod escalate;
mod extend;
mod handover;
mod incident;
mod invitation;
mod people;
mod request;
mod review;
mod targets;
mod unlock;
mod witness;

use crate::command::{Act, Command};
use crate::event::{Actor, Event};
use crate::id::PersonId;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Time;

use approve::Shown;
use case::Case;
use handover::Handing;
use request::Wanted;

/// Decides one command at one moment. Changes nothing: the caller appends the events to the ledger
/// and then applies them. What time itself has brought about ([`due`](crate::due::due)) must have
/// been applied for the same `now` before, so that nothing is decided against what is over.
///
/// Events are dated `now`, or like the newest event before them where the clock fell back: time in
/// the ledger never does. The statement stands on the first event. There is always one, but for
/// [`Act::Tick`] with nothing due, [`Act::LoadPolicy`] with the text that is in force already,
/// [`Act::NoteWitnessed`] and [`Act::NoteUnwitnessed`] with what is known, [`Act::NoteRole`] and [`Act::OpenSession`] with what was noted before, and an alert that is known
/// as it is.
///
/// # Errors
/// The [`Refusal`] a person can act on.
pub fn decide(state: &State, command: &Command, now: Time) -> Result<Vec<Event>, Refusal> {
    let case = Case::new(state, now);
    let mut events = match &command.by {
        Actor::Broker => broker::act(&case, command)?,
        Actor::Person(person) => {
            admit::person(&case, person, command)?;
            person_acts(&case, person, command)?
        }
        Actor::Target(target) => targets::act(&case, target, command)?,
        Actor::Source(source) => alert::act(&case, source, &command.act)?,
    };
    events.extend(handover::left_waiting(&case, &events));
    if let Some(first) = events.first_mut() {
        first.signed.clone_from(&command.signed);
    }
    Ok(events)
}

fn person_acts(case: &Case<'_>, by: &PersonId, command: &Command) -> Result<Vec<Event>, Refusal> {
    match &command.act {
        Act::Invite { person, token } => people::invite(case, by, person, token),
        Act::InviteTarget { target, token } => targets::invite(case, by, target, token),
        Act::Renew {
            key,
            serial,
            certificate_expires_at,
        } => people::renew(case, by, key, serial, *certificate_expires_at),
        Act::Remove { person, reason } => people::remove(case, by, person, reason),
        Act::Freeze { person, reason } => people::freeze(case, by, person, reason),
        Act::Unfreeze { person, reason } => people::unfreeze(case, by, person, reason),
        Act::Export { from, to } => people::export(case, by, *from, *to),
        Act::Open { severity, title } => incident::open(case, by, *severity, title),
        Act::OpenDrill { title } => drill::open(case, by, title),
        Act::RecordDrill { incident, outcome } => drill::record(case, by, *incident, outcome),
        Act::Note { incident, text } => incident::note(case, by, *incident, text),
        Act::Close { incident, reason } => incident::close(case, by, *incident, reason),
        Act::Hold { incident, reason } => incident::hold(case, by, *incident, reason),
        _ => begin_acts(case, by, command),
    }
}

fn begin_acts(case: &Case<'_>, by: &PersonId, command: &Command) -> Result<Vec<Event>, Refusal> {
    match &command.act {
        Act::Request {
            right,
            sentence,
            incident,
            reason,
            length,
            held,
            key,
            credential,
        } => {
            let signer = command.signed.as_deref().map(|signed| &signed.key);
            let wanted = Wanted {
                right,
                sentence,
                incident: *incident,
                reason,
                length: *length,
                held: *held,
                // What is bound to a key is bound to the one that signed.
                key: signer.filter(|signer| *signer == key),
                credential: *credential,
            };
            request::request(case, by, &wanted)
        }
        Act::Approve {
            grant,
            incident,
            requester,
            right,
            sentence,
            until,
        } => {
            let shown = Shown {
                grant: *grant,
                incident: *incident,
                requester,
                right,
                sentence,
            };
            approve::approve(case, by, &shown, *until)
        }
        Act::Deny { grant, reason } => approve::deny(case, by, *grant, reason),
        Act::SelfGrant {
            grant,
            incident,
            right,
            sentence,
        } => {
            let shown = Shown {
                grant: *grant,
                incident: *incident,
                requester: by,
                right,
                sentence,
            };
            approve::self_grant(case, by, &shown)
        }
        _ => call_acts(case, by, command),
    }
}

fn call_acts(case: &Case<'_>, by: &PersonId, command: &Command) -> Result<Vec<Event>, Refusal> {
    match &command.act {
        Act::RecordCall {
            grant,
            incident,
            requester,
            right,
            sentence,
            spoke_at,
        } => {
            let shown = Shown {
                grant: *grant,
                incident: *incident,
                requester,
                right,
                sentence,
            };
            unlock::record_call(case, by, &shown, *spoke_at, command.signed.as_deref())
        }
        Act::HandOver {
            grant,
            to,
            incident,
            right,
            sentence,
            reason,
            until,
        } => {
            let handing = Handing {
                grant: *grant,
                to,
                incident: *incident,
                right,
                sentence,
                reason,
                until: *until,
            };
            handover::hand_over(case, by, &handing)
        }
        _ => grant_acts(case, by, &command.act),
    }
}

/// Any other act is the broker's own, so it is refused.
fn grant_acts(case: &Case<'_>, by: &PersonId, act: &Act) -> Result<Vec<Event>, Refusal> {
    match act {
        Act::Extend {
            grant,
            by: more,
            reason,
        } => extend::extend(case, by, *grant, *more, reason),
        Act::Drop { grant } => ending::drop(case, by, *grant),
        Act::Revoke { grant, reason } => ending::revoke(case, by, *grant, reason),
        Act::Veto { grant, reason } => ending::veto(case, by, *grant, reason),
        Act::Issue { grant, wanted, key } => credential::issue(case, by, *grant, wanted, key),
        Act::Use { grant, program } => credential::note_use(case, by, *grant, program),
        Act::AnswerReview {
            incident,
            grant,
            answer,
        } => review::answer(case, by, (*incident, *grant), answer),
        _ => Err(Refusal::NotPermitted {
            person: by.clone(),
            duty: "do what only the broker does",
        }),
    }
}
