//! OpenSSH: certificates to log in with, certificates for hosts, and the list of what is revoked.
//!
//! | file | what |
//! |---|---|
//! | `ca` | the two keys: for people, for hosts |
//! | `certificate` | a certificate's bytes, and the one for somebody who logs in |
//! | `host` | the one for a host |
//! | `issuer` | what people log in with, against its receipt |
//! | `krl` | the revocation list |
//!
//! Who asks OpenSSH what it makes of it: `tests.rs` (`ssh-keygen`), `tests/targets/ssh.rs` (sshd).

mod ca;
mod certificate;
mod host;
mod issuer;
mod krl;
#[cfg(test)]
mod tests;
mod wire;

pub use ca::{Certifies, Hosts, SshCa, SshHostCa, SshUserCa, Users};
pub use host::{HostCertificate, HostIssuer, fingerprint_of};
pub use issuer::SshIssuer;
pub use krl::{SerialRange, krl};
