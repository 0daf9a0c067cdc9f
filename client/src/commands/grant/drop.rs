//! `glass drop`

use super::own_grant;
use crate::{
    commands::{DONE, Seat},
    error::Error,
    view::GrantView,
};

/// Give your access back, or take your request back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass drop          your only one
  glass drop G-45")]
pub struct Args {
    /// The grant; left out: your only live one
    #[arg(value_name = "GRANT")]
    grant: Option<String>,
}

/// Drops it.
///
/// # Errors
/// [`Error::Refused`] where it is somebody else's or over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let id = own_grant(&session, args.grant.as_deref()).await?;
    let grant = session.drop_grant(&id).await?;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        printer.line(format!("{} is given back.", grant.id));
    });
    Ok(DONE)
}
