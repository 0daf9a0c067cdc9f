//! Whether a tick can be true: signed by the pinned key, and of one history with those before it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use breakglass_tlog::Hash;

use crate::{
    error::Error,
    trust::{Head, Prover, Trust},
    verify::{Ledger, Newest, SignedTick, TickError},
};

/// What was heard of one ledger.
pub(super) struct Ticks {
    trust: Trust,
    newest: Arc<Newest>,
    /// The newest tick that was taken, as it was signed: one half of the evidence.
    last: Mutex<Option<(Arc<SignedTick>, String)>>,
    /// Where evidence was saved already: a broker that goes on lying fills no disk.
    evidence: Mutex<Option<PathBuf>>,
}

impl Ticks {
    pub(super) fn new(trust: Trust) -> Self {
        Self {
            newest: Arc::new(Newest::new(trust.key())),
            trust,
            last: Mutex::default(),
            evidence: Mutex::default(),
        }
    }

    /// The ledger whose word is taken.
    pub(super) fn ledger(&self) -> Ledger {
        self.trust.ledger()
    }

    /// What holds, for whoever decides about requests.
    pub(super) fn newest(&self) -> &Arc<Newest> {
        &self.newest
    }

    /// Takes up what a session of this context has followed: ticks are by the newest key.
    pub(super) fn follows(&self) {
        self.trust.read_again();
        self.newest.trusts(self.trust.key());
    }

    /// Hears a tick; `None` for one that is no news, because a newer or the same was heard before.
    ///
    /// # Errors
    /// [`Error::Unverified`], with saved evidence where the ledger went back.
    pub(super) fn hear(&self, note: &str) -> Result<Option<Arc<SignedTick>>, Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.newest.hears_tick(note) {
            Ok(tick) => {
                let before = last.as_ref().map(|(before, _)| before.tick().at);
                let is_news = before.is_none_or(|before| before < tick.tick().at);
                *last = Some((Arc::clone(&tick), note.to_owned()));
                Ok(is_news.then_some(tick))
            }
            // The broker's clock was set back, or somebody relays old ones: it is no contact.
            Err(TickError::Older) => Ok(None),
            Err(TickError::Rewritten) => Err(self.rewritten(last.as_ref(), note)),
            Err(why) => Err(Error::unverified(why.to_string())),
        }
    }

    /// Asks for the proof that the tree of a tick extends what this host remembers of the ledger,
    /// also from before it was started.
    ///
    /// # Errors
    /// As [`Trust::accept`].
    pub(super) async fn demand_agreement(
        &self,
        tick: &SignedTick,
        note: &str,
        prover: &impl Prover,
    ) -> Result<(), Error> {
        let agrees = self.trust.agrees(head(tick, note), prover).await;
        agrees.map_err(|error| self.once(error))
    }

    fn rewritten(&self, last: Option<&(Arc<SignedTick>, String)>, note: &str) -> Error {
        let key = self.trust.key();
        let (Some((before, old)), Ok(next)) = (last, SignedTick::verify(note, &key)) else {
            return Error::unverified(TickError::Rewritten.to_string());
        };
        let saved = self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        if saved.is_some() {
            return Error::Unverified {
                what: TickError::Rewritten.to_string(),
                evidence: saved.clone(),
            };
        }
        drop(saved);
        let why = "a later tick has fewer entries, or other ones";
        let (before, next) = (head(before, old), head(&next, note));
        self.once(self.trust.contradiction(before, next, None, why))
    }

    /// Remembers where the first evidence is; what comes later adds none.
    fn once(&self, error: Error) -> Error {
        let Error::Unverified { what, evidence } = error else {
            return error;
        };
        let mut saved = self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        let evidence = saved.clone().or(evidence);
        saved.clone_from(&evidence);
        Error::Unverified { what, evidence }
    }
}

fn head<'a>(tick: &SignedTick, note: &'a str) -> Head<'a> {
    let tick = tick.tick();
    Head {
        size: tick.size,
        root: Hash::from_bytes(tick.root),
        note,
    }
}
