//! The statement is the request: what a person signed becomes a command, and nothing beside it.

mod drill;

use std::str::FromStr;
use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::drill::Outcome;
use breakglass_domain::{
    Actor, Answer, Command, GrantId, IncidentId, KeyId, Lifetime, Line, Nonce, PersonId, Prose,
    Signed, Time,
};
use breakglass_proto::statement::{self, Act as Said, MAX_TEXT, Statement};
use breakglass_proto::v1;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::error::Error;
use super::limits::SIGNATURE_MAX;
use crate::app::{Caller, Seen};

/// A statement whose signature is by the key, and what it says.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) said: Said,
    pub(super) origin: String,
    pub(super) by: String,
    /// What its signer's laptop has seen of the ledger: not yet held against it.
    pub(super) seen: Option<statement::Seen>,
    pub(super) signed: Arc<Signed>,
}

impl Checked {
    /// The head that was seen, as the ledger's key would have signed it.
    pub(super) fn seen(&self, origin: &str) -> Option<Seen> {
        self.seen.as_ref().map(|seen| Seen {
            size: seen.size,
            note: seen.note(origin),
        })
    }
}

/// The command that a caller signed.
///
/// # Errors
/// A line of the statement that cannot be taken.
pub(super) fn command(caller: &Caller, checked: Checked) -> Result<Command, Error> {
    let act = act_of(checked.said, &caller.key)?;
    Ok(Command {
        by: Actor::from(&caller.person),
        signed: Some(checked.signed),
        act,
    })
}

/// A statement of the caller, for this broker and this act.
///
/// # Errors
/// What is wrong with the statement: not one, or for another act, broker, person or key.
pub(super) fn by_caller(
    caller: &Caller,
    origin: &str,
    signed: Option<v1::Signed>,
    act: &'static str,
) -> Result<Checked, Error> {
    let checked = check(&caller.public, &caller.key, signed, act)?;
    if checked.origin != origin {
        let ours = origin.to_owned();
        return Err(Error::WrongBroker { ours });
    }
    if checked.by != caller.person.as_str() {
        let another = "it is by somebody else than the connection's certificate is for";
        return Err(Error::Statement(another.to_owned()));
    }
    Ok(checked)
}

/// A statement of this act, signed with this key.
pub(super) fn check(
    public: &[u8],
    key: &KeyId,
    signed: Option<v1::Signed>,
    act: &'static str,
) -> Result<Checked, Error> {
    let signed = signed.ok_or_else(|| Error::Statement("there is none".to_owned()))?;
    if signed.text.len() > MAX_TEXT {
        let why = format!(
            "it has {} bytes and may have at most {MAX_TEXT}",
            signed.text.len()
        );
        let field = "statement";
        return Err(Error::Text { field, why });
    }
    verify(public, &signed)?;
    let statement = Statement::parse(&signed.text);
    let statement = statement.map_err(|why| Error::Statement(why.to_string()))?;
    let said = statement.act.name();
    if said != act {
        return Err(Error::Statement(format!(
            "it says `{said}`, and this call is for `{act}`"
        )));
    }
    Ok(Checked {
        said: statement.act,
        origin: statement.origin,
        by: statement.by,
        seen: statement.seen,
        signed: Arc::new(Signed {
            text: signed.text,
            key: key.clone(),
            signature: signed.signature,
            nonce: Nonce(statement.nonce),
            at: Time::from_timestamp(statement.at),
            other_history: false,
        }),
    })
}

fn verify(public: &[u8], signed: &v1::Signed) -> Result<(), Error> {
    if signed.signature.len() > SIGNATURE_MAX {
        return Err(Error::Signature);
    }
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public);
    let good = key.verify(signed.text.as_bytes(), &signed.signature);
    good.map_err(|_| Error::Signature)
}

fn act_of(said: Said, key: &KeyId) -> Result<Act, Error> {
    match said {
        Said::OpenIncident { severity, title } => Ok(Act::Open {
            severity: parsed("severity", &severity)?,
            title: line("title", &title)?,
        }),
        Said::OpenDrill { title } => Ok(Act::OpenDrill {
            title: line("title", &title)?,
        }),
        Said::RecordDrill {
            incident,
            good,
            steps,
            failed,
        } => {
            let failed = (!failed.is_empty()).then(|| line("failed", &failed));
            let outcome = Outcome {
                good,
                steps: drill::steps(&steps)?,
                failed: failed.transpose()?,
            };
            Ok(Act::RecordDrill {
                incident: incident_id(&incident)?,
                outcome,
            })
        }
        Said::Note { incident, text } => Ok(Act::Note {
            incident: incident_id(&incident)?,
            text: Prose::parse(&text).map_err(|why| not_taken("text", why))?,
        }),
        Said::CloseIncident { incident, reason } => Ok(Act::Close {
            incident: incident_id(&incident)?,
            reason: line("reason", &reason)?,
        }),
        Said::HoldIncident { incident, reason } => Ok(Act::Hold {
            incident: incident_id(&incident)?,
            reason: line("reason", &reason)?,
        }),
        Said::RemovePerson { person, reason } => Ok(Act::Remove {
            person: person_id("person", &person)?,
            reason: line("reason", &reason)?,
        }),
        Said::Freeze { person, reason } => Ok(Act::Freeze {
            person: person_id("person", &person)?,
            reason: line("reason", &reason)?,
        }),
        Said::Unfreeze { person, reason } => Ok(Act::Unfreeze {
            person: person_id("person", &person)?,
            reason: line("reason", &reason)?,
        }),
        Said::AnswerReview {
            incident,
            grant,
            needed,
            width,
            missing,
        } => {
            let missing = (!missing.is_empty()).then(|| line("missing", &missing));
            let answer = Answer {
                needed,
                width: parsed("width", &width)?,
                missing: missing.transpose()?,
            };
            Ok(Act::AnswerReview {
                incident: incident_id(&incident)?,
                grant: grant_id(&grant)?,
                answer,
            })
        }
        said => grant_act(said, key),
    }
}

