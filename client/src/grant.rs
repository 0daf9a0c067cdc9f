//! What the client knows about a grant of the contract: how it reads, and what its end means.

mod late;

use breakglass_proto::v1::{Escalation, Grant, GrantBasis, GrantEnding, GrantState};
use jiff::Timestamp;

pub(crate) use late::{begun_already, begun_error, has_their_yes, late_error};

use crate::{error::Error, show::drill_mark, text::plain, time};

/// Who has to say yes, in words: "leon or the founder's name".
#[must_use]
pub fn approvers(grant: &Grant) -> String {
    listed(&marked(grant, &grant.approvers), "or")
}

/// Whose call it needs, in words.
#[must_use]
pub fn callers(grant: &Grant) -> String {
    listed(&marked(grant, &grant.callers), "or")
}

/// Who of them cannot answer is told so: "mia (gone)".
fn marked(grant: &Grant, people: &[String]) -> Vec<String> {
    let mark = |person: &String| match grant.gone.contains(person) {
        true => format!("{person} (gone)"),
        false => person.clone(),
    };
    people.iter().map(mark).collect()
}

/// What to do about a request that waits for what nobody can give; nothing where somebody can.
#[must_use]
pub fn hopeless(grant: &Grant) -> Option<String> {
    let is_hopeless = grant.nobody_left && grant.state() == GrantState::Waiting;
    is_hopeless.then(|| match grant.self_grant_at {
        None => "nobody can answer: drop it and ask again".to_owned(),
        Some(_) => "nobody can answer".to_owned(),
    })
}

/// Everybody whose word it waits for, in words.
#[must_use]
pub fn asked(grant: &Grant) -> String {
    let callers = grant.callers.iter();
    let others = callers.filter(|caller| !grant.approvers.contains(caller));
    let all: Vec<_> = grant.approvers.iter().chain(others).cloned().collect();
    listed(&marked(grant, &all), "or")
}

/// Whom a request goes to as well if nobody answers, where it has not yet: "goes to founder too at
/// 03:10 (in 4m)".
#[must_use]
pub fn next_asked(grant: &Grant, now: Timestamp) -> Option<String> {
    goes_at(grant, |at| time::local_and_relative(at, now))
}

/// The same for an error: in UTC.
#[must_use]
pub(crate) fn next_asked_utc(grant: &Grant, now: Timestamp) -> Option<String> {
    goes_at(grant, |at| time::utc_and_relative(at, now))
}

fn goes_at(grant: &Grant, tell: impl FnOnce(Timestamp) -> String) -> Option<String> {
    let next = pending(grant)?;
    let at = tell(time::from_proto(next.at.as_ref())?);
    let to = listed(&marked(grant, &next.approvers), "or");
    Some(format!("goes to {to} too at {at}"))
}

/// The escalation of a request that waits, and has not escalated yet.
#[must_use]
pub fn pending(grant: &Grant) -> Option<&Escalation> {
    let next = grant.escalation.as_ref()?;
    let pending = grant.state() == GrantState::Waiting && next.escalated_at.is_none();
    pending.then_some(next)
}

/// Everybody whose word it waits for, and whom it goes to next: "leon, then founder".
#[must_use]
pub fn asked_in_turn(grant: &Grant) -> String {
    let then = pending(grant).map(|next| listed(&marked(grant, &next.approvers), "or"));
    let then = then.map(|then| format!(", then {then}"));
    let nobody = hopeless(grant).map(|why| format!("; {why}"));
    format!(
        "{}{}{}",
        asked(grant),
        then.unwrap_or_default(),
        nobody.unwrap_or_default()
    )
}

