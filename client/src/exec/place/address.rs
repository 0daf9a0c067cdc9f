//! Where a target is, as the policy writes it.

use super::Unfit;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address, an IPv6 one without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Reads `host`, `host:port`, `[::1]` or `[::1]:port`.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn parse(text: &str, default_port: u16) -> Result<Self, Unfit> {
        let wrong = || Unfit(format!("`{text}` is no HOST:PORT"));
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or_else(wrong)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
                match after {
                    "" => (host, None),
                    _ => (host, Some(after.strip_prefix(':').ok_or_else(wrong)?)),
                }
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| wrong())?
            }
            Some(_) => return Err(wrong()),
            None => default_port,
        };
        if !is_host(host) || port == 0 {
            return Err(wrong());
        }
        let host = host.to_owned();
        Ok(Self { host, port })
    }
}

/// Letters a host's name or address is made of. A leading `/` or `@` would be a socket for libpq, a
/// comma a list of hosts.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with('-')
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read() {
        for (text, host, port) in [
            ("db.shop.example", "db.shop.example", 5432),
            ("db.shop.example:6432", "db.shop.example", 6432),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]", "::1", 5432),
            ("[2001:db8::5]:6432", "2001:db8::5", 6432),
        ] {
            let read = Address::parse(text, 5432).unwrap();
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
        }
        for wrong in [
            "",
            ":5432",
            "db:",
            "db:0",
            "db:65536",
            "db:+1",
            "::1",
            "[::1",
            "[::1]5432",
            "[db]:1",
            "/var/run/postgresql",
            "one,two",
            "-db",
            "db host",
            "db:5432\n",
        ] {
            assert!(Address::parse(wrong, 5432).is_err(), "{wrong:?}");
        }
    }
}
