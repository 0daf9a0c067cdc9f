//! Time and chance, held by the story.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use breakglass_broker::ports::{Clock, Entropy};
use breakglass_domain::Time;
use ring::digest::{SHA256, digest};

/// A clock that stands still until the story moves it. It goes forward only, unless it is
/// [set back](HeldClock::is_set_back) as somebody with `date --set` would; monotonic time never is.
#[derive(Debug)]
pub struct HeldClock(Mutex<Hands>);

#[derive(Debug, Clone, Copy)]
struct Hands {
    wall: i64,
    monotonic: Duration,
}

impl HeldClock {
    /// Stands at a moment.
    #[must_use]
    pub fn at(start: Time) -> Self {
        Self(Mutex::new(Hands {
            wall: start.as_millis(),
            monotonic: Duration::from_secs(100),
        }))
    }

    /// Time passes.
    pub fn passes(&self, length: Duration) {
        self.with(|hands| {
            hands.wall += millis(length);
            hands.monotonic += length;
        });
    }

    /// Somebody sets the wall clock back; nothing has passed.
    pub fn is_set_back(&self, by: Duration) {
        self.with(|hands| hands.wall -= millis(by));
    }

    /// Somebody sets the wall clock forward; nothing has passed.
    pub fn is_set_forward(&self, by: Duration) {
        self.with(|hands| hands.wall += millis(by));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Hands) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Time {
        self.with(|hands| Time::from_millis(hands.wall))
    }

    fn monotonic(&self) -> Duration {
        self.with(|hands| hands.monotonic)
    }
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).expect("stories are shorter than that")
}

/// Chance that is the same in every run: SHA-256 of a seed and a counter.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    count: Mutex<u64>,
}

impl SeededEntropy {
    /// From a seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self {
            seed,
            count: Mutex::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(32) {
            *count += 1;
            let block = digest(&SHA256, format!("{} {count}", self.seed).as_bytes());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_until_it_is_moved() {
        let clock = HeldClock::at(Time::from_millis(1_000));
        assert_eq!(clock.now(), clock.now());
        clock.passes(Duration::from_secs(2));
        assert_eq!(clock.now(), Time::from_millis(3_000));
        let before = clock.monotonic();
        clock.is_set_back(Duration::from_secs(3));
        assert_eq!(
            (clock.now(), clock.monotonic()),
            (Time::from_millis(0), before)
        );
    }

    #[test]
    fn chance_is_the_same_in_every_run_and_never_repeats() {
        let draw = |entropy: &SeededEntropy| {
            let mut bytes = [0; 40];
            entropy.fill(&mut bytes);
            bytes
        };
        let (one, other) = (SeededEntropy::from_seed(7), SeededEntropy::from_seed(7));
        let first = draw(&one);
        assert_eq!(first, draw(&other));
        assert_ne!(first, draw(&one));
    }
}
