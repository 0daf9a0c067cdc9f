//! The team.

pub mod freeze;
pub mod invite;
mod inviting;
mod left;
pub mod list;
pub mod remove;

use super::Seat;
use crate::error::Error;

/// Who is on the team, and their laptops
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    List(list::Args),
    Invite(invite::Args),
    Remove(remove::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::List(args) => list::run(args, seat).await,
        Command::Invite(args) => invite::run(args, seat).await,
        Command::Remove(args) => remove::run(args, seat).await,
    }
}
