//! `glass deny`

use crate::{
    commands::{DONE, Seat, reason},
    error::Error,
    show::drill_mark,
    text,
    view::GrantView,
};

/// Say no to somebody's request
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass deny G-45 -m \"not before the backup is through\"")]
pub struct Args {
    /// The request
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Why; the requester reads it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Denies it.
///
/// # Errors
/// [`Error::Refused`] where this person may not answer it, or it is over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let why = reason(seat, args.reason.as_deref())?;
    let session = seat.session().await?;
    let grant = session.deny(&id, &why).await?;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        printer.line(format!(
            "{}{} is denied; {} is told why.",
            drill_mark(grant.drill),
            grant.id,
            grant.person
        ));
    });
    Ok(DONE)
}
