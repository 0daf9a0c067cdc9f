//! Credentials by hand, for tools that want one on standard input or in a variable.

pub mod jwt;

use super::Seat;
use crate::error::Error;

/// Print a credential, for tools that take it by hand
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Jwt(jwt::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Jwt(args) => jwt::run(args, seat).await,
    }
}
