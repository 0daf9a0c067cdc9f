//! `glassd vkey`: the key that checks the ledger.

use super::stores::Keys;
use super::{Failure, Printer};
use crate::config::Config;
use crate::edge::install_crypto;

/// Print the ledger's verifier key, for auditors and witnesses
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd vkey > ledger.vkey")]
pub(super) struct Vkey {}

impl Vkey {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        printer.line(Keys::load(config)?.vkey());
        Ok(())
    }
}
