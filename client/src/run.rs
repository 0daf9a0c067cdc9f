//! From the words typed to the exit code.

use std::ffi::OsString;

use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    commands::{self, Seat},
    config::{Environment, Flags, Settings},
    error::{Error, exit},
    exec::shim,
    output::{Format, Printer},
};

/// Runs what was typed; the exit code is returned.
pub fn main(words: impl Iterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap too. Nobody is left to tell of a closed pipe.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(exit::USAGE);
        }
    };
    if let Command::Become(order) = &cli.command {
        // Only a handful of steps from here to the command; nothing of ours is set up.
        let error = shim::become_command(order);
        Printer::new(Format::Text).error(&Error::setup(error.to_string(), ""));
        return error.exit_code();
    }
    let printer = Printer::new(cli.flags.output.unwrap_or_default());
    match act(cli.flags, cli.command) {
        Ok(code) => code,
        Err((error, told)) => {
            told.unwrap_or(printer).error(&error);
            error.exit_code()
        }
    }
}

/// An error, and how to print it where that was found out.
type Failure = (Error, Option<Printer>);

fn act(flags: Flags, command: Command) -> Result<u8, Failure> {
    let settings =
        Settings::new(flags, Environment::of_process()).map_err(|error| (error, None))?;
    let printer = Printer::new(settings.format().map_err(|error| (error, None))?);
    let told = |error| (error, Some(printer.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        told(Error::setup(
            format!("the system gives no event queue: {error}"),
            "try again",
        ))
    })?;
    let seat = Seat {
        settings,
        printer: printer.clone(),
    };
    runtime
        .block_on(commands::run(command, &seat))
        .map_err(told)
}
