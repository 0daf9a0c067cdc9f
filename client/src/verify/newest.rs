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
        self.hears(None, note)
    }

    /// Takes a message whole: the live grants, where it has some, and the tick that says how new they are.
    /// Grants beside an older tick are taken too, and are no newer for it.
    ///
    /// # Errors
    /// As [`Newest::hears_tick`]; nothing is taken of what was not signed, or where the ledger went back.
    pub(crate) fn hears(
        &self,
        live: Option<Vec<(Name, Live)>>,
        note: &str,
    ) -> Result<Arc<SignedTick>, TickError> {
        let next = self.verified(note)?;
        let mut heard = self.heard.write().unwrap_or_else(PoisonError::into_inner);
        let later = heard.demand_later(&next);
        if let (Some(live), Ok(()) | Err(TickError::Older)) = (live, &later) {
            heard.live = Some(Arc::new(live.into_iter().collect()));
        }
        later?;
        heard.tick = Some(Arc::clone(&next));
        Ok(next)
    }

    /// The newest standing; none before both were heard.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let heard = self.heard.read().unwrap_or_else(PoisonError::into_inner);
        Some(Standing::of(heard.live.clone()?, heard.tick.clone()?))
    }

    fn verified(&self, note: &str) -> Result<Arc<SignedTick>, TickError> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        SignedTick::verify(note, &key).map(Arc::new)
    }
}

impl Heard {
    fn demand_later(&self, next: &SignedTick) -> Result<(), TickError> {
        match &self.tick {
            Some(last) => last.demand_later(next),
            None => Ok(()),
        }
    }
}
