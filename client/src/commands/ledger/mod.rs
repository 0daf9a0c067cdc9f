//! The ledger: reading it, and checking it.

pub mod accept;
pub mod export;
pub mod follow;
pub mod list;
pub mod mirror;
pub mod report;
pub mod show;
mod taking;
pub mod verify;
mod when;
mod which;
pub mod why;

use super::Seat;
use crate::error::Error;

/// Read and verify the ledger of everything that happened
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    List(list::Args),
    Follow(follow::Args),
    Show(show::Args),
    Why(why::Args),
    Verify(verify::Args),
    Export(export::Args),
    Mirror(mirror::Args),
    Report(report::Args),
    Accept(accept::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::List(args) => list::run(args, seat).await,
        Command::Follow(args) => follow::run(args, seat).await,
        Command::Show(args) => show::run(args, seat).await,
        Command::Why(args) => why::run(args, seat).await,
        Command::Verify(args) => verify::run(args, seat).await,
        Command::Export(args) => export::run(args, seat).await,
        Command::Mirror(args) => mirror::run(args, seat).await,
        Command::Report(args) => report::run(args, seat).await,
        Command::Accept(args) => accept::run(args, seat).await,
    }
}
