//! `glass extend`

use jiff::SignedDuration;

use super::own_grant;
use crate::{
    commands::{DONE, Seat, length, reason},
    error::Error,
    show, text,
    view::GrantView,
};

/// More time for a live access
///
/// Where nobody's yes was needed, the holder takes it; where an approver said yes, an approver gives
/// it. Never past the right's longest time, nor past the incident.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass extend --for 10m -m \"still rolling out\"          your only one
  glass extend G-45 --for 10m -m \"migration at 80 %\"     one you approved")]
pub struct Args {
    /// The grant; left out: your only live one
    #[arg(value_name = "GRANT")]
    grant: Option<String>,
    /// How much more
    #[arg(long = "for", value_name = "LENGTH", value_parser = length, allow_hyphen_values = true)]
    by: SignedDuration,
    /// Why
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Extends it.
///
/// # Errors
/// [`Error::Refused`] where the right or the incident allows no more.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let why = reason(seat, args.reason.as_deref())?;
    let session = seat.session().await?;
    let id = own_grant(&session, args.grant.as_deref()).await?;
    let grant = session.extend(&id, args.by, &why).await?;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        printer.line(format!(
            "{}: {} can {} until {}.",
            grant.id,
            grant.person,
            text::plain(&grant.sentence),
            show::when(grant.ends_at.as_ref(), session.now())
        ));
    });
    Ok(DONE)
}
