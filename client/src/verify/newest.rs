//! What was heard last from the broker: written by whoever holds the stream, read by whoever decides.

use std::sync::{Arc, PoisonError, RwLock};

use breakglass_tlog::VerifierKey;

use super::access::Name;
use super::standing::{Live, LiveGrants, Standing};
use super::tick::{SignedTick, TickError};

/// The newest standing of one ledger. Nothing that is older than what is in it gets in.
#[derive(Debug)]
pub struct Newest {
    key: RwLock<VerifierKey>,
    heard: RwLock<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    live: Option<Arc<LiveGrants>>,
    tick: Option<Arc<SignedTick>>,
}

impl Newest {
    /// Nothing was heard yet. Ticks must be signed by `key`, the ledger's.
    #[must_use]
    pub fn new(key: VerifierKey) -> Self {
        Self {
            key: RwLock::new(key),
            heard: RwLock::default(),
        }
    }

    /// Ticks must be signed by this key from here on: the one before has handed the ledger over to it.
    pub fn trusts(&self, key: VerifierKey) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// Takes the live grants: these and no others from here on.
    pub fn hears_live(&self, live: impl IntoIterator<Item = (Name, Live)>) {
        let live = Arc::new(live.into_iter().collect());
        self.heard
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .live = Some(live);
    }

    /// Takes a tick, a signed note, and gives it back in types.
    ///
    /// # Errors
    /// [`TickError`]; what was there stays. [`TickError::Rewritten`] must be seen by somebody.
    pub fn hears_tick(&self, note: &str) -> Result<Arc<SignedTick>, TickError> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new(SignedTick::verify(note, &key)?);
        drop(key);
        let mut heard = self.heard.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &heard.tick {
            last.demand_later(&next)?;
        }
        heard.tick = Some(Arc::clone(&next));
        Ok(next)
    }

    /// The newest standing; none before both were heard.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let heard = self.heard.read().unwrap_or_else(PoisonError::into_inner);
        Some(Standing::of(heard.live.clone()?, heard.tick.clone()?))
    }
}
