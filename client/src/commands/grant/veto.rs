//! `glass veto`

use crate::{
    commands::{DONE, Seat, copies::Copies, reason},
    error::Error,
    text,
    view::GrantView,
};

/// Stop somebody from having a right alone: anybody on the team can
///
/// Ends a self-granted access at once, and its holder's command with it; or a request that may be
/// begun alone. For the rest of the incident its holder needs an approver for that right.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass veto G-45 -m \"wait for leon, he is on his way\"

You need no rights for it, only to be on the team.")]
pub struct Args {
    /// The grant, or the request
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Why; the holder reads it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Vetoes it.
///
/// # Errors
/// [`Error::Refused`] where nobody has it alone or may, it is one's own, or it is over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let why = reason(seat, args.reason.as_deref())?;
    let session = seat.session().await?;
    let grant = session.veto(&id, &why).await?;
    let copies = Copies::of(&session, std::slice::from_ref(&grant)).await;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        printer.line(format!(
            "{} is vetoed: for the rest of {}, {} needs an approver to {}.",
            grant.id,
            grant.incident,
            grant.person,
            text::plain(&grant.sentence)
        ));
        copies.say(printer, session.now());
    });
    Ok(DONE)
}
