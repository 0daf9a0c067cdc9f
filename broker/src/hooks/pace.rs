//! How much of the broker a source, and a stranger, may have at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::{Line, SourceId, Time};

use super::limits::{
    AT_ONCE, AT_ONCE_PER_PEER, AT_ONCE_STRANGERS, BURST, DELIVERIES, KNOWN, KNOWN_FOR, PER_SECOND,
};

/// Places for bodies that are being read, by peer. Whoever has proven nothing lately shares a part of
/// them, so that strangers with many addresses keep out strangers alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    by_peer: HashMap<Option<IpAddr>, usize>,
    by_strangers: usize,
    /// When each last proved whose it is, by the monotonic clock.
    known: HashMap<IpAddr, Duration>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peer: Option<IpAddr>,
    of_stranger: bool,
    places: Places,
}

impl Places {
    /// One more, where there is room for it at this moment of the monotonic clock.
    pub(super) fn take(&self, peer: Option<IpAddr>, now: Duration) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = taken.by_peer.values().sum::<usize>();
        let of_peer = taken.by_peer.get(&peer).copied().unwrap_or_default();
        let proved = peer.and_then(|peer| taken.known.get(&peer));
        let of_stranger = proved.is_none_or(|at| now.saturating_sub(*at) > KNOWN_FOR);
        let is_full = of_stranger && taken.by_strangers >= AT_ONCE_STRANGERS;
        if is_full || all >= AT_ONCE || of_peer >= AT_ONCE_PER_PEER {
            return None;
        }
        *taken.by_peer.entry(peer).or_default() += 1;
        taken.by_strangers += usize::from(of_stranger);
        Some(Place {
            peer,
            of_stranger,
            places: self.clone(),
        })
    }

    /// This peer has proven whose it is.
    pub(super) fn proved(&self, peer: IpAddr, now: Duration) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !taken.known.contains_key(&peer) && taken.known.len() >= KNOWN {
            let longest_ago = taken.known.iter().min_by_key(|(_, at)| **at);
            if let Some(peer) = longest_ago.map(|(peer, _)| *peer) {
                taken.known.remove(&peer);
            }
        }
        taken.known.insert(peer, now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.by_strangers -= usize::from(self.of_stranger);
        if let Some(count) = taken.by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                taken.by_peer.remove(&self.peer);
            }
        }
    }
}

/// What each source has sent lately. Only sources of the config are here, so there are few.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<BTreeMap<SourceId, Lately>>);

#[derive(Debug)]
struct Lately {
    left: f64,
    filled_at: Duration,
    ends: BTreeMap<Line, Time>,
    /// The same, in order of the end.
    by_end: BTreeSet<(Time, Line)>,
}

/// What becomes of a delivery with an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// For the first time.
    New,
    /// It was taken already.
    Before,
    /// More are remembered than there is room for.
    NoRoom,
}

impl Pace {
    /// Takes one delivery from what a source may send, at a moment of the monotonic clock.
    pub(super) fn may(&self, source: &SourceId, now: Duration) -> bool {
        self.with(source, now, |lately| {
            let since = now.saturating_sub(lately.filled_at).as_secs_f64();
            let level = lately.left + since * f64::from(PER_SECOND);
            (lately.left, lately.filled_at) = (level.min(BURST.into()), now);
            let may = lately.left >= 1.0;
            if may {
                lately.left -= 1.0;
            }
            may
        })
    }

    /// Whether a delivery was taken already.
    pub(super) fn delivered(&self, source: &SourceId, id: &Line, now: Time) -> Delivered {
        self.with(source, Duration::ZERO, |lately| {
            while let Some((end, id)) = lately.by_end.first().filter(|(end, _)| *end < now) {
                let (end, id) = (*end, id.clone());
                lately.ends.remove(&id);
                lately.by_end.remove(&(end, id));
            }
            match lately.ends.contains_key(id) {
                true => Delivered::Before,
                false if lately.ends.len() >= DELIVERIES => Delivered::NoRoom,
                false => Delivered::New,
            }
        })
    }

