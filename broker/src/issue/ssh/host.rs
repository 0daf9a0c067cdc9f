//! Certificates for hosts, so that nobody is asked whether a fingerprint is the right one.

use std::fmt;
use std::sync::Arc;

use breakglass_domain::policy::access::host_of;
use breakglass_domain::{Change, Time};
use breakglass_tlog::Receipt;

use super::ca::SshHostCa;
use super::certificate::{Body, CertifiedKey, HOST, packed, refused};
use crate::issue::{BACK_DATED, announced};
use crate::ports::{Decode, Entropy, IssueError};

/// A certificate for a host to show.
#[derive(Debug, Clone, Copy)]
pub struct HostCertificate<'a> {
    /// The host's own public key, as its `/etc/ssh/ssh_host_ed25519_key.pub` has it; ECDSA on P-256
    /// is taken too.
    pub public_line: &'a str,
    /// Its number; never zero.
    pub serial: u64,
    /// What ssh shows with `-v`.
    pub key_id: &'a str,
    /// Where it is, as the policy's target has it: `host` or `host:port`.
    pub address: &'a str,
    /// From when.
    pub valid_after: Time,
    /// Until when.
    pub valid_before: Time,
}

impl SshHostCa {
    /// Signs a host certificate for the host of an address, whatever the port: one line as
    /// `HostCertificate` of sshd_config(5) takes it (PROTOCOL.certkeys, "valid principals").
    ///
    /// # Errors
    /// [`IssueError::Signing`] where the key or the address is not one of a host.
    pub fn certify_host(
        &self,
        host: &HostCertificate<'_>,
        entropy: &dyn Entropy,
    ) -> Result<String, IssueError> {
        let name = host_of(host.address)
            .ok_or_else(|| refused("the target's address has no host a certificate can name"))?;
        let body = Body {
            key: CertifiedKey::parse(host.public_line)?,
            serial: host.serial,
            kind: HOST,
            key_id: host.key_id,
            principals: packed(&[&name]),
            valid_after: host.valid_after,
            valid_before: host.valid_before,
            critical_options: Vec::new(),
            extensions: Vec::new(),
        };
        body.sign(self, entropy)
    }
}

/// Certifies hosts against a receipt: no entry, no certificate.
pub struct HostIssuer {
    ca: Arc<SshHostCa>,
    decode: Decode,
    entropy: Arc<dyn Entropy>,
}

impl HostIssuer {
    /// Issues by this authority.
    #[must_use]
    pub fn new(ca: Arc<SshHostCa>, decode: Decode, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            ca,
            decode,
            entropy,
        }
    }

    /// Makes the certificate that the receipt's `host.certified` entry announces, for this very key.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn certify(&self, receipt: &Receipt, public_line: &str) -> Result<String, IssueError> {
        let event = announced(self.decode, receipt)?;
        let Change::HostCertified {
            target,
            host,
            key,
            serial,
            expires_at,
        } = &event.change
        else {
            return Err(IssueError::WrongReceipt);
        };
        if *key != fingerprint_of(public_line)? {
            return Err(IssueError::WrongReceipt);
        }
        let serial = u64::from_str_radix(serial, 16)
            .map_err(|_| refused("the serial is not a number in hex"))?;
        let certificate = HostCertificate {
            public_line,
            serial,
            key_id: &format!("target={target}"),
            address: host.as_str(),
            valid_after: event.at.minus(BACK_DATED),
            valid_before: *expires_at,
        };
        self.ca.certify_host(&certificate, &*self.entropy)
    }
}

impl fmt::Debug for HostIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HostIssuer");
        shown.field("ca", &self.ca).finish_non_exhaustive()
    }
}

/// The fingerprint of a host's key, from its `.pub` file, as `ssh-keygen -l` names it.
///
/// # Errors
/// [`IssueError::Signing`] where it is not a key that can be certified.
pub fn fingerprint_of(public_line: &str) -> Result<String, IssueError> {
    Ok(CertifiedKey::parse(public_line)?.fingerprint())
}

#[cfg(test)]
mod tests {
    use breakglass_domain::{Actor, Event};

    use super::*;
    use crate::issue::tests::{at, entropy, line, recorded};
    use crate::ledger::entry;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKzQ+BSJ3gs7K22pP4tiKmIKF+SvtMjVWTzxTWNGRkX root@web-1";

    fn announcement(public_line: &str) -> Event {
        Event {
            at: at("2026-11-23T03:05:00.000Z"),
            by: Actor::Broker,
            change: Change::HostCertified {
                target: "web-1".parse().unwrap(),
                host: line("web-1.shop.example"),
                key: fingerprint_of(public_line).unwrap(),
                serial: "00c0ffee00c0ffee".into(),
                expires_at: at("2027-11-23T03:05:00.000Z"),
            },
            signed: None,
            drill: false,
        }
    }

    #[test]
    fn a_host_is_certified_as_its_entry_says_and_no_other_key_is() {
        let ca = Arc::new(SshHostCa::from_seed(&[7; 32]));
        let issuer = HostIssuer::new(ca, entry::read, Arc::new(entropy()));
        let receipt = recorded(&announcement(KEY));
        let certificate = issuer.certify(&receipt, KEY).unwrap();
        let read = super::super::tests::read_by_ssh_keygen(&certificate);
        for part in [
            "host certificate",
            "Key ID: \"target=web-1\"",
            "Serial: 54324593208393710\n",
            "Valid: from 2026-11-23T03:04:00 to 2027-11-23T03:05:00\n",
            "Principals: \n                web-1.shop.example\n",
        ] {
            assert!(read.contains(part), "{part}\nis not in\n{read}");
        }
        let other = KEY.replace("GRkX", "GRkY");
        let refused = issuer.certify(&receipt, &other);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)));
        let started = Event {
            change: Change::BrokerStarted {
                version: "0".into(),
                rules: 0,
            },
            ..announcement(KEY)
        };
        let refused = issuer.certify(&recorded(&started), KEY);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)));
    }
}
