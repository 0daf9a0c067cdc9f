//! Looking back: at an incident that is over, and at who can do what.

pub mod access;
pub mod answers;
pub mod incident;

use super::Seat;
use crate::{error::Error, output::Format};

/// `glass review`: of an incident, or of access.
#[derive(Debug, clap::Args)]
#[command(about = incident::ABOUT, long_about = incident::LONG_ABOUT)]
#[command(after_help = incident::EXAMPLES, args_conflicts_with_subcommands = true)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub incident: incident::Args,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Option<Command>,
}

/// What is looked at beside incidents.
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Access(access::Args),
}

impl Args {
    /// Whether it can answer in a format.
    #[must_use]
    pub fn takes(&self, format: Format) -> bool {
        format.is_usual() || matches!(self.command, Some(Command::Access(_)))
    }
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    match args.command {
        None => incident::run(args.incident, seat).await,
        Some(Command::Access(args)) => access::run(args, seat).await,
    }
}
