//! `glass man`, for packagers.

use std::path::{Path, PathBuf};

use crate::{
    cli::for_people,
    commands::{DONE, Seat},
    error::Error,
};

/// Write the manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass man | man -l -
  glass man /usr/local/share/man/man1")]
pub struct Args {
    /// Write one page for each command there; left out: print the main one
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Writes them.
///
/// # Errors
/// [`Error::File`].
pub fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let command = for_people();
    match args.folder {
        Some(folder) => {
            clap_mangen::generate_to(command, &folder)
                .map_err(|error| Error::file("write", &folder, error))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut page)
                .map_err(|error| Error::file("write", Path::new("the page"), error))?;
            seat.printer
                .verbatim(String::from_utf8_lossy(&page).trim_end());
        }
    }
    Ok(DONE)
}
