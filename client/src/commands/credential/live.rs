//! A grant one already has, for programs that fetch credentials by themselves. They run often, and
//! nobody sits there: so they never ask for access, and never wait for it.

use breakglass_proto::v1::{Grant, GrantState, ListGrantsRequest};
use jiff::Timestamp;

use crate::{error::Error, grant::waiting_error, session::Session, text, time};

/// More live grants of one person for one right than anybody has.
const MOST: usize = 100;

/// Which one.
#[derive(Debug, clap::Args)]
pub(super) struct Live {
    /// The right: your live grant for it is used, and none is asked for
    #[arg(
        value_name = "RIGHT",
        required_unless_present = "grant",
        conflicts_with = "grant"
    )]
    right: Option<String>,
    /// This grant
    #[arg(long, value_name = "GRANT")]
    grant: Option<String>,
}

/// The same, of proper words.
#[derive(Debug)]
pub(super) struct Wanted(Which);

#[derive(Debug)]
enum Which {
    Grant(String),
    Right(String),
}

impl Live {
    /// Checks the words, before anything is dialled.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub(super) fn wanted(&self) -> Result<Wanted, Error> {
        Ok(Wanted(match &self.grant {
            Some(grant) => Which::Grant(text::grant_id(grant)?),
            None => Which::Right(text::right_id(self.right.as_deref().unwrap_or_default())?),
        }))
    }
}

impl Wanted {
    /// Finds it.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Waiting`] where it has not begun; [`Error::Ended`] where there
    /// is none, or it is over.
    pub(super) async fn find(&self, session: &Session) -> Result<Grant, Error> {
        match &self.0 {
            Which::Grant(id) => live(session.grant(id).await?, session.now()),
            Which::Right(right) => {
                let grant = of_right(session, right, None).await?;
                live(grant.ok_or_else(|| none(right))?, session.now())
            }
        }
    }
}

/// The caller's live grant for a right, under any incident or under one; or what they asked for and
/// nobody has answered.
///
/// # Errors
/// [`Error::Refused`].
pub(super) async fn of_right(
    session: &Session,
    right: &str,
    incident: Option<&str>,
) -> Result<Option<Grant>, Error> {
    let request = ListGrantsRequest {
        person: session.person().to_owned(),
        right: right.to_owned(),
        incident: incident.unwrap_or_default().to_owned(),
        ..ListGrantsRequest::default()
    };
    Ok(best(session.list_grants(request, MOST).await?))
}

/// Of several, the live one that lives longest; else one that waits.
fn best(grants: Vec<Grant>) -> Option<Grant> {
    let rank = |grant: &Grant| {
        let is_active = grant.state() == GrantState::Active;
        (is_active, time::from_proto(grant.ends_at.as_ref()))
    };
    grants.into_iter().max_by_key(rank)
}

fn live(grant: Grant, now: Timestamp) -> Result<Grant, Error> {
    match grant.state() {
        GrantState::Waiting => Err(waiting_error(&grant, now)),
        _ => match Error::of_ended(&grant) {
            Some(why) => Err(why),
            None => Ok(grant),
        },
    }
}

fn none(right: &str) -> Error {
    Error::Ended {
        what: format!("you have no live grant for {right}, and a program does not ask for one"),
        next: format!("ask for it: glass request {right} -m \"why\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(id: &str, state: GrantState, ends_at: Option<&str>) -> Grant {
        Grant {
            id: id.into(),
            right: "read-cluster".into(),
            state: state.into(),
            ends_at: ends_at.map(|at| time::to_proto(at.parse().unwrap())),
            ..Grant::default()
        }
    }

    #[test]
    fn the_live_grant_with_the_most_time_is_used() {
        let early = grant("G-1", GrantState::Active, Some("2026-11-23T03:10:00Z"));
        let late = grant("G-2", GrantState::Active, Some("2026-11-23T03:20:00Z"));
        let waiting = grant("G-3", GrantState::Waiting, None);
        let all = vec![early.clone(), late, waiting.clone()];
        assert_eq!(best(all).unwrap().id, "G-2");
        assert_eq!(best(vec![waiting.clone(), early]).unwrap().id, "G-1");
        assert_eq!(
            live(waiting, Timestamp::UNIX_EPOCH)
                .unwrap_err()
                .exit_code(),
            81
        );
        assert_eq!(best(Vec::new()), None);
    }

    #[test]
    fn none_is_told_with_the_command_that_asks() {
        let why = none("read-cluster");
        assert_eq!(why.exit_code(), 83);
        assert_eq!(
            why.next().as_deref(),
            Some("ask for it: glass request read-cluster -m \"why\"")
        );
    }
}