/// What a request that needs a call still waits for: "a call with mia or leon, a note in INC-12".
#[must_use]
pub fn still_needed(grant: &Grant) -> Option<String> {
    let needed = grant.still_needed?;
    let approval = || format!("a yes of {}", approvers(grant));
    let call = || format!("a call with {}", callers(grant));
    let note = || format!("a note in {}", grant.incident);
    let parts = [
        needed.approval.then(approval),
        needed.call.then(call),
        needed.note.then(note),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// On whose word a grant began that needed a call: "leon, after a call with mia".
#[must_use]
pub fn called_by(grant: &Grant) -> String {
    let callers: Vec<_> = grant.calls.iter().map(|call| call.by.clone()).collect();
    by_call(&grant.agreed, &callers)
}

/// The same, of who agreed and who was called.
#[must_use]
pub fn by_call(agreed: &[String], callers: &[String]) -> String {
    let call = format!("a call with {}", listed(callers, "and"));
    match agreed {
        [] => call,
        agreed => format!("{}, after {call}", listed(agreed, "and")),
    }
}

/// A list in words: `a`, `a or b`, `a, b or c`; "nobody" for none.
#[must_use]
pub fn listed(items: &[String], last: &str) -> String {
    match items {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// The state in one word.
#[must_use]
pub fn state_word(grant: &Grant) -> &'static str {
    match grant.state() {
        GrantState::Unspecified => "unknown",
        GrantState::Waiting => "waiting",
        GrantState::Active => "active",
        GrantState::Ended => ending_word(grant.ending()),
    }
}

/// The ending in the ledger's word.
#[must_use]
pub fn ending_word(ending: GrantEnding) -> &'static str {
    match ending {
        GrantEnding::Unspecified => "ended",
        GrantEnding::Denied => "denied",
        GrantEnding::Lapsed => "lapsed",
        GrantEnding::Dropped => "dropped",
        GrantEnding::Revoked => "revoked",
        GrantEnding::Expired => "expired",
        GrantEnding::IncidentClosed => "incident-closed",
        GrantEnding::PersonLeft => "person-left",
        GrantEnding::PersonFrozen => "person-frozen",
        GrantEnding::Abandoned => "abandoned",
        GrantEnding::Vetoed => "vetoed",
        GrantEnding::HandedOver => "handed-over",
    }
}

/// How it came to begin, in the ledger's word; empty where it has not.
#[must_use]
pub fn basis_word(basis: GrantBasis) -> &'static str {
    match basis {
        GrantBasis::Unspecified => "",
        GrantBasis::FastPath => "fast-path",
        GrantBasis::Approved => "approved",
        GrantBasis::SelfGranted => "self-granted",
        GrantBasis::Called => "called",
    }
}

/// How it ended, as one sentence: who, and why.
#[must_use]
pub fn ending_sentence(grant: &Grant) -> String {
    let (id, by) = (&grant.id, by_whom(&grant.ended_by));
    let sentence = match grant.ending() {
        GrantEnding::Denied => format!("{by} denied {id}"),
        GrantEnding::Lapsed if !grant.from_grant.is_empty() && grant.ending_reason.is_empty() => {
            format!("{id} was not handed over in time: it lapsed")
        }
        GrantEnding::Lapsed if !grant.from_grant.is_empty() => {
            format!("{id} is not handed over any more")
        }
        GrantEnding::Lapsed => format!("nobody answered {id} in time: it lapsed"),
        GrantEnding::Dropped => format!("{id} was given back"),
        GrantEnding::Revoked => format!("{by} revoked {id}"),
        GrantEnding::Vetoed => format!("{by} vetoed {id}, so nobody has it alone"),
        GrantEnding::HandedOver => {
            format!(
                "{id} was handed over to {}, as {}",
                grant.to_person, grant.to_grant
            )
        }
        GrantEnding::Expired => format!("the time of {id} ran out"),
        GrantEnding::IncidentClosed => format!("{by} closed {}, which ended {id}", grant.incident),
        GrantEnding::PersonLeft if is_person(&grant.ended_by) => {
            format!("{by} removed {}, which ended {id}", grant.person)
        }
        GrantEnding::PersonLeft => {
            format!(
                "{id} ended with a new policy: {} is no longer given {}",
                grant.person, grant.right
            )
        }
        GrantEnding::PersonFrozen => format!("{by} froze {}, which ended {id}", grant.person),
        GrantEnding::Abandoned => {
            format!("{id} ended: the `glass` that held it was gone for too long")
        }
        GrantEnding::Unspecified => format!("{id} is over"),
    };
    match grant.ending_reason.as_str() {
        "" => sentence,
        reason => format!("{sentence}: {reason}"),
    }
}

/// From when its holder may begin a request alone: "mia may begin it alone at 03:12 (in 9m)"; nothing where
/// they may not.
#[must_use]
pub fn alone_from(grant: &Grant, now: Timestamp) -> Option<String> {
    let from = time::from_proto(grant.self_grant_at.as_ref())?;
    let waits = grant.state() == GrantState::Waiting;
    if deadline(grant).is_some_and(|lapses| waits && lapses <= from) {
        let from = time::local_and_relative(from, now);
        return Some(format!(
            "{} may begin nothing of this right alone before {from}, and it lapses before",
            grant.person
        ));
    }
    let from = match from <= now {
        true => "now".to_owned(),
        false => format!("from {}", time::local_and_relative(from, now)),
    };
    waits.then(|| format!("{} may begin it alone {from}", grant.person))
}

/// What a veto of an earlier grant means for a request: "support vetoed G-21: for the rest of INC-43, mia
/// needs an approver to restart the worker".
#[must_use]
pub fn veto_sentence(vetoed: &Grant) -> String {
    format!(
        "{} vetoed {}: for the rest of {}, {} needs an approver to {}",
        by_whom(&vetoed.ended_by),
        vetoed.id,
        vetoed.incident,
        vetoed.person,
        plain(&vetoed.sentence)
    )
}

/// What ended with something else, as a line: access, or a request that never began.
#[must_use]
pub fn ended_line(ended: &Grant) -> String {
    let (id, person, what) = (&ended.id, &ended.person, plain(&ended.sentence));
    let drill = drill_mark(ended.drill);
    match ended.basis() {
        GrantBasis::Unspecified => format!("{drill}{id}  {person} no longer asks to {what}"),
        _ => format!("{drill}{id}  {person} can no longer {what}"),
    }
}

/// How a grant that is over reads as an error; `None` while it waits or lives.
#[must_use]
pub(crate) fn ended_error(grant: &Grant) -> Option<Error> {
    if grant.state() != GrantState::Ended {
        return None;
    }
    let what = ending_sentence(grant);
    let again = format!("ask again: glass request {} -m \"why\"", grant.right);
    let answered = format!("call {}, then {again}", asked(grant));
    Some(match grant.ending() {
        GrantEnding::Denied => Error::Denied {
            what,
            next: format!("talk to {}, then ask again", by_whom(&grant.ended_by)),
        },
        GrantEnding::Lapsed if !grant.from_grant.is_empty() => Error::Denied {
            what,
            next: format!("talk to {}, or {again}", grant.from_person),
        },
        GrantEnding::Lapsed => Error::Denied {
            what,
            next: answered,
        },
        GrantEnding::Vetoed => Error::Ended {
            what,
            next: answered,
        },
        GrantEnding::HandedOver => Error::Ended {
            what,
            next: format!("talk to {}, or {again}", grant.to_person),
        },
        GrantEnding::IncidentClosed => Error::Ended {
            what,
            next: "if it is still broken, open an incident: glass incident open \"what\"".into(),
        },
        GrantEnding::PersonFrozen | GrantEnding::PersonLeft if is_person(&grant.ended_by) => {
            Error::Ended {
                what,
                next: format!("talk to {}", grant.ended_by),
            }
        }
        GrantEnding::PersonFrozen | GrantEnding::PersonLeft => Error::Ended {
            what,
            next: "see what the policy gives you now: glass can; then talk to whoever keeps it"
                .into(),
        },
        _ => Error::Ended { what, next: again },
    })
}

/// How a grant that waits reads as an error, for those who do not.
#[must_use]
pub fn waiting_error(grant: &Grant, now: Timestamp) -> Error {
    let then = next_asked_utc(grant, now).map(|next| format!(", and {next}"));
    let then = then.unwrap_or_default();
    if let Some(why) = hopeless(grant) {
        return Error::Waiting {
            what: format!("{} waits for {}, and {why}", grant.id, asked(grant)),
            next: format!("take it back: glass drop {}", grant.id),
        };
    }
    if let Some(needed) = still_needed(grant) {
        return Error::Waiting {
            what: format!("{} waits; still needed: {needed}{then}", grant.id),
            next: unlocking(grant),
        };
    }
    Error::Waiting {
        what: format!("{} waits for {}{then}", grant.id, approvers(grant)),
        next: format!(
            "they run: glass approve {id}. To see how it stands: glass grants show {id}",
            id = grant.id
        ),
    }
}

/// What whom has to run for a request that needs a call.
#[must_use]
pub fn unlocking(grant: &Grant) -> String {
    let needed = grant.still_needed.unwrap_or_default();
    let (id, person) = (&grant.id, &grant.person);
    let mut steps = Vec::new();
    if needed.call {
        steps.push(format!(
            "call {}, who then runs: glass call {id} {person}",
            callers(grant)
        ));
    }
    if needed.note {
        let incident = &grant.incident;
        steps.push(format!(
            "note what you agreed on: glass incident note --incident {incident} TEXT"
        ));
    }
    if needed.approval {
        let approvers = approvers(grant);
        steps.push(format!("ask {approvers} to run: glass approve {id}"));
    }
    steps.join("; ")
}

/// Where it was handed over from, in words: "mia's G-45"; nothing where its holder asked for it.
#[must_use]
pub fn handed_from(grant: &Grant) -> Option<String> {
    let (from, by) = (&grant.from_grant, &grant.from_person);
    (!from.is_empty()).then(|| format!("{by}'s {from}"))
}

/// When a grant ends, or a request lapses; `None` where it is over.
#[must_use]
pub fn deadline(grant: &Grant) -> Option<Timestamp> {
    match grant.state() {
        GrantState::Waiting => time::from_proto(grant.lapses_at.as_ref()),
        GrantState::Active => time::from_proto(grant.ends_at.as_ref()),
        _ => None,
    }
}

/// Whether it is somebody on the team, and not the broker by itself.
fn is_person(by: &str) -> bool {
    !matches!(by, "" | "breakglass")
}

/// The broker under its own name, people under theirs.
pub(crate) fn by_whom(by: &str) -> &str {
    match by {
        "" | "breakglass" => "the broker",
        by => by,
    }
}

#[cfg(test)]
mod tests;