fn grant_act(said: Said, key: &KeyId) -> Result<Act, Error> {
    match said {
        Said::Request { .. } => request(said, key),
        Said::Approve { .. } | Said::SelfGrant { .. } | Said::RecordCall { .. } => beginning(said),
        Said::Deny { grant, reason } => Ok(Act::Deny {
            grant: grant_id(&grant)?,
            reason: line("reason", &reason)?,
        }),
        Said::Extend { grant, by, reason } => Ok(Act::Extend {
            grant: grant_id(&grant)?,
            by: length("by-seconds", by)?,
            reason: line("reason", &reason)?,
        }),
        Said::HandOver { .. } => handover(said),
        Said::Drop { grant } => Ok(Act::Drop {
            grant: grant_id(&grant)?,
        }),
        Said::Veto { grant, reason } => Ok(Act::Veto {
            grant: grant_id(&grant)?,
            reason: line("reason", &reason)?,
        }),
        Said::Revoke { grant, reason } => Ok(Act::Revoke {
            grant: grant_id(&grant)?,
            reason: line("reason", &reason)?,
        }),
        said => Err(elsewhere(&said)),
    }
}

fn request(said: Said, key: &KeyId) -> Result<Act, Error> {
    match said {
        Said::Request {
            right,
            sentence,
            incident,
            reason,
            length: asked,
            held,
        } => Ok(Act::Request {
            right: parsed("right", &right)?,
            sentence: line("sentence", &sentence)?,
            incident: incident_id(&incident)?,
            reason: line("reason", &reason)?,
            length: length("for", asked)?,
            held,
            key: key.clone(),
            credential: false,
        }),
        said => Err(elsewhere(&said)),
    }
}

fn handover(said: Said) -> Result<Act, Error> {
    match said {
        Said::HandOver {
            grant,
            to,
            incident,
            right,
            sentence,
            reason,
            until,
        } => Ok(Act::HandOver {
            grant: grant_id(&grant)?,
            to: person_id("to", &to)?,
            incident: incident_id(&incident)?,
            right: parsed("right", &right)?,
            sentence: line("sentence", &sentence)?,
            reason: line("reason", &reason)?,
            until: Time::from_timestamp(until),
        }),
        said => Err(elsewhere(&said)),
    }
}

fn beginning(said: Said) -> Result<Act, Error> {
    match said {
        Said::Approve {
            grant,
            incident,
            requester,
            right,
            sentence,
            until,
        } => Ok(Act::Approve {
            grant: grant_id(&grant)?,
            incident: incident_id(&incident)?,
            requester: person_id("requester", &requester)?,
            right: parsed("right", &right)?,
            sentence: line("sentence", &sentence)?,
            until: Time::from_timestamp(until),
        }),
        Said::SelfGrant {
            grant,
            incident,
            right,
            sentence,
        } => Ok(Act::SelfGrant {
            grant: grant_id(&grant)?,
            incident: incident_id(&incident)?,
            right: parsed("right", &right)?,
            sentence: line("sentence", &sentence)?,
        }),
        Said::RecordCall {
            grant,
            incident,
            requester,
            right,
            sentence,
            spoke_at,
        } => Ok(Act::RecordCall {
            grant: grant_id(&grant)?,
            incident: incident_id(&incident)?,
            requester: person_id("requester", &requester)?,
            right: parsed("right", &right)?,
            sentence: line("sentence", &sentence)?,
            spoke_at: Time::from_timestamp(spoke_at),
        }),
        said => Err(elsewhere(&said)),
    }
}

/// `enroll`, `invite` and `invite-target` become commands where their tokens are made.
fn elsewhere(said: &Said) -> Error {
    Error::Statement(format!("`{}` is not for this call", said.name()))
}

fn line(field: &'static str, text: &str) -> Result<Line, Error> {
    Line::parse(text).map_err(|why| not_taken(field, why))
}

fn grant_id(text: &str) -> Result<GrantId, Error> {
    parsed("grant", text)
}

fn incident_id(text: &str) -> Result<IncidentId, Error> {
    parsed("incident", text)
}

pub(super) fn person_id(field: &'static str, text: &str) -> Result<PersonId, Error> {
    parsed(field, text)
}

fn length(field: &'static str, length: jiff::SignedDuration) -> Result<Lifetime, Error> {
    let negative = || not_taken(field, "a length of time cannot be negative");
    Lifetime::from_duration(length).ok_or_else(negative)
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(field: &'static str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|why| not_taken(field, why))
}

pub(super) fn not_taken(field: &'static str, why: impl std::fmt::Display) -> Error {
    let why = why.to_string();
    Error::Text { field, why }
}

#[cfg(test)]
mod tests;
