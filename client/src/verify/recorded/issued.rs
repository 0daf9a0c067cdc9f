//! The entry `credential.issued`, as the ledger's format has it (docs/ledger-format.md).

use breakglass_tlog::Receipt;
use jiff::Timestamp;
use serde::Deserialize;

use super::Recorded;
use crate::verify::Denied;
use crate::verify::access::{Entry, Name};

/// What is read of it. Members we do not know are ignored, as fields are only ever added; one that
/// stands twice is refused by serde.
#[derive(Debug, Deserialize)]
struct Written {
    v: u32,
    index: u64,
    at: Timestamp,
    kind: String,
    grant: String,
    person: String,
    right: String,
    incident: String,
    credential: String,
    credential_kind: String,
    audience: String,
    expires_at: Timestamp,
    key: String,
    #[serde(default)]
    subject: Subject,
    #[serde(default)]
    drill: bool,
}

/// What a credential says beside; which of these are there depends on its kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subject {
    /// Of a JWT.
    pub(super) groups: Vec<String>,
    /// Of both kinds of certificates.
    pub(super) serial: Option<Serial>,
    /// Of SSH.
    pub(super) principals: Vec<String>,
    pub(super) extensions: Vec<String>,
    pub(super) source_addresses: Vec<String>,
    /// Of X.509.
    pub(super) common_name: String,
    pub(super) organizations: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Serial {
    /// OpenSSH's.
    Number(u64),
    /// X.509's: 32 hex digits.
    Hex(String),
}

/// The entry, proven to be in the ledger.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) recorded: Recorded,
    /// `jwt`, `ssh`, `x509`.
    pub(super) kind: String,
    pub(super) audience: String,
    /// The name of the key it is for: base64url SHA-256 of the uncompressed point.
    pub(super) key: String,
    pub(super) subject: Subject,
}

impl Issued {
    /// Reads what was proven.
    pub(super) fn of(receipt: &Receipt) -> Result<Self, Denied> {
        let unread = Denied::Entry("the entry announces no credential");
        let read: Written = serde_json::from_slice(receipt.entry()).map_err(|_| unread.clone())?;
        let proper = read.v == 1 && read.kind == "credential.issued";
        if !proper || read.index != receipt.index() {
            return Err(unread);
        }
        let name = |text: &str| Name::parse(text).map_err(|_| unread.clone());
        Ok(Self {
            recorded: Recorded {
                person: name(&read.person)?,
                grant: name(&read.grant)?,
                incident: name(&read.incident)?,
                right: name(&read.right)?,
                credential: name(&read.credential)?,
                drill: read.drill,
                issued_at: read.at,
                expires_at: read.expires_at,
                entry: Entry {
                    origin: receipt.checkpoint().origin().to_owned(),
                    index: receipt.index(),
                },
            },
            kind: read.credential_kind,
            audience: read.audience,
            key: read.key,
            subject: read.subject,
        })
    }

    /// What is on record, where the credential says the same in all of these: each is a name of what
    /// is compared and whether it is the same.
    pub(super) fn where_all(self, same: &[(&'static str, bool)]) -> Result<Recorded, Denied> {
        match same.iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(Denied::Entry(what)),
            None => Ok(self.recorded),
        }
    }
}

/// Entries count milliseconds, credentials whole seconds: those are rounded down.
pub(super) fn is_second(written: Timestamp, said: i64) -> bool {
    written.as_millisecond().div_euclid(1_000) == said
}
