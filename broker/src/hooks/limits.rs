//! What a source may cost, each with its reason.

use std::time::Duration;

use breakglass_domain::Lifetime;

/// Bytes of a body: a group of a thousand alerts fits, and [`AT_ONCE`] of them fit the memory of the
/// smallest host.
pub(super) const BODY_MAX: usize = 1 << 20;

/// Bodies that are read at once: none of them is proven yet, so anybody can send them.
pub(super) const AT_ONCE: usize = 32;

/// Of these, how many from one peer: one that sends slowly must not keep the others out.
pub(super) const AT_ONCE_PER_PEER: usize = 8;

/// Of these, how many whoever has proven nothing lately may have together: the others are for peers that
/// have.
pub(super) const AT_ONCE_STRANGERS: usize = 16;

/// How long a peer that has proven itself counts as one that has: longer than groups of alerts are apart.
pub(super) const KNOWN_FOR: Duration = Duration::from_secs(24 * 3_600);

/// Peers of which that is remembered; beyond them the one that proved itself longest ago is forgotten.
pub(super) const KNOWN: usize = 64;

/// How long a body may take to arrive; below what an answer may take.
pub(super) const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// Deliveries of one source a second in the long run: groups of a small team's alerts are minutes apart.
pub(super) const PER_SECOND: u32 = 2;

/// And at once: everything fires together when the network comes back.
pub(super) const BURST: u32 = 100;

/// When a source that was too fast is to try again.
pub(super) const AGAIN_SECONDS: &str = "10";

/// How far the time of a delivery may be from the broker's clock, where the sender signs a time of its
/// own at each try.
pub(super) const SKEW: Lifetime = Lifetime::from_secs(300);

/// The same for PagerDuty, which signs once what it delivers again for a while: an hour without the broker
/// must not lose an alert.
pub(super) const PAGERDUTY_SKEW: Lifetime = Lifetime::from_secs(3_600);

/// Deliveries of one source that are remembered until they are too old to be taken: all that
/// [`PER_SECOND`] and [`BURST`] let through within [`PAGERDUTY_SKEW`], before and after.
pub(super) const DELIVERIES: usize = 16_384;

/// Bytes of a delivery's id or nonce.
pub(super) const DELIVERY_MAX: usize = 128;

/// Signatures in one header: PagerDuty sends one for each secret it knows.
pub(super) const SIGNATURES: usize = 8;

/// Bytes of the shortest secret: 128 bits.
pub(super) const SECRET_MIN: usize = 16;

/// Secrets of one source at once: the old one and the new one, and room for a mistake.
pub const SECRETS: usize = 4;

/// Words for how bad one group of alerts is.
pub(super) const WORDS: usize = 16;

#[cfg(test)]
mod tests {
    use breakglass_domain::limits::DELIVERY_REMEMBERED;

    use super::*;

    #[test]
    fn what_would_be_taken_is_remembered() {
        for skew in [SKEW, PAGERDUTY_SKEW] {
            assert!(2 * skew.as_millis() <= DELIVERY_REMEMBERED.as_millis());
        }
    }
}
