//! Enrolments on this laptop.

pub mod list;
pub mod switch;

use super::Seat;
use crate::error::Error;

/// The enrolments on this laptop
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    List(list::Args),
    #[command(name = "use")]
    Switch(switch::Args),
}

/// Runs one; neither asks a broker.
///
/// # Errors
/// Why it did not do what it was asked.
pub fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::List(args) => list::run(args, seat),
        Command::Switch(args) => switch::run(args, seat),
    }
}
