//! The fleet's host authority, so that nobody is asked whether a fingerprint is the right one.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use breakglass_proto::v1;

use super::destination::Address;
use crate::{agent::wire::Reader, error::Error};

/// RFC 8709 section 4.
const ALGORITHM: &str = "ssh-ed25519";

/// The public key that host certificates of the fleet are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCa {
    /// In base64, as it came.
    key: String,
}

impl HostCa {
    /// Reads the line the broker gives: `ssh-ed25519 AAAA... breakglass-host-ca`.
    ///
    /// # Errors
    /// [`Error::Setup`] where it is no such key: nothing else may get into a file that ssh trusts.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let mut words = line.split_ascii_whitespace();
        let key = words.next().zip(words.next());
        let key = key.filter(|(named, key)| *named == ALGORITHM && is_ed25519(key));
        match key {
            Some((_, key)) => Ok(Self {
                key: key.to_owned(),
            }),
            None => Err(Error::broken_answer("it has no public key for SSH hosts")),
        }
    }

    /// The whole of a known hosts file for one host (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): its
    /// authority, and no key of its own.
    #[must_use]
    pub fn known_hosts(&self, address: &Address) -> String {
        let Address { host, .. } = address;
        format!("@cert-authority {host} {ALGORITHM} {}\n", self.key)
    }
}

/// Whether a host of a right can show a certificate of the authority that comes with it. ssh is strict
/// with one that can; any other it would only refuse.
#[must_use]
pub fn is_certified(access: &v1::SshAccess, host: &v1::SshHost) -> bool {
    !access.host_ca.is_empty() && host.certified_until.is_some()
}

fn is_ed25519(encoded: &str) -> bool {
    let Ok(blob) = STANDARD.decode(encoded) else {
        return false;
    };
    let mut reader = Reader::new(&blob);
    let (algorithm, key) = (reader.string(), reader.string());
    let fits = key.is_some_and(|key| key.len() == 32);
    algorithm == Some(ALGORITHM.as_bytes()) && fits && reader.is_done()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn it_vouches_for_one_host() {
        let ca = HostCa::parse(&format!("ssh-ed25519 {KEY} breakglass-host-ca")).unwrap();
        let address = Address::parse("Web-1.shop.example:2222").unwrap();
        assert_eq!(
            ca.known_hosts(&address),
            format!("@cert-authority web-1.shop.example ssh-ed25519 {KEY}\n")
        );
    }

    #[test]
    fn what_is_no_such_key_is_not_written_into_a_file_that_is_trusted() {
        let short = &KEY[..KEY.len() - 4];
        for wrong in [
            String::new(),
            "ssh-ed25519".to_owned(),
            format!("ssh-rsa {KEY}"),
            format!("ssh-ed25519 {short}"),
            format!("ssh-ed25519 {KEY}AAAA"),
            format!("@cert-authority * ssh-ed25519 {KEY}"),
            "ssh-ed25519 !!!!".to_owned(),
        ] {
            assert!(HostCa::parse(&wrong).is_err(), "{wrong}");
        }
        let injected = HostCa::parse(&format!("ssh-ed25519 {KEY} x\n* ssh-ed25519 {KEY}")).unwrap();
        let address = Address::parse("web-1").unwrap();
        assert_eq!(injected.known_hosts(&address).lines().count(), 1);
    }
}
