//! How many may be inside at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections, in total and for each peer, and turns away whoever is too many.
#[derive(Debug)]
pub struct Door {
    inside: Mutex<Inside>,
    per_peer: usize,
    total: usize,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    peers: HashMap<IpAddr, usize>,
}

/// What happened at the door since the broker started.
#[derive(Debug, Default)]
pub struct Counts {
    admitted: AtomicU64,
    turned_away: AtomicU64,
    handshakes_failed: AtomicU64,
}

impl Counts {
    /// Connections that were let in.
    #[must_use]
    pub fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }

    /// Connections that were one too many.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// TLS handshakes that failed or took too long.
    #[must_use]
    pub fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Ordering::Relaxed)
    }

    pub(super) fn handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Door {
    /// Lets in so many of one peer, and so many altogether.
    #[must_use]
    pub fn new(per_peer: usize, total: usize) -> Arc<Self> {
        let inside = Mutex::default();
        Arc::new(Self {
            inside,
            per_peer,
            total,
            counts: Arc::default(),
        })
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// How many are inside.
    #[must_use]
    pub fn inside(&self) -> usize {
        self.inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .total
    }

    /// A place for somebody from `address`, until the permit is dropped; `None` where they are too
    /// many.
    #[must_use]
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let peer = peer_of(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = inside.peers.get(&peer).copied().unwrap_or(0);
        if inside.total >= self.total || of_peer >= self.per_peer {
            self.counts.turned_away.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%address, of_peer, total = inside.total, "too many connections");
            return None;
        }
        inside.total += 1;
        inside.peers.insert(peer, of_peer + 1);
        self.counts.admitted.fetch_add(1, Ordering::Relaxed);
        Some(Permit {
            door: Arc::clone(self),
            peer,
        })
    }

    fn leave(&self, peer: IpAddr) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.total = inside.total.saturating_sub(1);
        match inside.peers.get_mut(&peer) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                inside.peers.remove(&peer);
            }
        }
    }
}

/// A place inside. Dropping it frees the place.
#[derive(Debug)]
pub struct Permit {
    door: Arc<Door>,
    peer: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.door.leave(self.peer);
    }
}

/// Whom an address stands for: an IPv6 host is handed a whole /64 (RFC 6177), so that is one peer.
#[must_use]
pub fn peer_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_kept_until_it_is_left() {
        let door = Door::new(2, 3);
        let (one, two) = (door.admit(ip("10.0.0.1")), door.admit(ip("10.0.0.1")));
        assert!(one.is_some() && two.is_some());
        assert!(door.admit(ip("10.0.0.1")).is_none(), "a third of one peer");
        let other = door.admit(ip("10.0.0.2"));
        assert!(other.is_some());
        assert!(door.admit(ip("10.0.0.3")).is_none(), "a fourth altogether");
        drop(two);
        assert!(door.admit(ip("10.0.0.1")).is_some());
        assert_eq!(door.inside(), 2);
        assert_eq!(door.counts().turned_away(), 2);
        drop((one, other));
        assert!(
            door.inside.lock().unwrap().peers.is_empty(),
            "nothing is remembered of the past"
        );
    }

    #[test]
    fn one_ipv6_network_is_one_peer() {
        let door = Door::new(1, 9);
        let first = door.admit(ip("2001:db8:0:1::1"));
        assert!(first.is_some());
        assert!(door.admit(ip("2001:db8:0:1:ffff::9")).is_none());
        assert!(door.admit(ip("2001:db8:0:2::1")).is_some());
        let mapped = door.admit(ip("::ffff:10.0.0.1"));
        assert!(mapped.is_some());
        assert!(door.admit(ip("10.0.0.1")).is_none());
    }
}
