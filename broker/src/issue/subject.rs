//! A certificate's subject with several organizations, which rcgen cannot write: its names hold one
//! value of a kind, and Kubernetes reads each `O` as a group.
//!
//! rcgen makes the certificate, and the subject in its `TBSCertificate` (RFC 5280 section 4.1.2.6) is
//! replaced before it is signed again. Everything else stays byte for byte what rcgen wrote.

use rcgen::SigningKey;
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::root::signing;
use crate::ports::IssueError;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
pub(super) const UTF8: u8 = 0x0c;
const BITS: u8 = 0x03;

/// `id-at-commonName` (2.5.4.3) and `id-at-organizationName` (2.5.4.10), X.520.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];

/// The same certificate for the subject `O=..., O=..., CN=...`, signed by the same key.
///
/// # Errors
/// [`IssueError::Signing`].
pub(super) fn renamed(
    certificate: &CertificateDer<'_>,
    organizations: &[&str],
    common_name: &str,
    key: &impl SigningKey,
) -> Result<Vec<u8>, IssueError> {
    let unread = || IssueError::Signing("a certificate that was just made cannot be read".into());
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| unread())?;
    let tbs = parsed.tbs_certificate.as_ref();
    let (issuer, old) = (parsed.issuer().as_raw(), parsed.subject().as_raw());
    // All three are slices of the one certificate, in this order, so these are distances within it.
    let start = old.as_ptr().addr() - tbs.as_ptr().addr();
    let head = tbs.len() - body_len(tbs).ok_or_else(unread)?;
    if start <= head + issuer.len() || tbs.get(start..start + old.len()) != Some(old) {
        return Err(unread());
    }
    let new = name(organizations, common_name);
    let tbs = der(
        SEQUENCE,
        &[&tbs[head..start], &new, &tbs[start + old.len()..]],
    );
    let signature = key.sign(&tbs).map_err(signing)?;
    let algorithm = der(SEQUENCE, &[&der(OBJECT, &[&ECDSA_WITH_SHA256])]);
    Ok(der(
        SEQUENCE,
        &[&tbs, &algorithm, &der(BITS, &[&[0], &signature])],
    ))
}

/// `ecdsa-with-SHA256` (1.2.840.10045.4.3.2), RFC 5758 section 3.2: without parameters.
const ECDSA_WITH_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A `Name`: one value in each `RelativeDistinguishedName`.
fn name(organizations: &[&str], common_name: &str) -> Vec<u8> {
    let organizations = organizations.iter().map(|value| (&ORGANIZATION, *value));
    let rdns: Vec<_> = organizations
        .chain([(&COMMON_NAME, common_name)])
        .map(|(kind, value)| {
            let pair = [der(OBJECT, &[kind]), der(UTF8, &[value.as_bytes()])];
            der(SET, &[&der(SEQUENCE, &[&pair[0], &pair[1]])])
        })
        .collect();
    der(
        SEQUENCE,
        &rdns.iter().map(Vec::as_slice).collect::<Vec<_>>(),
    )
}

/// One value: tag, length (X.690 section 8.1.3, in the fewest bytes), content.
pub(super) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = &bytes[length.leading_zeros() as usize / 8..];
    let mut value = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => value.push(short),
        // A usize has at most eight bytes, so their number fits beside the flag.
        _ => {
            value.push(0x80 | significant.len() as u8);
            value.extend(significant);
        }
    }
    value.extend(parts.concat());
    value
}

/// Bytes of a value's content, read from its head.
fn body_len(value: &[u8]) -> Option<usize> {
    match *value.get(1)? {
        short if short < 0x80 => Some(short.into()),
        long => {
            let bytes = value.get(2..2 + usize::from(long & 0x7f))?;
            Some(bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_the_fewest_bytes() {
        for (length, head) in [
            (0, &[UTF8, 0][..]),
            (0x7f, &[UTF8, 0x7f]),
            (0x80, &[UTF8, 0x81, 0x80]),
            (0xff, &[UTF8, 0x81, 0xff]),
            (0x100, &[UTF8, 0x82, 1, 0]),
        ] {
            let value = der(UTF8, &[&vec![b'x'; length]]);
            assert_eq!(&value[..head.len()], head);
            assert_eq!(value.len(), head.len() + length);
            assert_eq!(body_len(&value), Some(length));
        }
    }
}
