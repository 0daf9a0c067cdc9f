//! `glassd host-certificate`: so that nobody is asked whether it is the right host.

use std::path::PathBuf;
use std::sync::Arc;

use breakglass_domain::TargetId;

use super::hosts::{HostKey, Hosts, read_key};
use super::invite::entropy;
use super::stores::{Keys, Stores, act_offline, read_policy};
use super::target_keys::TargetKeys;
use super::{Failure, Printer, reload, running};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use crate::issue::keys::KeyFolder;
use crate::ports::{Clock as _, Entropy};

/// Certify the key of an SSH host, so that `glass ssh` never asks whether it is the right one
///
/// Prints the certificate for the host of the target's address; it is good for a year, and an entry of
/// the ledger. On the host, beside its key, and named in sshd_config:
///
/// HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub
///
/// While the broker runs it is the broker that certifies; else this command does.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  glassd host-certificate web-1 ssh_host_ed25519_key.pub > \
                        ssh_host_ed25519_key-cert.pub"
)]
pub(super) struct HostCertificate {
    /// The target in the policy
    target: TargetId,
    /// The host's own public key, a copy of /etc/ssh/ssh_host_ed25519_key.pub
    #[arg(value_name = "KEY.pub")]
    key: PathBuf,
}

impl HostCertificate {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let key = HostKey {
            target: self.target.clone(),
            public_line: read_key(&self.key)?,
        };
        // What is wrong is told here, and the broker never sees it.
        let policy = read_policy(&config.policy_file)?;
        let (clock, entropy) = (SystemClock::start(), Arc::new(entropy()?));
        let act = key.act(&policy, clock.now(), &*entropy)?;
        if let Some(process) = running::process(config) {
            printer.line(ask(config, process, &key)?);
            return Ok(());
        }
        let keys = Keys::to_write(config)?;
        let hosts = TargetKeys::load(&KeyFolder::open(&config.keys_dir)?)?.for_hosts();
        let stores = Stores::open(config, keys.signing())?;
        let decided = act_offline(stores, Arc::new(clock), vec![act])?;
        let decided = decided.first();
        let decided = decided.ok_or_else(|| Failure::new("nothing was put on record"))?;
        let entropy: Arc<dyn Entropy> = entropy;
        printer.line(key.certificate(&hosts, decided, entropy)?);
        Ok(())
    }
}

/// Leaves it for the broker that runs, and waits for what becomes of it.
fn ask(config: &Config, process: rustix::process::Pid, key: &HostKey) -> Result<String, Failure> {
    let hosts = Hosts::of(config);
    hosts.ask(key)?;
    let told = reload::reload(config, process)?;
    hosts
        .certificate(&key.target)
        .ok_or_else(|| Failure::new(format!("the broker did not certify {}: {told}", key.target)))
}
