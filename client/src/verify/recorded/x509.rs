//! An X.509 client certificate and its entry (RFC 5280).

use x509_parser::asn1_rs::{FromDer as _, Utf8String};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::issued::{Issued, Serial, is_second};
use super::{Denied, Ledger, Recorded};
use crate::key::key_id;

/// `1.2.840.113556.1.8000.2554.29860.52861.30974.17912.40010.3433860.14340444`, the extension that holds
/// the proof: what stands in a DER object identifier (X.690 section 8.19).
const TLOG_PROOF: [u8; 34] = [
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0xbe, 0x40, 0x93, 0x7a, 0x81, 0xe9, 0x24, 0x83, 0x9c,
    0x7d, 0x81, 0xf1, 0x7e, 0x81, 0x8b, 0x78, 0x82, 0xb8, 0x4a, 0x81, 0xd1, 0xcb, 0x04, 0x86, 0xeb,
    0xa2, 0x5c,
];

/// `id-at-commonName` and `id-at-organizationName` (X.520).
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];

pub(super) fn recorded(ledger: &Ledger, der: &[u8]) -> Result<Recorded, Denied> {
    let read = X509Certificate::from_der(der).ok();
    let read = read.and_then(|(rest, read)| rest.is_empty().then_some(read));
    let read = read.ok_or(Denied::Malformed("it is no certificate"))?;
    let mut proofs = (read.extensions().iter()).filter(|it| it.oid.as_bytes() == TLOG_PROOF);
    let proof = proofs.next().ok_or(Denied::NoEntry)?;
    if proofs.next().is_some() {
        return Err(Denied::Entry("there are two of them"));
    }
    let text = Utf8String::from_der(proof.value).ok();
    let text = text.and_then(|(rest, text)| rest.is_empty().then_some(text));
    let issued = ledger.issued(text.ok_or(Denied::Entry("it is no text"))?.as_ref())?;
    let same = compare(&issued, &read);
    issued.where_all(&same)
}

fn compare(issued: &Issued, read: &X509Certificate<'_>) -> [(&'static str, bool); 8] {
    let written = &issued.recorded;
    let point = read.public_key().subject_public_key.data.as_ref();
    let end = read.validity().not_after.timestamp();
    [
        (
            "it is about a credential of another kind",
            issued.kind == "x509",
        ),
        (
            "it is about another serial",
            has_serial(read, issued.subject.serial.as_ref()),
        ),
        ("it is about another key", key_id(point) == issued.key),
        ("it is about another subject", has_subject(read, issued)),
        (
            "it is about another grant",
            names(read) == Some(names_of(written)),
        ),
        (
            "it is about a certificate with another end",
            is_second(written.expires_at, end),
        ),
        ("it is about no authority", !read.is_ca()),
        ("it is about nobody", !issued.subject.common_name.is_empty()),
    ]
}

fn has_serial(read: &X509Certificate<'_>, written: Option<&Serial>) -> bool {
    let Some(Serial::Hex(written)) = written else {
        return false;
    };
    let raw = read.raw_serial();
    let significant = &raw[raw.iter().take_while(|byte| **byte == 0).count()..];
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u128::from(*byte))
    };
    significant.len() <= 16 && u128::from_str_radix(written, 16) == Ok(number(significant))
}

/// Its organizations in order, then its common name, and nothing else.
fn has_subject(read: &X509Certificate<'_>, issued: &Issued) -> bool {
    let organizations = issued.subject.organizations.iter();
    let written = organizations.map(|value| (&ORGANIZATION[..], value.as_str()));
    let written = written.chain([(&COMMON_NAME[..], issued.subject.common_name.as_str())]);
    let read = read.subject().iter_attributes();
    let read = read.map(|one| Some((one.attr_type().as_bytes(), one.as_str().ok()?)));
    read.eq(written.map(Some))
}

/// Its other names, where they are URIs; of any other kind there are none.
fn names(read: &X509Certificate<'_>) -> Option<Vec<String>> {
    let names = read.subject_alternative_name().ok()??;
    let names = names.value.general_names.iter().map(|name| match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    });
    names.collect()
}

fn names_of(written: &Recorded) -> Vec<String> {
    let mut names = vec![format!("breakglass:grant:{}", written.grant)];
    if written.drill {
        names.push("breakglass:drill".to_owned());
    }
    names
}
