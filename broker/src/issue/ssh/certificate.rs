//! OpenSSH certificates (PROTOCOL.certkeys in OpenSSH's sources, also draft-miller-ssh-cert).
//!
//! Written by hand: what may let somebody in is worth reading in one place, and it is little.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_domain::Time;

use super::ca::{Certifies, ED25519, SshCa, SshUserCa, fingerprint};
use super::wire::{Wire, take_string};
use crate::issue::jwt_crypto::POINT_BYTES;
use crate::ports::{Entropy, IssueError};

/// RFC 5656 section 3.1.
const P256: &str = "ecdsa-sha2-nistp256";
const P256_CURVE: &str = "nistp256";

/// What a certificate's algorithm is called: the key's, and this.
const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// Bytes of chance in front of what is signed, so that nobody who asks knows its hash before:
/// OpenSSH's own are as long.
const NONCE_BYTES: usize = 32;

/// `SSH2_CERT_TYPE_USER`.
const USER: u32 = 1;

/// `SSH2_CERT_TYPE_HOST`.
pub(super) const HOST: u32 = 2;

/// The extension that holds the proof that the certificate was recorded. Its name has our domain, as
/// names that are not OpenSSH's have to (PROTOCOL.certkeys, "Critical options"); sshd ignores it.
const TLOG_PROOF: &str = "tlog-proof@breakglass.dev";

/// The extensions that a right may give (PROTOCOL.certkeys, "Extensions"), in the order they are
/// written in.
const EXTENSIONS: [&str; 5] = [
    "permit-X11-forwarding",
    "permit-agent-forwarding",
    "permit-port-forwarding",
    "permit-pty",
    "permit-user-rc",
];

/// A certificate for somebody to log in with.
#[derive(Debug, Clone, Copy)]
pub(super) struct UserCertificate<'a> {
    /// The key it is for: uncompressed SEC 1 point of P-256, 65 bytes.
    pub(super) point: &'a [u8],
    /// Its number, by which it is revoked; never zero, which OpenSSH revokes by no list.
    pub(super) serial: u64,
    /// What sshd writes down at each login.
    pub(super) key_id: &'a str,
    /// As whom; at least one, because none means everybody to OpenSSH.
    pub(super) principals: &'a [&'a str],
    /// What it allows beside logging in: `permit-pty` and its like.
    pub(super) extensions: &'a [&'a str],
    /// From where only, as addresses or CIDR; everywhere where empty.
    pub(super) source_addresses: &'a [&'a str],
    /// From when; the second counts in.
    pub(super) valid_after: Time,
    /// Until when; the second does not count in any more.
    pub(super) valid_before: Time,
    /// That it was recorded: a C2SP `tlog-proof`.
    pub(super) tlog_proof: Option<&'a str>,
}

impl SshUserCa {
    /// Signs a user certificate: `ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA...`, one line without
    /// a line end (PROTOCOL.certkeys, "ECDSA certificate").
    ///
    /// # Errors
    /// [`IssueError::Signing`] where it would let in more than it says: no principal, one that could
    /// be read as another, no serial, an unknown extension, an end that is not after the start.
    pub(super) fn certify_user(
        &self,
        user: &UserCertificate<'_>,
        entropy: &dyn Entropy,
    ) -> Result<String, IssueError> {
        let body = Body {
            key: CertifiedKey::p256(user.point)?,
            serial: user.serial,
            kind: USER,
            key_id: user.key_id,
            principals: principals(user.principals)?,
            valid_after: user.valid_after,
            valid_before: user.valid_before,
            critical_options: critical_options(user.source_addresses)?,
            extensions: extensions(user.extensions, user.tlog_proof)?,
        };
        body.sign(self, entropy)
    }
}

/// What is certified: a public key on the wire without the name of its algorithm.
pub(super) struct CertifiedKey {
    algorithm: &'static str,
    fields: Vec<u8>,
}

impl CertifiedKey {
    /// As `ssh-keygen -l` names it: `SHA256:` and base64 without padding.
    pub(super) fn fingerprint(&self) -> String {
        let whole = Wire::default().string(self.algorithm).raw(&self.fields);
        fingerprint(&whole.done())
    }

    fn p256(point: &[u8]) -> Result<Self, IssueError> {
        if point.len() != POINT_BYTES || point.first() != Some(&4) {
            return Err(refused("the key is not an uncompressed point of P-256"));
        }
        Ok(Self {
            algorithm: P256,
            fields: Wire::default().string(P256_CURVE).string(point).done(),
        })
    }

    /// Reads a line of a `.pub` file: `ssh-ed25519 AAAA... comment`, or ECDSA on P-256.
    pub(super) fn parse(line: &str) -> Result<Self, IssueError> {
        let mut words = line.split_ascii_whitespace();
        let wrong = || refused("the host's key is not a line like `ssh-ed25519 AAAA...`");
        let (named, key) = words.next().zip(words.next()).ok_or_else(wrong)?;
        let key = STANDARD.decode(key).map_err(|_| wrong())?;
        let mut rest = key.as_slice();
        let algorithm = take_string(&mut rest).ok_or_else(wrong)?;
        if algorithm != named.as_bytes() {
            return Err(wrong());
        }
        let fields = rest.to_vec();
        let first = take_string(&mut rest).ok_or_else(wrong)?;
        match named {
            ED25519 if first.len() == 32 && rest.is_empty() => Ok(Self {
                algorithm: ED25519,
                fields,
            }),
            P256 if first == P256_CURVE.as_bytes() => {
                let point = take_string(&mut rest).filter(|_| rest.is_empty());
                Self::p256(point.ok_or_else(wrong)?)
            }
            _ => Err(refused(
                "the host's key is neither ssh-ed25519 nor ecdsa-sha2-nistp256",
            )),
        }
    }
}