    /// It was taken; remembered until it is too old to be taken again.
    pub(super) fn took(&self, source: &SourceId, id: Line, until: Time) {
        self.with(source, Duration::ZERO, |lately| {
            if lately.ends.insert(id.clone(), until).is_none() {
                lately.by_end.insert((until, id));
            }
        });
    }

    fn with<T>(&self, source: &SourceId, now: Duration, then: impl FnOnce(&mut Lately) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = all.entry(source.clone()).or_insert_with(|| Lately {
            left: BURST.into(),
            filled_at: now,
            ends: BTreeMap::new(),
            by_end: BTreeSet::new(),
        });
        then(lately)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_a_burst_and_then_a_pace() {
        let (pace, source) = (Pace::default(), "pager".parse().unwrap());
        let sent = |at: u64, count: u32| {
            let now = Duration::from_secs(at);
            (0..count).filter(|_| pace.may(&source, now)).count()
        };
        assert_eq!(sent(100, 10_000), BURST as usize);
        assert_eq!(sent(100, 10), 0);
        assert_eq!(sent(105, 10_000), 5 * PER_SECOND as usize);
        assert!(pace.may(&"other".parse().unwrap(), Duration::from_secs(105)));
        assert_eq!(sent(100_000, 10_000), BURST as usize);
    }

    #[test]
    fn what_was_taken_is_known_until_it_is_too_old() {
        let (pace, source) = (Pace::default(), "pager".parse().unwrap());
        let at = Time::from_millis;
        let id = |id: &str| Line::parse(id).unwrap();
        let delivered = |name: &str, now| pace.delivered(&source, &id(name), at(now));
        assert_eq!(delivered("a", 0), Delivered::New);
        pace.took(&source, id("a"), at(10));
        pace.took(&source, id("a"), at(20));
        assert_eq!(delivered("a", 10), Delivered::Before);
        assert_eq!(delivered("a", 11), Delivered::New);
        for number in 0..DELIVERIES {
            pace.took(&source, id(&number.to_string()), at(99));
        }
        assert_eq!(delivered("b", 50), Delivered::NoRoom);
        assert_eq!(delivered("7", 50), Delivered::Before);
        assert_eq!(delivered("b", 100), Delivered::New);
    }

    #[test]
    fn one_address_does_not_take_all_places() {
        let places = Places::default();
        let (now, peer) = (Duration::ZERO, |last| Some(IpAddr::from([127, 0, 0, last])));
        let mut mine: Vec<_> = (0..AT_ONCE_PER_PEER)
            .map(|_| places.take(peer(1), now).unwrap())
            .collect();
        assert!(places.take(peer(1), now).is_none());
        let _other = places.take(peer(2), now).unwrap();
        mine.pop();
        assert!(places.take(peer(1), now).is_some());
    }

    #[test]
    fn strangers_keep_nobody_out_who_has_proven_whose_they_are() {
        let (places, now) = (Places::default(), Duration::from_secs(7));
        let address = |last: usize| IpAddr::from([192, 0, 2, u8::try_from(last).unwrap()]);
        places.proved(address(200), now);
        let strangers: Vec<_> = (0..AT_ONCE)
            .filter_map(|number| places.take(Some(address(number)), now))
            .collect();
        assert_eq!(strangers.len(), AT_ONCE_STRANGERS);
        let known = places.take(Some(address(200)), now);
        assert!(known.is_some());
        assert!(
            places
                .take(Some(address(200)), now + 2 * KNOWN_FOR)
                .is_none(),
            "it was too long ago"
        );
        drop(strangers);
        assert!(places.take(Some(address(1)), now).is_some());

        for number in 0..=KNOWN {
            places.proved(address(number), now + Duration::from_secs(1));
        }
        let kept = places.0.lock().unwrap().known.len();
        assert_eq!(kept, KNOWN);
        assert!(!places.0.lock().unwrap().known.contains_key(&address(200)));
    }
}
