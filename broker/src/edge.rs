//! The edge to the machine: the only file that reads the system's clock and its randomness.
//!
//! Signatures are the one exception: `ring` draws the nonce of an ECDSA signature itself and takes
//! no randomness of ours ([`ring::rand::SecureRandom`] is sealed).

use std::time::{Duration, Instant};

use breakglass_domain::Time;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::issue::jwt_crypto;
use crate::ports::{Clock, Entropy};

/// The system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Monotonic time counts from here.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> Time {
        Time::from_timestamp(jiff::Timestamp::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The system's randomness.
#[derive(Debug, Clone)]
pub struct SystemEntropy {
    random: SystemRandom,
}

impl SystemEntropy {
    /// Asks the system once, so that later it is known to answer.
    ///
    /// # Errors
    /// Where the system has no randomness to give (no `getrandom`, no `/dev/urandom`).
    pub fn open() -> std::io::Result<Self> {
        let random = SystemRandom::new();
        random
            .fill(&mut [0; 1])
            .map_err(|_| std::io::Error::other("the system has no source of randomness"))?;
        Ok(Self { random })
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // getrandom(2) does not fail once it has answered, and `open` has seen it answer.
        self.random
            .fill(bytes)
            .expect("the system's randomness has answered before");
    }
}

/// Makes `ring` the cryptography of rustls and of jsonwebtoken in this process. May be called again.
pub fn install_crypto() {
    // An error says that a provider is there already: ours, because nothing else installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let _ = jwt_crypto::PROVIDER.install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back_and_the_wall_clock_is_this_century() {
        let clock = SystemClock::start();
        let earlier = clock.monotonic();
        assert!(clock.monotonic() >= earlier);
        assert!(clock.now() > Time::from_millis(1_577_836_800_000));
    }

    #[test]
    fn chance_does_not_repeat() {
        let entropy = SystemEntropy::open().unwrap();
        let mut seen = [[0; 16]; 2];
        seen.iter_mut().for_each(|bytes| entropy.fill(bytes));
        assert_ne!(seen[0], seen[1]);
    }
}
