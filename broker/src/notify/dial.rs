//! Looks a name up, judges its addresses, and connects to one of those: nothing is looked up twice.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};

use super::address::{Reach, reach};
use super::courier::Failed;
use super::limits::{ADDRESSES, CONNECT};

/// A host that is to be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Host<'a> {
    /// A name, or an address without brackets.
    pub(super) name: &'a str,
    /// The port.
    pub(super) port: u16,
    /// Whether it may be private.
    pub(super) allow_private: bool,
    /// Whether what is said there is encrypted; where not, it must be private.
    pub(super) tls: bool,
}

impl Host<'_> {
    /// The addresses that may be connected to, the families in turn (RFC 8305 section 4): where one of
    /// them leads nowhere, the other is next.
    pub(super) async fn addresses(&self) -> Result<Vec<SocketAddr>, Failed> {
        let Self { name, port, .. } = *self;
        let found = tokio::time::timeout(CONNECT, lookup_host((name, port))).await;
        let found = found.map_err(|_| Failed(format!("looking {name} up takes too long")))?;
        let found = found.map_err(|why| Failed(format!("{name} cannot be looked up: {why}")))?;
        let found: Vec<_> = found.collect();
        let good = found.iter().filter(|it| self.allows(reach(it.ip())));
        let mut good = in_turn(good.copied().collect());
        good.truncate(ADDRESSES);
        match (good.is_empty(), found.first()) {
            (false, _) => Ok(good),
            (true, None) => Err(Failed(format!("{name} has no address"))),
            (true, Some(first)) => Err(self.forbidden(*first)),
        }
    }

    /// A connection to the first that answers.
    pub(super) async fn connect(&self) -> Result<TcpStream, Failed> {
        self.connect_within(CONNECT).await
    }

    /// The same in so much time, of which each address has its share.
    async fn connect_within(&self, limit: Duration) -> Result<TcpStream, Failed> {
        let mut failed = None;
        let addresses = self.addresses().await?;
        let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        for address in addresses {
            match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(why)) => failed = Some(format!("{address} cannot be reached: {why}")),
                Err(_) => failed = Some(format!("{address} does not answer")),
            }
        }
        Err(Failed(failed.unwrap_or_default()))
    }

    fn allows(&self, reach: Reach) -> bool {
        match reach {
            // Without TLS nothing leaves one's own networks.
            Reach::Public => self.tls,
            Reach::Private => self.allow_private,
            Reach::Never => false,
        }
    }

    fn forbidden(&self, address: SocketAddr) -> Failed {
        let (name, ip) = (self.name, address.ip());
        Failed(match reach(ip) {
            Reach::Private => format!(
                "{name} is at {ip}, which is private; if that is meant, set allow_private = true"
            ),
            Reach::Public => format!("{name} is at {ip}, which is public: that needs https"),
            Reach::Never => format!("{name} is at {ip}, where nothing is ever sent"),
        })
    }
}

/// A connection, in so much time, to any host but where nothing is ever sent; the caller answers for what
/// is said there without TLS.
///
/// # Errors
/// [`Failed`] says what is in the way.
pub async fn connect(name: &str, port: u16, limit: Duration) -> Result<TcpStream, Failed> {
    let host = Host {
        name,
        port,
        allow_private: true,
        tls: true,
    };
    host.connect_within(limit).await
}

/// The first, then one of the other family, and so on, each family in its order.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let count = addresses.len();
    let first = addresses.first().map(SocketAddr::is_ipv6);
    let (same, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|it| Some(it.is_ipv6()) == first);
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        all.extend(same.next());
        all.extend(other.next());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_are_tried_in_turn() {
        let found = all(&["[2::1]:1", "[2::2]:1", "[2::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let turn = ["[2::1]:1", "1.0.0.1:1", "[2::2]:1", "1.0.0.2:1", "[2::3]:1"];
        assert_eq!(in_turn(found), all(&turn));
        let alone = all(&["1.0.0.1:1", "1.0.0.2:1"]);
        assert_eq!(in_turn(alone.clone()), alone);
        assert_eq!(in_turn(Vec::new()), []);
    }
}
