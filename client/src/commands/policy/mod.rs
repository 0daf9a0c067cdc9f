//! The policy in force.

pub mod show;

use super::Seat;
use crate::error::Error;

/// The rules in force: who can do what
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Show(show::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Show(args) => show::run(args, seat).await,
    }
}
