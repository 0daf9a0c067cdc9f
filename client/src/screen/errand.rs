//! What the keys want done, at the broker.

use breakglass_proto::v1;

use crate::{error::Error, grant::late_error, session::Session, show};

use super::model::{Decision, Wish};

/// What became of a wish.
pub(super) enum Outcome {
    /// A request, checked.
    Shown(Box<Decision>),
    /// What was done, in one sentence, and how things stand since: the next key must not act on what
    /// was there before. Where that cannot be told just now, it comes later.
    Done(String, Option<Box<v1::GetStatusResponse>>),
}

/// Does it.
///
/// # Errors
/// [`Error::Refused`] and all that the broker or this laptop says otherwise.
pub(super) async fn run(session: Session, wish: Wish) -> Result<Outcome, Error> {
    let done = match wish {
        Wish::Look(id) => return look(&session, &id).await,
        Wish::Approve(asked) => {
            let grant = session.approve(&asked).await?;
            let until = show::when(grant.ends_at.as_ref(), session.now());
            let (id, who, what) = (&grant.id, &grant.person, &grant.sentence);
            format!("{id}: {who} can {what} until {until}. To end it: glass revoke {id}")
        }
        Wish::Deny { grant, reason } => {
            let denied = session.deny(&grant, &reason).await?;
            format!("{grant} is denied; {} is told why.", denied.person)
        }
        Wish::Note { incident, text } => {
            let entry = session.note_incident(&incident, &text).await?;
            format!("Noted in {incident} (entry {entry}).")
        }
        Wish::Close { incident, reason } => {
            let closed = session.close_incident(&incident, &reason).await?;
            let ended = show::counted(closed.ended.len() as u64, "grant or request");
            let doomed = closed.sessions.len() + closed.roles.len();
            let doomed = match doomed {
                0 => String::new(),
                _ => format!("; what becomes of {doomed} sessions and roles stands below"),
            };
            format!("{incident} is closed; {ended} ended with it{doomed}.")
        }
        Wish::Redraw | Wish::Quit => String::new(),
    };
    let status = session.status().await.ok().map(Box::new);
    Ok(Outcome::Done(done, status))
}

/// What the broker shows is held against what the requester signed, as the ledger has it.
async fn look(session: &Session, id: &str) -> Result<Outcome, Error> {
    let grant = session.grant(id).await?;
    if let Some(error) = late_error(&grant, session.person(), session.now()) {
        return Err(error);
    }
    session.check_request(&grant).await?;
    let answer = session.incident(&grant.incident).await?;
    let incident = answer.incident.unwrap_or_default();
    Ok(Outcome::Shown(Box::new(Decision { grant, incident })))
}
