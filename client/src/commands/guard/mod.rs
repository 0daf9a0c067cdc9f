//! What runs beside targets.

pub mod login;
pub mod ssh;

use super::Seat;
use crate::error::Error;

/// Guard a target: who has no live grant any more is cut
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    #[command(hide = true)]
    Login(login::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Login(args) => Ok(login::run(&args, seat).await),
    }
}
