//! `glass context use`

use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    config::ContextName,
    error::Error,
};

/// Use a context from now on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass context use work")]
pub struct Args {
    /// Its name, see `glass context list`
    #[arg(value_name = "NAME")]
    name: String,
}

/// Writes the choice down.
///
/// # Errors
/// [`Error::Setup`] where there is no such context.
pub fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let context = seat
        .settings
        .home
        .context(&ContextName::parse(&args.name)?)?;
    seat.settings.home.use_context(&context.name)?;
    seat.printer
        .answer(&json!({ "context": context.name }), |printer| {
            printer.line(format!(
                "In use: {} ({} at {})",
                context.name, context.person, context.server
            ));
        });
    Ok(DONE)
}
