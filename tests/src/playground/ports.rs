//! Three ports nobody else has.

use std::hash::{BuildHasher as _, Hasher as _};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

/// Ports of one broker, kept from other stories for as long as this lives.
///
/// They lie below those the system gives to connections by itself (from 32768 on), so that no client
/// takes one before the broker does.
#[derive(Debug)]
pub struct Ports {
    /// gRPC.
    pub grpc: u16,
    /// HTTPS.
    pub web: u16,
    /// Metrics.
    pub metrics: u16,
}

impl Ports {
    /// Finds three and keeps them.
    ///
    /// # Panics
    /// Where there are none.
    #[must_use]
    pub fn reserve() -> Self {
        for _ in 0..200 {
            let base = 16_000 + u16::try_from(chance() % 4_000).expect("below 4000") * 4;
            let all = [base, base + 1, base + 2];
            if is_ours(base) && all.iter().all(|port| is_free(*port)) {
                return Self {
                    grpc: base,
                    web: base + 1,
                    metrics: base + 2,
                };
            }
        }
        panic!("no three free ports on 127.0.0.1");
    }
}

/// An abstract socket is a name that the kernel keeps for one process, and forgets with it. Not
/// closed before the process ends: ports are many and stories few.
fn is_ours(base: u16) -> bool {
    let name = SocketAddr::from_abstract_name(format!("breakglass-story-{base}"));
    let taken = UnixListener::bind_addr(&name.expect("a short name"));
    taken.map(Box::new).map(Box::leak).is_ok()
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// The standard library keys its hash maps with chance.
fn chance() -> u64 {
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}
