//! What its signer had seen of the ledger: the newest head they had accepted, so that whoever reads the
//! statement can hold it against the ledger they are shown themselves.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{StatementError, Value};

/// Bytes of a root: SHA-256.
pub const ROOT_LEN: usize = 32;

/// Bytes of a signature: the key's id (C2SP `signed-note`), and Ed25519 (RFC 8032 section 5.1.6).
pub const SIGNATURE_LEN: usize = 4 + 64;

/// The name of the line.
const LINE: &str = "seen";

/// The head of a ledger, as its key signed it: `SIZE ROOT SIGNATURE`.
///
/// The size is a decimal number above 0, the others are standard base64 with padding (RFC 4648 section
/// 4), as in the checkpoint they are of. So the checkpoint can be written again from it, and whoever
/// has the ledger's key can check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Entries.
    pub size: u64,
    /// The root over them (RFC 6962 section 2.1).
    pub root: [u8; ROOT_LEN],
    /// The id of the key, and its signature.
    pub signature: [u8; SIGNATURE_LEN],
}

impl Seen {
    /// The signed note of this head (C2SP `tlog-checkpoint`), for a ledger of this name.
    #[must_use]
    pub fn note(&self, origin: &str) -> String {
        format!(
            "{origin}\n{}\n{}\n\n\u{2014} {origin} {}\n",
            self.size,
            STANDARD.encode(self.root),
            STANDARD.encode(self.signature)
        )
    }

    /// What stands in a statement's text, also in one of an act that is not known here; no act has a
    /// line of this name.
    ///
    /// # Errors
    /// [`StatementError::Value`] where the line is there and cannot be read.
    pub fn in_text(text: &str) -> Result<Option<Self>, StatementError> {
        // The second line from the end, each of which ends in a newline: before it all are the act's.
        let mut lines = text.rsplit('\n').skip(2);
        let value = lines.next().and_then(|line| line.strip_prefix(LINE));
        let value = value.and_then(|value| value.strip_prefix(": "));
        let read = |value: &str| Self::decode(value).filter(|seen| seen.encode() == value);
        value
            .map(|value| read(value).ok_or(StatementError::Value(LINE)))
            .transpose()
    }
}

impl Value for Seen {
    fn encode(&self) -> String {
        format!(
            "{} {} {}",
            self.size,
            STANDARD.encode(self.root),
            STANDARD.encode(self.signature)
        )
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (size, root, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            size: size.parse().ok().filter(|size| *size > 0)?,
            root: STANDARD.decode(root).ok()?.try_into().ok()?,
            signature: STANDARD.decode(signature).ok()?.try_into().ok()?,
        })
    }
}
