//! What packagers ask for: completions for shells, the manual page.

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

/// Print the manual page
#[derive(Debug, clap::Args)]
pub(super) struct Man {}

impl Man {
    pub(super) fn run(&self, printer: &mut Printer) -> Result<(), Failure> {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command())
            .render(&mut page)
            .map_err(|e| Failure::new(format!("the page cannot be made: {e}")))?;
        printer.bytes(&page);
        Ok(())
    }
}
