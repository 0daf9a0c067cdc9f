//! Host keys that wait to be certified, and their certificates, in a folder of the data folder: only
//! the broker that runs writes to its ledger, so whoever asks leaves the key there.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::policy::access::TargetKind;
use breakglass_domain::{Lifetime, Line, Policy, TargetId, Time};

use super::Failure;
use super::stores::DECODE;
use crate::config::Config;
use crate::issue::ssh::{HostIssuer, SshHostCa, fingerprint_of};
use crate::ports::{Decided, Entropy};

/// How long a host certificate lives: a host that is rebuilt more seldom than once a year asks again.
const LIFE: Lifetime = Lifetime::from_secs(365 * 24 * 3_600);

/// Bytes of the largest `.pub` file that is looked at.
const KEY_FILE_MAX: u64 = 16 * 1024;

/// Where they are.
pub(super) struct Hosts(PathBuf);

/// One that is to be certified.
pub(super) struct HostKey {
    pub(super) target: TargetId,
    /// As in its `.pub` file.
    pub(super) public_line: String,
}

impl Hosts {
    pub(super) fn of(config: &Config) -> Self {
        Self(config.data_dir.join("hosts"))
    }

    fn request(&self, target: &TargetId) -> PathBuf {
        self.0.join(format!("{target}.pub"))
    }

    fn certificate_file(&self, target: &TargetId) -> PathBuf {
        self.0.join(format!("{target}-cert.pub"))
    }

    /// Leaves a key for the broker that runs.
    pub(super) fn ask(&self, key: &HostKey) -> Result<(), Failure> {
        let leave = || {
            fs::create_dir_all(&self.0)?;
            remove(&self.certificate_file(&key.target))?;
            let beside = self.0.join(format!("{}.new", key.target));
            fs::write(&beside, &key.public_line)?;
            fs::rename(&beside, self.request(&key.target))
        };
        leave().map_err(|e| self.unusable(&e))
    }

    /// What was left, in order of the targets. Whatever else is there is nobody's.
    pub(super) fn asked(&self) -> Result<Vec<HostKey>, Failure> {
        let files = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(|e| self.unusable(&e))?,
        };
        let mut keys = Vec::new();
        for file in files {
            let name = file.map_err(|e| self.unusable(&e))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".pub"));
            let Some(target) = id.and_then(|id| id.parse::<TargetId>().ok()) else {
                continue;
            };
            if target.as_str().ends_with("-cert") {
                continue;
            }
            let public_line = read_key(&self.request(&target))?;
            keys.push(HostKey {
                target,
                public_line,
            });
        }
        keys.sort_by(|one, other| one.target.cmp(&other.target));
        Ok(keys)
    }

    /// It was certified, or cannot be.
    pub(super) fn answered(&self, target: &TargetId) -> Result<(), Failure> {
        remove(&self.request(target)).map_err(|e| self.unusable(&e))
    }

    /// Keeps a certificate where whoever asked looks for it.
    pub(super) fn keep(&self, target: &TargetId, certificate: &str) -> Result<(), Failure> {
        let keep = || {
            fs::create_dir_all(&self.0)?;
            let beside = self.0.join(format!("{target}.new"));
            fs::write(&beside, format!("{certificate}\n"))?;
            fs::rename(&beside, self.certificate_file(target))
        };
        keep().map_err(|e| self.unusable(&e))
    }

    /// The certificate of a target, once it is there.
    pub(super) fn certificate(&self, target: &TargetId) -> Option<String> {
        fs::read_to_string(self.certificate_file(target)).ok()
    }

    fn unusable(&self, error: &io::Error) -> Failure {
        let folder = self.0.display();
        Failure::new(format!(
            "the folder of hosts {folder} cannot be used: {error}"
        ))
    }
}

/// Reads a `.pub` file.
pub(super) fn read_key(file: &std::path::Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = fs::File::open(file).and_then(|it| it.take(KEY_FILE_MAX).read_to_string(&mut text));
    read.map_err(|e| Failure::new(format!("{} cannot be read: {e}", file.display())))?;
    Ok(text.trim().to_owned())
}

fn remove(file: &std::path::Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl HostKey {
    /// What puts it on record, for the host of its target.
    ///
    /// # Errors
    /// [`Failure`] where the key or the target's address is not one of a host.
    pub(super) fn act(
        &self,
        policy: &Policy,
        now: Time,
        entropy: &dyn Entropy,
    ) -> Result<Act, Failure> {
        let target = policy.targets.get(&self.target);
        let target = target.filter(|target| target.kind == TargetKind::Ssh);
        let target = target.ok_or_else(|| {
            let id = &self.target;
            let what = format!("the policy has no target `{id}` of kind \"ssh\"");
            Failure::usage(what).then(format!("add [targets.{id}], then: glassd reload"))
        })?;
        let host = target.host().ok_or_else(|| {
            let address = &target.address;
            Failure::new(format!("a certificate cannot name the address `{address}`"))
        })?;
        Ok(Act::CertifyHost {
            target: self.target.clone(),
            host: Line::recorded(&host),
            key: fingerprint_of(&self.public_line)?,
            serial: serial(entropy),
            expires_at: now.plus(LIFE),
        })
    }

    /// The certificate that was put on record.
    ///
    /// # Errors
    /// [`Failure`] where nothing was.
    pub(super) fn certificate(
        &self,
        ca: &Arc<SshHostCa>,
        decided: &Decided,
        entropy: Arc<dyn Entropy>,
    ) -> Result<String, Failure> {
        let receipt = decided.receipts.first();
        let receipt = receipt.ok_or_else(|| Failure::new("nothing was put on record"))?;
        let issuer = HostIssuer::new(Arc::clone(ca), DECODE, entropy);
        Ok(issuer.certify(receipt, &self.public_line)?)
    }
}

/// By chance, and never zero, which OpenSSH takes for none.
fn serial(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes).max(1))
}
