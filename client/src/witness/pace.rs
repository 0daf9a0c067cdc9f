//! How often one address may ask: a bucket of tokens for each, and a bound on the buckets.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use super::limits::{A_SECOND, BURST, PEERS};

/// The buckets.
#[derive(Debug, Default)]
pub(super) struct Pace {
    buckets: HashMap<IpAddr, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// In thousandths.
    tokens: u64,
    at: Duration,
}

const WHOLE: u64 = 1_000;
const FULL: u64 = BURST as u64 * WHOLE;

impl Pace {
    /// Whether this address may ask at `now`, on a clock that never goes back.
    pub(super) fn takes(&mut self, peer: IpAddr, now: Duration) -> bool {
        let peer = network(peer);
        if !self.buckets.contains_key(&peer) && self.buckets.len() >= PEERS {
            self.buckets.retain(|_, bucket| bucket.filled(now) < FULL);
            if self.buckets.len() >= PEERS {
                return false;
            }
        }
        let new = Bucket {
            tokens: FULL,
            at: now,
        };
        let bucket = self.buckets.entry(peer).or_insert(new);
        bucket.tokens = bucket.filled(now);
        bucket.at = now;
        match bucket.tokens.checked_sub(WHOLE) {
            Some(left) => {
                bucket.tokens = left;
                true
            }
            None => false,
        }
    }
}

impl Bucket {
    fn filled(&self, now: Duration) -> u64 {
        let passed = now.saturating_sub(self.at).as_millis();
        // In thousandths of a token a millisecond gives as many as there are in a second.
        let gained = passed.saturating_mul(A_SECOND.into());
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        self.tokens.saturating_add(gained).min(FULL)
    }
}

/// One customer of a provider: an IPv6 /64 is one address.
pub(super) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_so_many_a_second_each_for_itself() {
        let (mut pace, now) = (Pace::default(), Duration::from_secs(7));
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let same: IpAddr = "2001:db8::2".parse().unwrap();
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        assert!((0..BURST).all(|_| pace.takes(one, now)));
        assert!(!pace.takes(same, now), "one /64 is one peer");
        assert!(pace.takes(other, now));
        let later = now + Duration::from_secs(1);
        assert!((0..A_SECOND).all(|_| pace.takes(one, later)));
        assert!(!pace.takes(one, later));
    }

    #[test]
    fn addresses_without_end_do_not_fill_the_memory() {
        let (mut pace, now) = (Pace::default(), Duration::from_secs(7));
        for number in 0..u32::try_from(PEERS).unwrap() {
            let peer = std::net::Ipv4Addr::from(0x0a00_0000 + number).into();
            assert!(pace.takes(peer, now));
        }
        let late: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(!pace.takes(late, now));
        assert!(
            pace.takes(late, now + Duration::from_secs(60)),
            "others are forgotten"
        );
        assert!(pace.buckets.len() <= PEERS);
    }
}
