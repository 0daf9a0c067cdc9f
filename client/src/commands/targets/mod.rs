//! What accepts credentials.

pub mod invite;
pub mod list;

use super::Seat;
use crate::error::Error;

/// What accepts credentials, who guards it, and who is in there
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    List(list::Args),
    Invite(invite::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::List(args) => list::run(args, seat).await,
        Command::Invite(args) => invite::run(args, seat).await,
    }
}
