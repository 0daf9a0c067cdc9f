//! `glass completions`

use clap_complete::Shell;

use crate::{
    cli::for_people,
    commands::{DONE, Seat},
    error::Error,
};

/// Print what a shell needs to complete `glass` commands
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass completions bash > ~/.local/share/bash-completion/completions/glass
  glass completions zsh > ~/.zfunc/_glass
  glass completions fish > ~/.config/fish/completions/glass.fish")]
pub struct Args {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Prints it.
///
/// # Errors
/// None.
pub fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut for_people(), "glass", &mut script);
    seat.printer
        .verbatim(String::from_utf8_lossy(&script).trim_end());
    Ok(DONE)
}
