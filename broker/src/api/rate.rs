//! How often one caller may call: a token bucket each; and how many places each has at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::Actor;

use super::error::Error;
use super::limits::CALLERS_REMEMBERED;

/// A bucket for each caller: it fills steadily, and each call takes one.
#[derive(Debug)]
pub(super) struct Rate<K> {
    per_second: u32,
    burst: u32,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    calls: f64,
    filled_at: Duration,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second,
            burst,
            buckets: Mutex::default(),
        }
    }

    /// Takes one call, at a moment of the monotonic clock.
    pub(super) fn take(&self, who: &K, now: Duration) -> Result<(), Error> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS_REMEMBERED && !buckets.contains_key(who) {
            self.forget_full_ones(&mut buckets, now);
        }
        let full = Bucket {
            calls: self.burst.into(),
            filled_at: now,
        };
        let bucket = buckets.entry(who.clone()).or_insert(full);
        bucket.calls = self.level(bucket, now);
        bucket.filled_at = now;
        if bucket.calls < 1.0 {
            let limit = format!("at most {} a second in the long run", self.per_second);
            let what = "calls";
            return Err(Error::TooMany { what, limit });
        }
        bucket.calls -= 1.0;
        Ok(())
    }

    fn level(&self, bucket: &Bucket, now: Duration) -> f64 {
        let since = now.saturating_sub(bucket.filled_at).as_secs_f64();
        (bucket.calls + since * f64::from(self.per_second)).min(self.burst.into())
    }

    /// A full bucket is as good as none. Where all are busy, all are forgotten: memory comes first.
    fn forget_full_ones(&self, buckets: &mut HashMap<K, Bucket>, now: Duration) {
        buckets.retain(|_, bucket| self.level(bucket, now) < f64::from(self.burst));
        if buckets.len() >= CALLERS_REMEMBERED {
            buckets.clear();
        }
    }
}

/// How many places each caller has taken, of those they may have at once.
#[derive(Debug)]
pub(super) struct AtOnce<K = Actor> {
    most: usize,
    what: &'static str,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<K: Hash + Eq = Actor> {
    taken: Arc<Mutex<HashMap<K, usize>>>,
    who: K,
}

impl<K: Hash + Eq + Clone> AtOnce<K> {
    /// `what` goes on from "too many", for who is refused.
    pub(super) fn new(most: usize, what: &'static str) -> Self {
        let taken = Arc::default();
        Self { most, what, taken }
    }

    /// One more, until it is dropped.
    pub(super) fn take(&self, who: &K) -> Result<Place<K>, Error> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(who).copied().unwrap_or(0);
        if count >= self.most {
            let limit = format!("at most {}", self.most);
            let what = self.what;
            return Err(Error::TooMany { what, limit });
        }
        taken.insert(who.clone(), count + 1);
        Ok(Place {
            taken: Arc::clone(&self.taken),
            who: who.clone(),
        })
    }
}

impl<K> Clone for AtOnce<K> {
    fn clone(&self) -> Self {
        Self {
            taken: Arc::clone(&self.taken),
            ..*self
        }
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.who) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.who)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_burst_then_a_steady_rate_each_for_themselves() {
        let rate = Rate::new(2, 3);
        for _ in 0..3 {
            rate.take(&"mia", at(10.0)).unwrap();
        }
        assert!(rate.take(&"mia", at(10.0)).is_err());
        rate.take(&"leon", at(10.0)).unwrap();
        assert!(rate.take(&"mia", at(10.4)).is_err());
        rate.take(&"mia", at(10.6)).unwrap();
        assert!(rate.take(&"mia", at(10.7)).is_err());
        for _ in 0..3 {
            rate.take(&"mia", at(60.0)).unwrap();
        }
        assert!(
            rate.take(&"mia", at(60.0)).is_err(),
            "a quiet minute saves up one burst only"
        );
    }

    #[test]
    fn memory_is_bounded_whoever_calls() {
        let rate = Rate::new(1, 2);
        for caller in 0..3 * CALLERS_REMEMBERED {
            rate.take(&caller, at(0.0)).unwrap();
        }
        assert!(rate.buckets.lock().unwrap().len() <= CALLERS_REMEMBERED);
    }

    #[test]
    fn a_place_that_is_left_is_free_and_nothing_is_remembered() {
        let streams = AtOnce::new(2, "open streams of one person");
        let (first, _second) = (streams.take(&"mia").unwrap(), streams.take(&"mia").unwrap());
        let refused = streams.take(&"mia").unwrap_err().to_string();
        assert_eq!(refused, "too many open streams of one person: at most 2");
        streams.take(&"leon").unwrap();
        drop(first);
        streams.take(&"mia").unwrap();
        assert_eq!(streams.taken.lock().unwrap().len(), 1);
    }
}
