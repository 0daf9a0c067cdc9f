//! How often one peer may ask: a token bucket each.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A bucket for each peer: it fills steadily, and each request takes one.
#[derive(Debug)]
pub struct Rate<K> {
    per_second: u32,
    burst: u32,
    remembered: usize,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    filled_at: Duration,
}

/// Somebody asks more often than they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {per_second} requests a second in the long run")]
pub struct TooOften {
    /// Requests a second that are answered in the long run.
    pub per_second: u32,
    /// When the next one will be answered, from now.
    pub again_in: Duration,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    /// So many a second in the long run, so many at once after a quiet time. `remembered` peers are
    /// known at once; beyond that those with a full bucket are forgotten.
    #[must_use]
    pub fn new(per_second: u32, burst: u32, remembered: usize) -> Self {
        Self {
            per_second,
            burst,
            remembered,
            buckets: Mutex::default(),
        }
    }

    /// Takes one request, at a moment of the monotonic clock.
    ///
    /// # Errors
    /// [`TooOften`] where the bucket is empty; nothing is taken then.
    pub fn take(&self, who: &K, now: Duration) -> Result<(), TooOften> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= self.remembered && !buckets.contains_key(who) {
            self.forget_full_ones(&mut buckets, now);
        }
        let full = Bucket {
            left: self.burst.into(),
            filled_at: now,
        };
        let bucket = buckets.entry(who.clone()).or_insert(full);
        bucket.left = self.level(bucket, now);
        bucket.filled_at = now;
        if bucket.left < 1.0 {
            let missing = (1.0 - bucket.left) / f64::from(self.per_second.max(1));
            return Err(TooOften {
                per_second: self.per_second,
                again_in: Duration::from_secs_f64(missing),
            });
        }
        bucket.left -= 1.0;
        Ok(())
    }

    fn level(&self, bucket: &Bucket, now: Duration) -> f64 {
        let since = now.saturating_sub(bucket.filled_at).as_secs_f64();
        (bucket.left + since * f64::from(self.per_second)).min(self.burst.into())
    }

    /// A full bucket is as good as none. Where all are busy, all are forgotten: memory comes first.
    fn forget_full_ones(&self, buckets: &mut HashMap<K, Bucket>, now: Duration) {
        buckets.retain(|_, bucket| self.level(bucket, now) < f64::from(self.burst));
        if buckets.len() >= self.remembered {
            buckets.clear();
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
        let rate = Rate::new(2, 3, 9);
        for _ in 0..3 {
            rate.take(&"mia", at(10.0)).unwrap();
        }
        let refused = rate.take(&"mia", at(10.0)).unwrap_err();
        assert_eq!(refused.again_in, Duration::from_millis(500));
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
    fn memory_is_bounded_whoever_asks() {
        let rate = Rate::new(1, 2, 100);
        for peer in 0..300 {
            rate.take(&peer, at(0.0)).unwrap();
        }
        assert!(rate.buckets.lock().unwrap().len() <= 100);
    }
}
