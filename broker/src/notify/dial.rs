//! Looks a name up, judges its addresses, and connects to one of those: nothing is looked up twice.

use std::net::SocketAddr;

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
    /// The addresses that may be connected to.
    pub(super) async fn addresses(&self) -> Result<Vec<SocketAddr>, Failed> {
        let Self { name, port, .. } = *self;
        let found = tokio::time::timeout(CONNECT, lookup_host((name, port))).await;
        let found = found.map_err(|_| Failed(format!("looking {name} up takes too long")))?;
        let found = found.map_err(|why| Failed(format!("{name} cannot be looked up: {why}")))?;
        let found: Vec<_> = found.collect();
        let good = found.iter().filter(|it| self.allows(reach(it.ip())));
        let good: Vec<_> = good.take(ADDRESSES).copied().collect();
        match (good.is_empty(), found.first()) {
            (false, _) => Ok(good),
            (true, None) => Err(Failed(format!("{name} has no address"))),
            (true, Some(first)) => Err(self.forbidden(*first)),
        }
    }

    /// A connection to the first that answers.
    pub(super) async fn connect(&self) -> Result<TcpStream, Failed> {
        let mut failed = None;
        for address in self.addresses().await? {
            match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
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
            Reach::Never => format!("{name} is at {ip}, where notices never go"),
        })
    }
}
