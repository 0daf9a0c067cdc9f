//! Practising, so that the emergency path is known to be there.

pub mod access;
mod pace;
mod said;
mod walk;

use super::Seat;
use crate::error::Error;

/// Practise: walk the emergency path before you need it
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Access(access::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Access(args) => access::run(args, seat).await,
    }
}
