//! A witness of ledgers.

pub mod add_log;
pub mod init;
pub mod serve;
pub mod show;

use super::Seat;
use crate::error::Error;

/// Be a witness: co-sign the checkpoints of a ledger, on another machine than its broker
///
/// Whoever runs one makes sure that this ledger has one history. It needs no enrolment, and learns
/// nothing but how many entries there are. Run it where the broker's operator cannot reach it.
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Init(init::Args),
    AddLog(add_log::Args),
    Serve(serve::Args),
    Show(show::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Init(args) => init::run(args, seat),
        Command::AddLog(args) => add_log::run(args, seat),
        Command::Serve(args) => serve::run(args, seat).await,
        Command::Show(args) => show::run(args, seat),
    }
}

fn parse_key(text: &str) -> Result<breakglass_tlog::VerifierKey, String> {
    breakglass_tlog::VerifierKey::parse(text.trim()).map_err(|why| why.to_string())
}
