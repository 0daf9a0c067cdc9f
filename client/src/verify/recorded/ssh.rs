//! An OpenSSH certificate and its entry.

use super::certificate::{Certificate, USER, only_string};
use super::issued::{Issued, Serial, is_second};
use super::{Denied, Ledger, Recorded};
use crate::key::key_id;

/// The extension that holds the proof.
const TLOG_PROOF: &[u8] = b"tlog-proof@breakglass.dev";

/// The kind of key we certify (RFC 5656), and what it is called on its own.
const ALGORITHM: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com";

pub(super) fn recorded(ledger: &Ledger, blob: &[u8]) -> Result<Recorded, Denied> {
    let read = Certificate::parse(blob).filter(|read| read.kind == USER);
    let read = read.ok_or(Denied::Malformed("it is no certificate for a person"))?;
    let mut proofs = read
        .extensions
        .iter()
        .filter(|(name, _)| *name == TLOG_PROOF);
    let (_, data) = proofs.next().ok_or(Denied::NoEntry)?;
    if proofs.next().is_some() {
        return Err(Denied::Entry("there are two of them"));
    }
    let proof = only_string(data).and_then(|proof| std::str::from_utf8(proof).ok());
    let issued = ledger.issued(proof.ok_or(Denied::Entry("it is no text"))?)?;
    let same = compare(&issued, &read);
    issued.where_all(&same)
}

fn compare(issued: &Issued, read: &Certificate<'_>) -> [(&'static str, bool); 9] {
    let (subject, written) = (&issued.subject, &issued.recorded);
    let given = read
        .extensions
        .iter()
        .filter(|(name, _)| *name != TLOG_PROOF);
    let given = given.map(|(name, data)| data.is_empty().then_some(*name));
    let point = match read.key.as_slice() {
        [b"nistp256", point] if read.algorithm == ALGORITHM => Some(point),
        _ => None,
    };
    [
        (
            "it is about a credential of another kind",
            issued.kind == "ssh",
        ),
        (
            "it is about another credential",
            read.key_id == key_id_of(written).as_bytes(),
        ),
        (
            "it is about another serial",
            subject.serial == Some(Serial::Number(read.serial)),
        ),
        (
            "it is about another key",
            point.is_some_and(|point| key_id(point) == issued.key),
        ),
        (
            "it is about other principals",
            is_list(&read.principals, &subject.principals),
        ),
        (
            "it is about other extensions",
            same_set(given, &subject.extensions),
        ),
        (
            "it is about other critical options",
            has_addresses(read, &subject.source_addresses),
        ),
        (
            "it is about a certificate with another end",
            i64::try_from(read.valid_before).is_ok_and(|end| is_second(written.expires_at, end)),
        ),
        ("it is about nobody", !subject.principals.is_empty()),
    ]
}

/// What the broker writes as the certificate's key id.
fn key_id_of(written: &Recorded) -> String {
    let drill = if written.drill { " drill=yes" } else { "" };
    format!(
        "person={} grant={} incident={} credential={}{drill}",
        written.person, written.grant, written.incident, written.credential
    )
}

fn is_list(read: &[&[u8]], written: &[String]) -> bool {
    read.iter()
        .copied()
        .eq(written.iter().map(String::as_bytes))
}

/// Certificates have them in the order of the alphabet, entries in that of the policy.
fn same_set<'a>(given: impl Iterator<Item = Option<&'a [u8]>>, written: &'a [String]) -> bool {
    let given: Option<Vec<_>> = given.collect();
    let mut written: Vec<_> = written.iter().map(String::as_bytes).collect();
    written.sort_unstable();
    written.dedup();
    given.is_some_and(|mut given| {
        given.sort_unstable();
        given == written
    })
}

/// `source-address` with just these, or nothing.
fn has_addresses(read: &Certificate<'_>, written: &[String]) -> bool {
    match read.critical_options.as_slice() {
        [] => written.is_empty(),
        [(b"source-address", data)] => {
            !written.is_empty() && only_string(data) == Some(written.join(",").as_bytes())
        }
        _ => false,
    }
}
