//! `glass watch`

use crate::{commands::Seat, error::Error, screen};

/// A screen for the person on duty: incidents, requests, live access, what happens
///
/// Open incidents, requests with the time until they lapse, live access with the time until it ends,
/// the newest notes and events, and trouble, as it happens. Keys approve, deny, note and close; an
/// approval shows the request in full first, and is signed with this laptop's key as that of `glass
/// approve` is. A lost broker is told with since when, and comes back by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass watch

Keys: up and down choose, a approve, d deny, n note, c close, ? help, q or Ctrl-C quit.

It needs a terminal. Without one: glass status, glass incident watch, glass ledger follow -o json.
Exit codes: 0 after q or Ctrl-C, 143 where it was told to end or the terminal went away.")]
pub struct Args {}

/// Shows it until somebody quits.
///
/// # Errors
/// [`Error::Usage`] where there is no terminal, or JSON was asked for; as [`screen::run`].
pub async fn run(_: Args, seat: &Seat) -> Result<u8, Error> {
    screen::demand(&seat.printer)?;
    let session = seat.session().await?;
    screen::run(&session).await
}
