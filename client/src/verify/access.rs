//! What a token that was verified says.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use super::limits;

/// A good token, in types. It was signed by the broker, and the broker wrote it into the ledger
/// before it made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who: `sub`, for example `mia`.
    pub person: Name,
    /// Under which grant: `G-45`.
    pub grant: Name,
    /// During which incident: `INC-12`.
    pub incident: Name,
    /// What for: `deploy-shop`.
    pub right: Name,
    /// Whether it is a drill: nothing is broken, somebody walks the path on purpose.
    pub drill: bool,
    /// The right in plain language. What somebody typed: escape it where you show it.
    pub sentence: String,
    /// Which credential of the grant: `jti`, for example `G-45.1`.
    pub credential: Name,
    /// Groups, for targets that give rights to groups; usually none. What somebody typed.
    pub groups: Vec<String>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Good from here; a minute before it was made, for clocks that are behind.
    pub not_before: Timestamp,
    /// Good until here.
    pub expires_at: Timestamp,
    /// The thumbprint (RFC 7638) of the laptop's key the token was made for: `cnf.jkt`.
    pub holder: String,
    /// The entry of the ledger that announced the token.
    pub entry: Entry,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of which ledger.
    pub origin: String,
    /// Counted from 0.
    pub index: u64,
}

/// An id: 1 to 64 of `A-Z a-z 0-9 . _ -`. Safe in a header, a URL, a command line, a terminal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// The text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 64 of `A-Z a-z 0-9 . _ -`")]
pub struct NameError;

impl Name {
    /// Takes a text as an id.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let proper = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if text.is_empty() || text.len() > limits::MAX_NAME_BYTES || !text.bytes().all(proper) {
            return Err(NameError);
        }
        Ok(Self(text.into()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
