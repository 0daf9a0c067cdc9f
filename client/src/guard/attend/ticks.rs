//! Whether a tick can be true: signed by the pinned key, and of one history with those before it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use breakglass_tlog::{Hash, SignedCheckpoint};

use crate::{
    error::Error,
    trust::{Head, Prover, Trust},
    verify::{Ledger, Live, Name, Newest, SignedTick, TickError},
};

/// What was heard of one ledger.
pub(super) struct Ticks {
    trust: Trust,
    newest: Arc<Newest>,
    /// The newest tick that was taken, as it was signed: one half of the evidence.
    last: Mutex<Option<(Arc<SignedTick>, String)>>,
    /// That the ledger was seen to be rewritten. Nothing is asked or believed after that, so that a broker that
    /// goes on lying fills no disk either.
    rewritten: Mutex<Option<Rewritten>>,
}

/// What was found, and where the evidence is.
#[derive(Clone)]
struct Rewritten {
    what: String,
    evidence: Option<PathBuf>,
}

impl Ticks {
    pub(super) fn new(trust: Trust) -> Self {
        Self {
            newest: Arc::new(Newest::new(trust.key())),
            trust,
            last: Mutex::default(),
            rewritten: Mutex::default(),
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

    /// Whether the ledger is still of one history, as far as was seen since the guard was started. Whoever
    /// rewrote it can let it grow as long as they like: that does not pass by itself.
    ///
    /// # Errors
    /// [`Error::Unverified`], with the evidence that was saved when it was found.
    pub(super) fn demand_one_history(&self) -> Result<(), Error> {
        match &*self.found() {
            None => Ok(()),
            Some(found) => Err(found.clone().into()),
        }
    }

    /// Asks for the proof that the tree of a tick extends the last one that was heard, and what this host
    /// remembers of the ledger, also from before it was started. Nothing is taken by that.
    ///
    /// # Errors
    /// As [`Trust::accept`]; [`Error::Unverified`] as well where the tick is not signed by the ledger's key.
    pub(super) async fn demand_agreement(
        &self,
        note: &str,
        prover: &impl Prover,
    ) -> Result<(), Error> {
        self.demand_one_history()?;
        let tick = SignedTick::verify(note, &self.trust.key())
            .map_err(|why| Error::unverified(why.to_string()))?;
        let last = self.last().clone();
        if let Some((last, before)) = &last {
            let (before, next) = (head(last, before), head(&tick, note));
            let compared = self.trust.compare(before, next, prover).await;
            compared.map_err(|error| self.once(error))?;
        }
        let agrees = self.trust.agrees(head(&tick, note), prover).await;
        agrees.map_err(|error| self.once(error))
    }

    /// Writes down how far the ledger has come, for when the guard is started anew.
    ///
    /// # Errors
    /// As [`Trust::accept`].
    pub(super) async fn remember(
        &self,
        newest: &SignedCheckpoint,
        prover: &impl Prover,
    ) -> Result<(), Error> {
        self.demand_one_history()?;
        let accepted = self.trust.accept(newest, prover).await;
        accepted.map_err(|error| self.once(error))
    }

    /// Entries in the ledger when it last ticked.
    pub(super) fn size(&self) -> u64 {
        self.last().as_ref().map_or(0, |(last, _)| last.tick().size)
    }

    /// Hears a message: its tick, and the live grants where it has some. `None` for a tick that is no news,
    /// because a newer or the same was heard before.
    ///
    /// # Errors
    /// [`Error::Unverified`], with saved evidence where the ledger went back; nothing is taken then.
    pub(super) fn hear(
        &self,
        live: Option<Vec<(Name, Live)>>,
        note: &str,
    ) -> Result<Option<Arc<SignedTick>>, Error> {
        self.demand_one_history()?;
        let mut last = self.last();
        match self.newest.hears(live, note) {
            Ok(tick) => {
                let before = last.as_ref().map(|(before, _)| before.tick().at);
                let is_news = before.is_none_or(|before| before < tick.tick().at);
                *last = Some((Arc::clone(&tick), note.to_owned()));
                Ok(is_news.then_some(tick))
            }
            // The broker's clock was set back, or somebody relays old ones: it is no contact.
            Err(TickError::Older) => Ok(None),
            Err(TickError::Rewritten) => Err(self.went_back(last.as_ref(), note)),
            Err(why) => Err(Error::unverified(why.to_string())),
        }
    }

    fn went_back(&self, last: Option<&(Arc<SignedTick>, String)>, note: &str) -> Error {
        let key = self.trust.key();
        let (Some((before, old)), Ok(next)) = (last, SignedTick::verify(note, &key)) else {
            return self.once(Error::unverified(TickError::Rewritten.to_string()));
        };
        let why = "a later tick has fewer entries, or other ones";
        let (before, next) = (head(before, old), head(&next, note));
        self.once(self.trust.contradiction(before, next, None, why))
    }

    /// Remembers that two heads contradict each other: from here on no tick counts.
    fn once(&self, error: Error) -> Error {
        let Error::Unverified { what, evidence } = error else {
            return error;
        };
        let mut found = self.found();
        let first = found.get_or_insert_with(|| Rewritten {
            what: format!("{what}. This guard takes no tick any more until it is started anew"),
            evidence,
        });
        first.clone().into()
    }

    fn found(&self) -> MutexGuard<'_, Option<Rewritten>> {
        let found = self.rewritten.lock();
        found.unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Option<(Arc<SignedTick>, String)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Rewritten> for Error {
    fn from(found: Rewritten) -> Self {
        let Rewritten { what, evidence } = found;
        Self::Unverified { what, evidence }
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
