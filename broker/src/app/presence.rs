//! Who holds which held grant: it lives while its holder's client keeps a stream open, and for a
//! grace after the last one has gone.
//!
//! Time is monotonic, so a wall clock that is set changes nothing. After a start every held grant
//! counts as gone since it is first seen, so that clients have the grace to come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use breakglass_domain::GrantId;

/// The streams that hold grants.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Mutex<BTreeMap<GrantId, Held>>>);

/// One held grant.
#[derive(Debug, Clone, Copy)]
struct Held {
    streams: usize,
    /// Since when there is none; `None` while there is one, and before anybody has looked.
    gone_since: Option<Duration>,
}

/// One stream; its end is noticed when this is dropped.
#[derive(Debug)]
pub struct Holding {
    presence: Presence,
    grant: GrantId,
}

impl Presence {
    /// A stream begins to hold a grant.
    #[must_use]
    pub fn hold(&self, grant: GrantId) -> Holding {
        let mut held = self.lock();
        let slot = held.entry(grant).or_insert(Held {
            streams: 0,
            gone_since: None,
        });
        slot.streams += 1;
        slot.gone_since = None;
        Holding {
            presence: self.clone(),
            grant,
        }
    }

    /// Of the held grants that live at `now`, those whose holder has been gone for `grace`.
    /// Whatever is not among `living` is forgotten.
    pub fn gone(
        &self,
        living: impl IntoIterator<Item = GrantId>,
        now: Duration,
        grace: Duration,
    ) -> Vec<GrantId> {
        let mut held = self.lock();
        let mut before = std::mem::take(&mut *held);
        let mut gone = Vec::new();
        for grant in living {
            let mut slot = before.remove(&grant).unwrap_or(Held {
                streams: 0,
                gone_since: None,
            });
            if slot.streams == 0 {
                let since = *slot.gone_since.get_or_insert(now);
                if now.saturating_sub(since) >= grace {
                    gone.push(grant);
                }
            }
            held.insert(grant, slot);
        }
        // A stream may still be open on a grant that is over, or was asked for since.
        before.retain(|_, slot| slot.streams > 0);
        held.append(&mut before);
        gone
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<GrantId, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut held = self.presence.lock();
        // The moment is written down by the next look, at most a second from now: a late one only
        // lengthens the grace.
        if let Some(slot) = held.get_mut(&self.grant) {
            slot.streams = slot.streams.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const G1: GrantId = GrantId(1);
    const GRACE: Duration = Duration::from_secs(60);

    fn gone_at(presence: &Presence, second: u64) -> Vec<GrantId> {
        presence.gone([G1], Duration::from_secs(second), GRACE)
    }

    #[test]
    fn a_grant_lives_for_the_grace_after_its_last_stream() {
        let presence = Presence::default();
        let (laptop, phone) = (presence.hold(G1), presence.hold(G1));
        assert_eq!(gone_at(&presence, 0), []);
        drop(laptop);
        assert_eq!(
            gone_at(&presence, 1_000),
            [],
            "the other one still holds it"
        );
        drop(phone);
        assert_eq!(gone_at(&presence, 1_001), []);
        assert_eq!(gone_at(&presence, 1_060), []);
        assert_eq!(gone_at(&presence, 1_061), [G1]);
        assert_eq!(gone_at(&presence, 1_062), [G1], "until it is abandoned");
    }

    #[test]
    fn coming_back_in_time_is_as_if_never_gone() {
        let presence = Presence::default();
        drop(presence.hold(G1));
        assert_eq!(gone_at(&presence, 10), []);
        assert_eq!(gone_at(&presence, 69), []);
        let back = presence.hold(G1);
        assert_eq!(gone_at(&presence, 500), []);
        drop(back);
        assert_eq!(gone_at(&presence, 501), []);
        assert_eq!(gone_at(&presence, 560), []);
        assert_eq!(gone_at(&presence, 561), [G1]);
    }

    #[test]
    fn after_a_start_everybody_is_gone_since_the_start() {
        let presence = Presence::default();
        assert_eq!(gone_at(&presence, 0), []);
        assert_eq!(gone_at(&presence, 60), [G1]);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let presence = Presence::default();
        let open = presence.hold(G1);
        presence.gone([], Duration::ZERO, GRACE);
        assert_eq!(presence.lock().len(), 1, "a stream is still open");
        drop(open);
        presence.gone([], Duration::ZERO, GRACE);
        assert_eq!(presence.lock().len(), 0);
    }
}
