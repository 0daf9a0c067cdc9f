//! Names and numbers of things: short, because people type them at three in the morning.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::ID_MAX;

/// A text that is not such an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {rule}")]
pub struct IdError {
    what: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_name(text) {
                    return Ok(Self(text.into()));
                }
                Err(IdError {
                    what: $what,
                    rule: "1 to 48 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit",
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_name(text: &str) -> bool {
    let proper = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    let first = text.as_bytes().first();
    text.len() <= ID_MAX
        && text.bytes().all(proper)
        && first.is_some_and(u8::is_ascii_alphanumeric)
        && text != BROKER
}

/// What stands in an entry's `by` where the broker acts by itself; nobody can be called so.
pub const BROKER: &str = "breakglass";

name! {
    /// A person: `mia`.
    PersonId, "a person's id"
}
name! {
    /// What tells of alerts: `alertmanager`.
    SourceId, "an alert source's id"
}
name! {
    /// A right: `deploy-shop`.
    RightId, "a right's id"
}
name! {
    /// A witness, as the policy and the config call it: `otto`.
    WitnessId, "a witness's id"
}
name! {
    /// Something that accepts credentials: `web-1`.
    TargetId, "a target's id"
}
name! {
    /// Where the ledger is copied to as it grows: `siem`.
    StreamName, "a stream's name"
}
name! {
    /// A rule of the policy: `engineers-ship`.
    RuleName, "a rule's name"
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix);
                let number = digits.and_then(|digits| digits.parse().ok()).map(Self);
                // Only the one spelling: no sign, no leading zeros.
                number.filter(|id| id.to_string() == text).ok_or(IdError {
                    what: $what,
                    rule: concat!("written ", $prefix, "NUMBER, for example ", $prefix, "12"),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

number! {
    /// An incident: `INC-12`.
    IncidentId, "INC-", "an incident's id"
}
number! {
    /// A grant, from asking to ending: `G-45`.
    GrantId, "G-", "a grant's id"
}

number! {
    /// A session that a guard saw begin: `S-7`.
    SessionId, "S-", "a session's id"
}

/// One credential of a grant, counted from 1: `G-45.1`. A JWT's `jti`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId {
    /// The grant it is made under.
    pub grant: GrantId,
    /// Which of its credentials.
    pub number: u32,
}

impl CredentialId {
    /// Serial numbers that one grant has for its credentials: one each quarter of an hour for
    /// twelve hours is 48, and this many leave room for every renewal there could be.
    pub const SERIALS: u64 = 1 << 20;

    /// The serial number of an SSH certificate: the grants' own ranges follow each other, so that
    /// one range revokes all certificates of a grant.
    #[must_use]
    pub fn serial(self) -> u64 {
        let number = u64::from(self.number).min(Self::SERIALS - 1);
        self.grant
            .0
            .saturating_mul(Self::SERIALS)
            .saturating_add(number)
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.grant, self.number)
    }
}

impl FromStr for CredentialId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = IdError {
            what: "a credential's id",
            rule: "written G-NUMBER.NUMBER",
        };
        let (grant, number) = text.split_once('.').ok_or(wrong.clone())?;
        let id = Self {
            grant: grant.parse()?,
            number: number.parse().map_err(|_| wrong.clone())?,
        };
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(wrong)
        }
    }
}

/// An enrolled key: base64url SHA-256 of its uncompressed SEC 1 point, 43 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let proper = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if text.len() == 43 && text.bytes().all(proper) {
            return Ok(Self(text.into()));
        }
        Err(IdError {
            what: "a key's id",
            rule: "43 characters of base64url",
        })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of an enrolment token's secret, lower-case hex. The secret itself is stored nowhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(Arc<str>);

impl TokenHash {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenHash {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let proper = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(proper) {
            return Ok(Self(text.into()));
        }
        Err(IdError {
            what: "a token's hash",
            rule: "64 lower-case hexadecimal digits",
        })
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The chance in a statement, so that none is played twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub [u8; 16]);
