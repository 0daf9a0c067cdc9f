//! Settings that are not any text or any number: each is checked where it is read, so that the error
//! has its line.

use std::fmt;
use std::net::IpAddr;

use breakglass_domain::text::restyles;
use breakglass_domain::{SourceId, TargetId, WitnessId};
use breakglass_tlog::KeyName;
use rustls_pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// A DNS name or an IP address.
    Name, check_name
}
text! {
    /// `https://HOST` or `https://HOST:PORT`, perhaps with a path; no slash at the end, no query.
    Https, check_https
}
text! {
    /// The origin of a ledger: a key's name (C2SP signed-note).
    Origin, check_origin
}
text! {
    /// Directives of `tracing_subscriber::EnvFilter`.
    Directives, check_directives
}

text! {
    /// `https://HOST` or `http://HOST`, perhaps with a port and a path; no slash at the end, no query.
    WitnessUrl, check_witness_url
}

text! {
    /// A role in PostgreSQL: at most 63 bytes, no control characters.
    RoleText, check_role
}

/// The id of a target, as the policy has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetName(TargetId);

impl TargetName {
    /// The id itself.
    #[must_use]
    pub fn id(&self) -> &TargetId {
        &self.0
    }
}

impl TryFrom<String> for TargetName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let id = text.parse().map(Self);
        id.map_err(|e| format!("expected the id of a target such as `shop-db`: {e}"))
    }
}

impl From<TargetName> for String {
    fn from(name: TargetName) -> Self {
        name.0.to_string()
    }
}

/// The id of an alert source, as the policy has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceName(SourceId);

impl SourceName {
    /// The id itself.
    #[must_use]
    pub fn id(&self) -> &SourceId {
        &self.0
    }
}

impl TryFrom<String> for SourceName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let id = text.parse().map(Self);
        id.map_err(|e| format!("expected the id of an alert source such as `alertmanager`: {e}"))
    }
}

impl From<SourceName> for String {
    fn from(name: SourceName) -> Self {
        name.0.to_string()
    }
}

/// The id of a witness, as the policy has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WitnessName(WitnessId);

impl WitnessName {
    /// The id itself.
    #[must_use]
    pub fn id(&self) -> &WitnessId {
        &self.0
    }
}

impl TryFrom<String> for WitnessName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let id = text.parse().map(Self);
        id.map_err(|e| format!("expected the id of a witness such as `otto`: {e}"))
    }
}

impl From<WitnessName> for String {
    fn from(name: WitnessName) -> Self {
        name.0.to_string()
    }
}

impl Name {
    /// A name that is written in this program.
    pub(super) fn known(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands in a URL: an IPv6 address in brackets (RFC 3986 section 3.2.2).
    #[must_use]
    pub fn in_url(&self) -> String {
        match self.0.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.0.clone(),
        }
    }
}

impl Default for Directives {
    fn default() -> Self {
        Self("info".into())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = name.is_ascii() && ServerName::try_from(name).is_ok() && !name.ends_with('.');
    if plain {
        return Ok(());
    }
    Err(format!(
        "expected a DNS name such as `glass.example`, or an IP address; found `{name}`"
    ))
}

fn check_https(url: &str) -> Result<(), String> {
    let wrong = |why: &str| {
        Err(format!(
            "expected a URL such as `https://glass.example:7443`: {why}"
        ))
    };
    let Ok(uri) = url.parse::<http::Uri>() else {
        return wrong("it is none");
    };
    let Some(authority) = uri.authority() else {
        return wrong("it names no host");
    };
    if uri.scheme_str() != Some("https") {
        return wrong("it does not begin with https://");
    }
    if authority.as_str().contains('@') {
        return wrong("it has a user name in it");
    }
    if uri.query().is_some() || url.ends_with('/') || url.contains('#') {
        return wrong("it ends in a slash, or has a query or a fragment");
    }
    Ok(())
}

fn check_witness_url(url: &str) -> Result<(), String> {
    let wrong = |why: &str| {
        Err(format!(
            "expected a URL such as `https://witness.example:7446`: {why}"
        ))
    };
    let Ok(uri) = url.parse::<http::Uri>() else {
        return wrong("it is none");
    };
    let Some(authority) = uri.authority().filter(|it| !it.host().is_empty()) else {
        return wrong("it names no host");
    };
    if !matches!(uri.scheme_str(), Some("https" | "http")) {
        return wrong("it begins neither with https:// nor with http://");
    }
    if authority.as_str().contains('@') {
        return wrong("it has a user name in it");
    }
    if url.ends_with('/') || url.contains(['?', '#']) || url.len() > 2_048 {
        return wrong("it ends in a slash, has a query or a fragment, or is too long");
    }
    Ok(())
}

fn check_origin(origin: &str) -> Result<(), String> {
    let wrong = |e| format!("expected a name such as `glass.example/ledger`: {e}");
    KeyName::parse(origin).map(|_| ()).map_err(wrong)
}

fn check_role(role: &str) -> Result<(), String> {
    // NAMEDATALEN less one: PostgreSQL would cut a longer one.
    if (1..=63).contains(&role.len()) && !role.contains(restyles) {
        return Ok(());
    }
    Err("expected the name of a role such as `breakglass`, of at most 63 bytes".to_owned())
}

fn check_directives(directives: &str) -> Result<(), String> {
    let wrong = |e| format!("expected `info`, or one for each module such as `info,h2=warn`: {e}");
    EnvFilter::try_new(directives).map(|_| ()).map_err(wrong)
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $most:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name(u32);

        impl $name {
            /// The number.
            #[must_use]
            pub fn count(self) -> u32 {
                self.0
            }
        }

        impl TryFrom<u32> for $name {
            type Error = String;

            fn try_from(number: u32) -> Result<Self, String> {
                match number {
                    1..=$most => Ok(Self(number)),
                    _ => Err(format!("expected a number from 1 to {}, found {number}", $most)),
                }
            }
        }

        impl From<$name> for u32 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

number! {
    /// 1 to 365 days.
    Days, 365
}
number! {
    /// 1 to 3600 seconds.
    Seconds, 3_600
}
number! {
    /// 1 to 100000 connections.
    Places, 100_000
}

impl Days {
    pub(super) const DEFAULT: Self = Self(30);
}

impl Seconds {
    pub(super) const DEFAULT: Self = Self(60);
}

impl Places {
    /// Everybody of a team may be behind one address.
    pub(super) const PER_PEER: Self = Self(256);
    /// Below the 8192 file descriptors of the unit file, twice.
    pub(super) const TOTAL: Self = Self(4_096);

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// How tracing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}
