//! `glassd targets-ca`: the certificate that targets check client certificates by.

use super::stores::demand_data_dir;
use super::target_keys::TargetKeys;
use super::{Failure, Printer};
use crate::config::Config;
use crate::edge::install_crypto;
use crate::issue::keys::KeyFolder;

/// Print the certificate of the authority for targets, in PEM
///
/// For PostgreSQL (ssl_ca_file) and Kubernetes (--client-ca-file). It is not the authority of laptops:
/// nobody speaks to the broker with what comes from it. Where a next one was made (`glassd rotate --of
/// targets`), it stands behind the one that it is to follow: targets take both.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd targets-ca > breakglass-targets.crt")]
pub(super) struct TargetsCa {}

impl TargetsCa {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        demand_data_dir(config)?;
        let keys = TargetKeys::load(&KeyFolder::open(&config.keys_dir)?)?;
        printer.line(keys.certificates.pem());
        if let Some(next) = &keys.next.certificates {
            printer.line(next.pem());
        }
        Ok(())
    }
}
