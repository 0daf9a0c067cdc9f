//! How often one caller may call: a token bucket each, and a number of streams each.

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

/// The open streams of each caller.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    per_person: usize,
    open: Arc<Mutex<HashMap<Actor, usize>>>,
}

/// One open stream.
#[derive(Debug)]
pub(super) struct OpenStream {
    streams: Streams,
    who: Actor,
}

impl Streams {
    pub(super) fn new(per_person: usize) -> Self {
        Self {
            per_person,
            open: Arc::default(),
        }
    }

    /// One more, until it is dropped.
    pub(super) fn open(&self, who: &Actor) -> Result<OpenStream, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(who.clone()).or_default();
        if *count >= self.per_person {
            let what = "open streams of one person";
            let limit = format!("at most {}", self.per_person);
            return Err(Error::TooMany { what, limit });
        }
        *count += 1;
        Ok(OpenStream {
            streams: self.clone(),
            who: who.clone(),
        })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let open = &self.streams.open;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.who);
            }
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
    fn a_closed_stream_makes_room() {
        let streams = Streams::new(2);
        let mia = "mia".parse().unwrap();
        let first = streams.open(&mia).unwrap();
        let _second = streams.open(&mia).unwrap();
        assert!(streams.open(&mia).is_err());
        streams.open(&"leon".parse().unwrap()).unwrap();
        drop(first);
        streams.open(&mia).unwrap();
    }
}
