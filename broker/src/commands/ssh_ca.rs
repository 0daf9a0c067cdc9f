//! `glassd ssh-ca`: whom sshd and ssh are to believe.

use super::stores::demand_data_dir;
use super::target_keys::TargetKeys;
use super::{Failure, Printer};
use crate::config::Config;
use crate::edge::install_crypto;
use crate::issue::keys::KeyFolder;

/// Print the keys of the SSH authorities: for people who log in, and for hosts
///
/// The first line belongs into the file that TrustedUserCAKeys of sshd names, on every SSH target. The
/// second is what host certificates come from: `glass ssh` knows it, and a known_hosts file takes it
/// behind `@cert-authority *`. Where a next key was made (`glassd rotate --of`), its line stands behind
/// the one that it is to follow.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  glassd ssh-ca\n  glassd ssh-ca --users > /etc/ssh/breakglass-user-ca.pub"
)]
pub(super) struct SshCaCommand {
    /// Only the line for TrustedUserCAKeys
    #[arg(long, conflicts_with = "hosts")]
    users: bool,
    /// Only the line of the authority for hosts
    #[arg(long)]
    hosts: bool,
}

impl SshCaCommand {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        demand_data_dir(config)?;
        let keys = TargetKeys::load(&KeyFolder::open(&config.keys_dir)?)?;
        if !self.hosts {
            printer.line(keys.users.public_line());
            if let Some(next) = &keys.next.users {
                printer.line(next.public_line());
            }
        }
        if !self.users {
            printer.line(keys.hosts.public_line());
            if let Some(next) = &keys.next.hosts {
                printer.line(next.public_line());
            }
        }
        Ok(())
    }
}
