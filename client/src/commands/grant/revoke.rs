//! `glass revoke`

use crate::{
    commands::{DONE, Seat, reason},
    error::Error,
    text,
    view::GrantView,
};

/// End somebody's access now
///
/// The holder's `glass exec` is told who and why, and ends its command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass revoke G-45 -m \"wrong database\"

To stop a person from everything at once: glass freeze PERSON -m \"why\"")]
pub struct Args {
    /// The grant
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Why; the holder reads it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Revokes it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, or it is over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let why = reason(seat, args.reason.as_deref())?;
    let session = seat.session().await?;
    let grant = session.revoke(&id, &why).await?;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        printer.line(format!(
            "{} is revoked: {} can no longer {}.",
            grant.id,
            grant.person,
            text::plain(&grant.sentence)
        ));
    });
    Ok(DONE)
}
