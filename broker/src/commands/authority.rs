//! `glassd authority`: the certificate that servers and people are certified by.

use super::stores::Keys;
use super::{Failure, Printer};
use crate::config::Config;
use crate::edge::install_crypto;

/// Print the authority's certificate, for whoever reads discovery or keys over HTTPS
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  glassd authority > authority.crt\n  curl --cacert \
                        authority.crt https://glass.example:7444/jwks.json"
)]
pub(super) struct Authority {}

impl Authority {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        printer.line(Keys::load(config)?.authority.pem());
        Ok(())
    }
}
