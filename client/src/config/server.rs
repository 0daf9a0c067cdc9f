//! Where a broker is.

use std::fmt;

use rustls_pki_types::ServerName;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{error::Error, text::plain};

/// `https://HOST:PORT`, nothing behind it; the port is 7443 where it is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    host: String,
    port: u16,
}

/// The broker's usual port.
const DEFAULT_PORT: u16 = 7443;

impl ServerUrl {
    /// Takes a text as the address of a broker.
    ///
    /// # Errors
    /// [`Error::Usage`] that says what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            let shown: String = plain(url).chars().take(200).collect();
            Error::usage(
                format!("`{shown}` is not the address of a broker: {why}"),
                "it looks like https://glass.example:7443",
            )
        };
        if url.starts_with("http://") {
            return Err(wrong(
                "it must begin with https://, there is no unencrypted way in",
            ));
        }
        let uri: http::Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
        if uri.scheme_str() != Some("https") {
            return Err(wrong("it does not begin with https://"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("nothing may stand behind the port"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("it has a user name in it"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        ServerName::try_from(host.as_str()).map_err(|_| wrong("the host has no proper name"))?;
        let has_port = authority.as_str().len() > authority.host().len();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if has_port => return Err(wrong("the port is not a number up to 65535")),
            None => DEFAULT_PORT,
        };
        Ok(Self { host, port })
    }

    /// The host to dial, IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to dial.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name the broker's certificate must bear.
    #[must_use]
    pub fn tls_name(&self) -> ServerName<'static> {
        ServerName::try_from(self.host.clone()).expect("checked when it was parsed")
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "https://[{}]:{}", self.host, self.port),
            false => write!(f, "https://{}:{}", self.host, self.port),
        }
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ServerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = String::deserialize(deserializer)?;
        Self::parse(&url).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (typed, read) in [
            ("https://glass.example:7443", "https://glass.example:7443"),
            ("https://glass.example", "https://glass.example:7443"),
            ("https://127.0.0.1:9/", "https://127.0.0.1:9"),
            ("https://[::1]:7443", "https://[::1]:7443"),
        ] {
            assert_eq!(ServerUrl::parse(typed).unwrap().to_string(), read);
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        for (typed, why) in [
            ("http://glass.example", "there is no unencrypted way in"),
            ("glass.example:7443", "not the address"),
            (
                "https://glass.example:7443/path",
                "nothing may stand behind",
            ),
            ("https://glass.example:7443?x", "nothing may stand behind"),
            ("https://mia@glass.example", "user name"),
            ("https://glass.example:70000", "not the address"),
            ("https://", "not the address"),
            ("https://gl ass", "not a URL"),
            ("", "not the address"),
        ] {
            let error = ServerUrl::parse(typed).unwrap_err();
            assert!(error.to_string().contains(why), "{typed}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
