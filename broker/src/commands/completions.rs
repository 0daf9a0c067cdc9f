//! What packagers ask for: completions for shells, the manual page.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Arguments, Failure, Printer};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Which
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, printer: &mut Printer) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "glassd", &mut script);
        printer.bytes(&script);
        Ok(())
    }
}

/// Write the manual pages
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  glassd man | man -l -\n  glassd man /usr/local/share/man/man1"
)]
pub(super) struct Man {
    /// Write one page for each command there; left out: print the main one
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self, printer: &mut Printer) -> Result<(), Failure> {
        if let Some(folder) = &self.folder {
            return clap_mangen::generate_to(Arguments::command(), folder).map_err(|e| {
                let folder = folder.display();
                Failure::new(format!("the pages cannot be written to {folder}: {e}"))
            });
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command())
            .render(&mut page)
            .map_err(|e| Failure::new(format!("the page cannot be made: {e}")))?;
        printer.bytes(&page);
        Ok(())
    }
}
