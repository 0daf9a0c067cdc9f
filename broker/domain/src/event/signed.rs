//! What somebody signed, as an event carries it.

use crate::id::{KeyId, Nonce};
use crate::time::Time;

/// A statement and its signature, checked at the edge before the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The exact text.
    pub text: String,
    /// The key that signed.
    pub key: KeyId,
    /// ECDSA P-256 with SHA-256, ASN.1 DER.
    pub signature: Vec<u8>,
    /// From the text.
    pub nonce: Nonce,
    /// From the text: the signer's clock.
    pub at: Time,
    /// Whether the head that the text says was seen is of another history of this ledger: what only ends something
    /// is done all the same, and its entry says so.
    pub other_history: bool,
}

impl Signed {
    /// Size and root, in base64, of the head that the text says was seen: its line before the last.
    #[must_use]
    pub fn seen(&self) -> Option<(u64, &str)> {
        let line = self.text.lines().rev().nth(1)?;
        let mut parts = line.strip_prefix("seen: ")?.split(' ');
        Some((parts.next()?.parse().ok()?, parts.next()?))
    }
}
