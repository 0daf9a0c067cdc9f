//! Certificates for hosts, so that nobody is asked whether a fingerprint is the right one.

use std::net::IpAddr;

use breakglass_domain::Time;

use super::ca::SshHostCa;
use super::certificate::{Body, CertifiedKey, HOST, packed, refused};
use crate::ports::{Entropy, IssueError};

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

/// The host of `host`, `host:port`, `[v6]:port` or a bare IPv6 address, in lower case as ssh compares
/// it; `None` where it is none, or could stand for more than one.
#[must_use]
pub fn host_of(address: &str) -> Option<String> {
    let host = match address.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if address.parse::<IpAddr>().is_ok() => address,
        None => address.split_once(':').map_or(address, |(host, _)| host),
    };
    let proper = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
    let fits = !host.is_empty() && host.bytes().all(proper) && !host.starts_with('-');
    fits.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_and_the_case_do_not_count() {
        for (address, host) in [
            ("web-1.shop.example:2222", "web-1.shop.example"),
            ("Web-1.Shop.Example", "web-1.shop.example"),
            ("10.0.0.7:22", "10.0.0.7"),
            ("[2001:db8::7]:22", "2001:db8::7"),
            ("2001:DB8::7", "2001:db8::7"),
        ] {
            assert_eq!(host_of(address).as_deref(), Some(host), "{address}");
        }
        for none in [
            "",
            ":22",
            "*",
            "web-?",
            "a b",
            "-oProxyCommand=x",
            "[::1",
            "a,b",
        ] {
            assert_eq!(host_of(none), None, "{none}");
        }
    }
}
