//! OpenSSH certificates as bytes (PROTOCOL.certkeys of OpenSSH, "New public key formats"), whatever key
//! they are for. Nothing of it is believed.

use crate::agent::wire::Reader;

/// `SSH2_CERT_TYPE_USER`.
pub(crate) const USER: u32 = 1;

/// The fields of a certificate.
#[derive(Debug)]
pub(crate) struct Certificate<'a> {
    /// `ecdsa-sha2-nistp256-cert-v01@openssh.com` and its like.
    pub(crate) algorithm: &'a str,
    /// The fields of the public key; of ECDSA the curve and the point.
    pub(crate) key: Vec<&'a [u8]>,
    pub(crate) serial: u64,
    pub(crate) kind: u32,
    pub(crate) key_id: &'a [u8],
    pub(crate) principals: Vec<&'a [u8]>,
    /// In seconds since 1970; the second does not count in.
    pub(crate) valid_before: u64,
    /// Names and data.
    pub(crate) critical_options: Vec<(&'a [u8], &'a [u8])>,
    /// Names and data.
    pub(crate) extensions: Vec<(&'a [u8], &'a [u8])>,
    /// The public key that signed it, as the line of an authority has it in base64.
    pub(crate) authority: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Takes one apart; `None` where it is none, or of a kind of key that is not known.
    pub(crate) fn parse(blob: &'a [u8]) -> Option<Self> {
        let mut rest = Reader::new(blob);
        let algorithm = std::str::from_utf8(rest.string()?).ok()?;
        let key_fields = key_fields(algorithm)?;
        let _nonce = rest.string()?;
        let key = (0..key_fields)
            .map(|_| rest.string())
            .collect::<Option<_>>()?;
        let serial = rest.u64()?;
        let kind = rest.u32()?;
        let key_id = rest.string()?;
        let principals = list(rest.string()?)?;
        let _valid_after = rest.u64()?;
        let valid_before = rest.u64()?;
        let critical_options = pairs(rest.string()?)?;
        let extensions = pairs(rest.string()?)?;
        let _reserved = rest.string()?;
        let authority = rest.string()?;
        let _signature = rest.string()?;
        rest.is_done().then_some(Self {
            algorithm,
            key,
            serial,
            kind,
            key_id,
            principals,
            valid_before,
            critical_options,
            extensions,
            authority,
        })
    }
}

/// How many fields the public key of such a certificate has.
fn key_fields(algorithm: &str) -> Option<usize> {
    match algorithm.strip_suffix("-cert-v01@openssh.com")? {
        "ssh-ed25519" => Some(1),
        "ssh-rsa" | "sk-ssh-ed25519" => Some(2),
        "ssh-dss" => Some(4),
        "sk-ecdsa-sha2-nistp256" => Some(3),
        ecdsa if ecdsa.starts_with("ecdsa-sha2-nistp") => Some(2),
        _ => None,
    }
}

/// `string` after `string`.
pub(crate) fn list(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut rest, mut found) = (Reader::new(bytes), Vec::new());
    while !rest.is_done() {
        found.push(rest.string()?);
    }
    Some(found)
}

fn pairs(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let flat = list(bytes)?;
    let pairs = flat.chunks(2);
    pairs
        .map(|pair| Some((*pair.first()?, *pair.get(1)?)))
        .collect()
}

/// The one `string` that some options and extensions hold as their data.
pub(crate) fn only_string(data: &[u8]) -> Option<&[u8]> {
    let mut rest = Reader::new(data);
    rest.string().filter(|_| rest.is_done())
}
