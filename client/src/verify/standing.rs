//! Which grants are live, as the broker last said.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_proto::tick::hash_of_ids;
use jiff::{SignedDuration, Timestamp};

use super::access::{Access, Name};
use super::denied::Denied;
use super::limits;
use super::tick::SignedTick;

/// A grant that is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Whose.
    pub person: Name,
    /// What for.
    pub right: Name,
    /// Under which incident.
    pub incident: Name,
    /// Until when, if nothing ends it before.
    pub ends_at: Timestamp,
}

/// Live grants by their ids.
pub(super) type LiveGrants = BTreeMap<Name, Live>;

/// The live grants, and the tick that says how lately the broker was heard. State, not news:
/// whatever is not in it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    live: Arc<LiveGrants>,
    tick: Arc<SignedTick>,
}

impl Standing {
    /// What holds since `tick`.
    #[must_use]
    pub fn new(live: impl IntoIterator<Item = (Name, Live)>, tick: SignedTick) -> Self {
        Self::of(Arc::new(live.into_iter().collect()), Arc::new(tick))
    }

    pub(super) fn of(live: Arc<LiveGrants>, tick: Arc<SignedTick>) -> Self {
        Self { live, tick }
    }

    /// The live grants.
    pub fn live(&self) -> impl Iterator<Item = (&Name, &Live)> {
        self.live.iter()
    }

    /// The last tick.
    #[must_use]
    pub fn tick(&self) -> &SignedTick {
        &self.tick
    }

    /// Whether these are the live grants the tick was signed over, all of them. A guard that is told
    /// of its own target's grants only, or of a change since the tick, sees `false`.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        hash_of_ids(self.live.keys().map(Name::as_str)) == self.tick.tick().grants
    }

    /// The tick is no older than `fresh_for`, and not from the future.
    pub(super) fn demand_fresh(
        &self,
        now: Timestamp,
        fresh_for: SignedDuration,
    ) -> Result<(), Denied> {
        let age = now.duration_since(self.tick.tick().at);
        let ahead = SignedDuration::try_from(limits::MAX_CLOCK_SKEW).unwrap_or_default();
        if age > fresh_for || age < -ahead {
            return Err(Denied::Stale { age: Some(age) });
        }
        Ok(())
    }

    /// The token's grant is live, and everything the two say agrees.
    pub(super) fn demand_live(&self, access: &Access, now: Timestamp) -> Result<(), Denied> {
        let (grant, tick) = (access.grant.clone(), self.tick.tick());
        if access.entry.origin != tick.origin {
            return Err(Denied::Claim("ledger"));
        }
        let Some(live) = self.live.get(&grant) else {
            // An entry the tick does not cover yet: the token is younger than what was heard.
            return Err(if access.entry.index >= tick.size {
                Denied::NotHeard { grant }
            } else {
                Denied::NotLive { grant }
            });
        };
        let same = live.person == access.person
            && live.right == access.right
            && live.incident == access.incident;
        if !same || live.ends_at <= now {
            return Err(Denied::NotLive { grant });
        }
        Ok(())
    }
}