/// The fields of any certificate, checked one by one.
pub(super) struct Body<'a> {
    pub(super) key: CertifiedKey,
    pub(super) serial: u64,
    pub(super) kind: u32,
    pub(super) key_id: &'a str,
    /// Packed: `string` after `string`.
    pub(super) principals: Vec<u8>,
    pub(super) valid_after: Time,
    pub(super) valid_before: Time,
    /// Packed: name and data, in order of the names.
    pub(super) critical_options: Vec<u8>,
    /// Packed as well.
    pub(super) extensions: Vec<u8>,
}

impl Body<'_> {
    /// Signs it with chance in front.
    pub(super) fn sign<Of: Certifies>(
        &self,
        ca: &SshCa<Of>,
        entropy: &dyn Entropy,
    ) -> Result<String, IssueError> {
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let signed = self.to_be_signed(&nonce, &ca.public_key())?;
        let signature = ca.sign(&signed);
        let whole = Wire::default().raw(&signed).string(signature).done();
        let algorithm = self.key.algorithm;
        Ok(format!(
            "{algorithm}{CERTIFICATE} {}",
            STANDARD.encode(whole)
        ))
    }

    /// Everything but the signature (PROTOCOL.certkeys, "New public key formats").
    fn to_be_signed(&self, nonce: &[u8], ca: &[u8]) -> Result<Vec<u8>, IssueError> {
        let (after, before) = (secs(self.valid_after)?, secs(self.valid_before)?);
        if self.serial == 0 {
            return Err(refused("a certificate without a serial cannot be revoked"));
        }
        if before <= after {
            return Err(refused("its end is not after its start"));
        }
        Ok(Wire::default()
            .string(format!("{}{CERTIFICATE}", self.key.algorithm))
            .string(nonce)
            .raw(&self.key.fields)
            .u64(self.serial)
            .u32(self.kind)
            .string(self.key_id)
            .string(&self.principals)
            .u64(after)
            .u64(before)
            .string(&self.critical_options)
            .string(&self.extensions)
            .string(b"") // reserved
            .string(ca)
            .done())
    }
}

/// `[a-z0-9._@-]`, never empty: a name with a comma would be two in an `AuthorizedPrincipalsFile`.
fn principals(names: &[&str]) -> Result<Vec<u8>, IssueError> {
    let proper = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@-".contains(&b);
    if names.is_empty() {
        return Err(refused("without a principal it would be for everybody"));
    }
    if !names
        .iter()
        .all(|name| !name.is_empty() && name.bytes().all(proper))
    {
        return Err(refused("a principal is made of a-z, 0-9 and `._@-`"));
    }
    Ok(packed(names))
}

/// `source-address` or nothing. Its data is a `string` within a `string`.
fn critical_options(source_addresses: &[&str]) -> Result<Vec<u8>, IssueError> {
    if source_addresses.is_empty() {
        return Ok(Vec::new());
    }
    let proper = |b: u8| b.is_ascii_hexdigit() || b".:/".contains(&b);
    if !source_addresses
        .iter()
        .all(|it| !it.is_empty() && it.bytes().all(proper))
    {
        return Err(refused(
            "a source address is an address or a network in CIDR",
        ));
    }
    let list = Wire::default().string(source_addresses.join(",")).done();
    Ok(Wire::default().string("source-address").string(list).done())
}

/// Names and empty data, each once, in the order OpenSSH asks for; behind them the proof, whose data is
/// a `string` within a `string`.
fn extensions(wanted: &[&str], tlog_proof: Option<&str>) -> Result<Vec<u8>, IssueError> {
    if let Some(unknown) = wanted.iter().find(|name| !EXTENSIONS.contains(name)) {
        return Err(refused(&format!("there is no extension `{unknown}`")));
    }
    let written = EXTENSIONS.iter().filter(|name| wanted.contains(name));
    let wire = written.fold(Wire::default(), |wire, name| wire.string(name).string(b""));
    let wire = match tlog_proof {
        Some(proof) => {
            let data = Wire::default().string(proof).done();
            wire.string(TLOG_PROOF).string(data)
        }
        None => wire,
    };
    Ok(wire.done())
}

pub(super) fn packed(names: &[&str]) -> Vec<u8> {
    let wire = names
        .iter()
        .fold(Wire::default(), |wire, name| wire.string(name));
    wire.done()
}

/// Whole seconds; both ends are rounded down, so nothing lasts longer than was granted.
fn secs(at: Time) -> Result<u64, IssueError> {
    u64::try_from(at.as_secs()).map_err(|_| refused("it lies before 1970"))
}

pub(super) fn refused(why: &str) -> IssueError {
    IssueError::Signing(why.to_owned())
}
