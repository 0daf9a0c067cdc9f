//! The policy: the one in force, and the next one.

pub mod check;
pub mod show;

use super::Seat;
use crate::error::Error;

/// The rules: who can do what
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Check(check::Args),
    Show(show::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Check(args) => check::run(&args, seat),
        Command::Show(args) => show::run(args, seat).await,
    }
}
