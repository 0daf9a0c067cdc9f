//! `glass self-grant`

use crate::{
    commands::{DONE, Seat},
    error::Error,
    grant::ended_error,
    show, text,
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
