//! How much of the broker a source, and a stranger, may have at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::{Line, SourceId, Time};

use super::limits::{AT_ONCE, AT_ONCE_PER_PEER, BURST, DELIVERIES, PER_SECOND};

/// Places for bodies that are being read, by peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<Option<IpAddr>, usize>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peer: Option<IpAddr>,
    places: Places,
}

impl Places {
    /// One more, where there is room for it.
    pub(super) fn take(&self, peer: Option<IpAddr>) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, of_peer) = (taken.values().sum::<usize>(), taken.get(&peer));
        if all >= AT_ONCE || of_peer.is_some_and(|count| *count >= AT_ONCE_PER_PEER) {
            return None;
        }
        *taken.entry(peer).or_default() += 1;
        let places = self.clone();
        Some(Place { peer, places })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.peer);
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
    ends: BTreeMap<Line, Taken>,
    /// The same, in order of the end.
    by_end: BTreeSet<(Time, Line)>,
}

/// What is remembered of a delivery.
#[derive(Debug)]
struct Taken {
    until: Time,
    /// Of which alert it was, and when it was signed.
    said: Option<(Line, Time)>,
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
    pub(super) fn took(
        &self,
        source: &SourceId,
        id: Line,
        until: Time,
        said: Option<(Line, Time)>,
    ) {
        self.with(source, Duration::ZERO, |lately| {
            let taken = Taken { until, said };
            match lately.ends.insert(id.clone(), taken) {
                None => drop(lately.by_end.insert((until, id))),
                Some(before) => {
                    lately.by_end.remove(&(before.until, id.clone()));
                    lately.by_end.insert((until, id));
                }
            }
        });
    }

    /// Whether a delivery of the same alert was taken that was signed later. There are few enough to be
    /// looked through.
    pub(super) fn took_newer(&self, source: &SourceId, alert: &Line, signed_at: Time) -> bool {
        self.with(source, Duration::ZERO, |lately| {
            let mut said = lately.ends.values().filter_map(|taken| taken.said.as_ref());
            said.any(|(of, at)| of == alert && signed_at < *at)
        })
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
        pace.took(&source, id("a"), at(10), Some((id("queue"), at(5))));
        assert!(pace.took_newer(&source, &id("queue"), at(4)));
        assert!(!pace.took_newer(&source, &id("queue"), at(5)));
        assert!(!pace.took_newer(&source, &id("checkout"), at(4)));
        assert_eq!(delivered("a", 10), Delivered::Before);
        assert_eq!(delivered("a", 11), Delivered::New);
        assert!(!pace.took_newer(&source, &id("queue"), at(4)), "forgotten");
        for number in 0..DELIVERIES {
            pace.took(&source, id(&number.to_string()), at(99), None);
        }
        assert_eq!(delivered("b", 50), Delivered::NoRoom);
        assert_eq!(delivered("7", 50), Delivered::Before);
        assert_eq!(delivered("b", 100), Delivered::New);
    }

    #[test]
    fn one_address_does_not_take_all_places() {
        let places = Places::default();
        let peer = |last| Some(IpAddr::from([127, 0, 0, last]));
        let mut mine: Vec<_> = (0..AT_ONCE_PER_PEER)
            .map(|_| places.take(peer(1)).unwrap())
            .collect();
        assert!(places.take(peer(1)).is_none());
        let _other = places.take(peer(2)).unwrap();
        mine.pop();
        assert!(places.take(peer(1)).is_some());
    }
}
