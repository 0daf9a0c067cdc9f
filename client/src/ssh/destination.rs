//! What is typed behind `glass ssh`, and where a target is.

use std::fmt;
use std::net::IpAddr;

use crate::{error::Error, limits::MAX_ID_BYTES};

/// Bytes of the longest name of a host (RFC 1035 section 2.3.4).
const MAX_HOST: usize = 253;

/// What to type.
const EXAMPLE: &str =
    "name a target of the policy or its host: glass ssh web-1, glass ssh deploy@web-1";

/// `[LOGIN@]HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// As whom, where it was typed.
    pub login: Option<String>,
    /// A target's id, or where a target is.
    pub address: Address,
}

/// `host`, `host:port` or `[v6]:port`; the host in lower case, as ssh compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address without brackets.
    pub host: String,
    /// Where it is not the one that ssh takes by itself.
    pub port: Option<u16>,
}

impl Destination {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`Error::Usage`] where ssh could take a part of it for something else.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let wrong = || Error::usage(format!("`{typed}` is not a host"), EXAMPLE);
        // A login may have an `@` of its own.
        let (login, host) = match typed.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, typed),
        };
        let proper = |b: u8| b.is_ascii_alphanumeric() || b"._@-".contains(&b);
        let is_login = |login: &str| {
            (1..=MAX_ID_BYTES).contains(&login.len())
                && login.bytes().all(proper)
                && !login.starts_with('-')
        };
        if !login.is_none_or(is_login) {
            return Err(wrong());
        }
        Ok(Self {
            login: login.map(str::to_owned),
            address: Address::parse(host).ok_or_else(wrong)?,
        })
    }
}

impl Address {
    /// Reads an address; `None` where it is none, or could stand for more than one host.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None if text.parse::<IpAddr>().is_ok() => (text, ""),
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
            None if port.is_empty() => None,
            None => return None,
        };
        let proper = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
        let fits = (1..=MAX_HOST).contains(&host.len()) && !host.starts_with('-');
        (fits && host.bytes().all(proper)).then(|| Self {
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: Option<u16>) -> Address {
        Address {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn addresses_are_read_and_written() {
        for (text, host, port) in [
            ("web-1", "web-1", None),
            ("Web-1.Shop.example:2222", "web-1.shop.example", Some(2222)),
            ("10.0.0.7:22", "10.0.0.7", Some(22)),
            ("2001:DB8::7", "2001:db8::7", None),
            ("[2001:db8::7]:22", "2001:db8::7", Some(22)),
        ] {
            let read = Address::parse(text).unwrap();
            assert_eq!(read, address(host, port), "{text}");
            assert_eq!(read.to_string(), text.to_ascii_lowercase());
        }
        let long = "x".repeat(254);
        for wrong in [
            "",
            ":22",
            "web:",
            "web:0",
            "web:65536",
            "web:ssh",
            "[::1",
            "[::1]22",
            "a b",
        ] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
        for wrong in ["-oProxyCommand=id", "*", "web,db", "web\n", "!web", &long] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_login_may_stand_in_front() {
        let destination = Destination::parse("deploy@web-1:2222").unwrap();
        assert_eq!(destination.login.as_deref(), Some("deploy"));
        assert_eq!(destination.address, address("web-1", Some(2222)));
        let destination = Destination::parse("mia@corp@web-1").unwrap();
        assert_eq!(destination.login.as_deref(), Some("mia@corp"));
        assert_eq!(Destination::parse("web-1").unwrap().login, None);
        for wrong in ["@web-1", "-l@web-1", "a b@web-1", "deploy@", "deploy@-x"] {
            let error = Destination::parse(wrong).unwrap_err();
            assert!(error.next().unwrap().contains("glass ssh web-1"), "{wrong}");
        }
    }
}
