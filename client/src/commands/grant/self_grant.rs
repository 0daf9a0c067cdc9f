//! `glass self-grant`

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    grant::{approvers, asked as whose_word, begun_error, ended_error, veto_sentence},
    show, text, time,
    view::GrantView,
};

/// Nobody answered: begin your own request, if the rule allows it
///
/// For a shorter time, and loud: it stands as SELF-GRANTED in the ledger and wherever the access
/// is shown, and everybody on the team is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass self-grant G-45

When it becomes possible: glass grants show G-45. Without being asked: --yes")]
pub struct Args {
    /// Your request
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Begins it.
///
/// # Errors
/// [`Error::Refused`] where the rule says deny, or it is too early.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let session = seat.session().await?;
    let asked = session.grant(&id).await?;
    if let Some(error) = ended_error(&asked) {
        return Err(error);
    }
    if !args.yes {
        // Nobody is asked for what the broker would refuse.
        let vetoed = session.vetoed_before(&asked).await?;
        if let Some(error) = refusal(&asked, vetoed.as_ref(), session.person(), session.now()) {
            return Err(error);
        }
        let question = format!(
            "Nobody has said yes. Let yourself {}, with everybody told?",
            text::plain(&asked.sentence)
        );
        let otherwise = format!("if you are sure: glass self-grant {id} --yes");
        if !seat.printer.confirm(&question, &otherwise)? {
            return Ok(DONE);
        }
    }
    let grant = session.self_grant(&asked).await?;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        printer.bad(format!(
            "SELF-GRANTED {}: you can {} until {}.",
            grant.id,
            text::plain(&grant.sentence),
            show::when(grant.ends_at.as_ref(), session.now())
        ));
    });
    Ok(DONE)
}

/// Why this person cannot begin it, as far as that can be seen from here; `vetoed` is what somebody vetoed
/// of theirs before.
fn refusal(
    asked: &v1::Grant,
    vetoed: Option<&v1::Grant>,
    person: &str,
    now: Timestamp,
) -> Option<Error> {
    let id = &asked.id;
    if let Some(error) = begun_error(asked) {
        return Some(error);
    }
    if asked.person != person {
        let what = format!("{id} belongs to {}", asked.person);
        return Some(Error::refused("NOT_YOURS", what, "glass grants --mine"));
    }
    let call = format!("call {}", whose_word(asked));
    if !asked.from_grant.is_empty() {
        let what = format!("{id} waits to be handed over, and that is not begun alone");
        return Some(Error::refused("SELF_GRANT_DENIED", what, call));
    }
    match time::from_proto(asked.self_grant_at.as_ref()) {
        None => {
            let denied = || format!("the rule of {id} does not allow a self-grant");
            let what = vetoed.map_or_else(denied, veto_sentence);
            Some(Error::refused("SELF_GRANT_DENIED", what, call))
        }
        Some(from) if now < from => {
            let (who, when) = (approvers(asked), time::utc_and_relative(from, now));
            let have = match &*asked.approvers {
                [_] => "has",
                _ => "have",
            };
            let what = format!("{who} {have} until {when} to answer {id}");
            Some(Error::refused("SELF_GRANT_TOO_EARLY", what, call))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_for_what_would_be_refused() {
        let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
        let mut asked = v1::Grant {
            id: "G-45".into(),
            person: "mia".into(),
            state: v1::GrantState::Waiting.into(),
            approvers: vec!["leon".into()],
            ..v1::Grant::default()
        };
        let why = |asked: &v1::Grant, person: &str, now: Timestamp| {
            refusal(asked, None, person, now).map(|error| error.reason().to_owned())
        };
        assert_eq!(why(&asked, "leon", now).as_deref(), Some("NOT_YOURS"));
        assert_eq!(
            why(&asked, "mia", now).as_deref(),
            Some("SELF_GRANT_DENIED")
        );
        let vetoed = v1::Grant {
            id: "G-21".into(),
            person: "mia".into(),
            incident: "INC-43".into(),
            sentence: "restart the worker".into(),
            ended_by: "support".into(),
            ..v1::Grant::default()
        };
        let error = refusal(&asked, Some(&vetoed), "mia", now).unwrap();
        assert_eq!(error.reason(), "SELF_GRANT_DENIED");
        assert_eq!(
            error.to_string(),
            "support vetoed G-21: for the rest of INC-43, mia needs an approver to restart the worker"
        );
        asked.self_grant_at = Some(time::to_proto("2026-11-23T03:10:00Z".parse().unwrap()));
        let error = refusal(&asked, None, "mia", now).unwrap();
        assert_eq!(error.reason(), "SELF_GRANT_TOO_EARLY");
        assert_eq!(
            error.to_string(),
            "leon has until 2026-11-23 03:10:00 UTC (in 5m) to answer G-45"
        );
        asked.approvers.push("dana".into());
        let several = refusal(&asked, None, "mia", now).unwrap().to_string();
        assert!(several.starts_with("leon or dana have until"), "{several}");
        let later = "2026-11-23T03:10:00Z".parse().unwrap();
        assert_eq!(why(&asked, "mia", later), None);
        asked.set_state(v1::GrantState::Active);
        assert_eq!(why(&asked, "mia", later).as_deref(), Some("GRANT_ACTIVE"));
    }
}
