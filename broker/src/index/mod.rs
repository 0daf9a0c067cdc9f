//! The index: what is over, found fast. A sled projection of the ledger, thrown away at will.
//!
//! **Contract.** The index is never the only copy of anything. A writer thread folds committed
//! events into a [`State`] of its own, and writes what each event changed: the grant, the incident,
//! and a posting for every name the entry can be found by. Every write is an overwrite with the same
//! value when the same entry is applied again, so after a crash it simply applies again from its
//! last snapshot on: the snapshot's mark is written only after everything before it was flushed and
//! synced (sled 0.34's `flush` is `sync_file_range`; we call `fdatasync` on its file ourselves).
//! A folder that is damaged, of another format, ledger or history, or whose snapshot is not the one
//! that the ledger's key has signed, is removed, and the index starts from nothing. So what a start
//! decides from is the ledger's word; what lists and questions find is not signed, and `glassd fsck`
//! compares it.

mod changes;
mod compare;
mod handing;
mod lasts;
mod postings;
mod query;
mod record;
mod seal;
mod snapshot;
mod store;
mod tests;
mod times;
mod unlock;
mod writer;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use breakglass_domain::last::{Last, Mark};
use breakglass_domain::{Grant, GrantId, Incident, IncidentId, State};
use tokio::sync::watch;

use crate::ports::{
    Decode, EntryFilter, GrantFilter, Index, IndexError, Later, LedgerReader, Places, Projection,
    Recorded,
};
use breakglass_tlog::checkpoint::SignedCheckpoint;
pub use compare::compare;
pub use seal::Sealer;
use store::Store;
use writer::Writer;

/// Blocks of a list that one question looks at: a million entries where each of them has the name. Each
/// costs some microseconds, so a question takes a fraction of a second at worst, and the next one goes on.
const BLOCKS_A_QUESTION: usize = 4_096;

/// The index, open, with its writer thread running.
pub struct SledIndex {
    store: Arc<Store>,
    progress: watch::Receiver<Progress>,
    writer: Writer,
    /// What kept the writer from going on, for `glass status`.
    trouble: Arc<RwLock<Option<String>>>,
}

/// How far the writer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    applied: u64,
    failed: bool,
}

/// What [`SledIndex::open`] found: enough to restore the live state without reading all history.
pub struct Opened {
    store: Store,
    sealer: Sealer,
    /// Number of entries folded into `state`.
    pub up_to: u64,
    /// The state as of then; the empty state where the index starts from nothing.
    pub state: State,
    /// Why an older folder was thrown away, where one was.
    pub rebuilt_because: Option<String>,
}

impl SledIndex {
    /// Opens the folder, or starts an empty one where it is missing, damaged, ahead of the ledger, of
    /// another ledger or history, or not signed by `sealer`. Start the writer with [`Opened::start`].
    ///
    /// # Errors
    /// [`IndexError`] where not even an empty one can be made, for example on a read-only disk.
    pub fn open(
        folder: &Path,
        reader: &dyn LedgerReader,
        sealer: Sealer,
    ) -> Result<Opened, IndexError> {
        let origin = reader.checkpoint().checkpoint().origin().to_owned();
        let found = Store::open(folder, &origin).and_then(|store| {
            let (up_to, state) = snapshot::load(&store, &sealer, reader)?;
            Ok((store, up_to, state))
        });
        let (rebuilt_because, (store, up_to, state)) = match found {
            Ok(found) => (None, found),
            Err(reason) => {
                Store::remove(folder)?;
                let store = Store::open(folder, &origin)?;
                (Some(reason.0), (store, 0, State::default()))
            }
        };
        Ok(Opened {
            store,
            sealer,
            up_to,
            state,
            rebuilt_because,
        })
    }
}

impl Opened {
    /// Starts the writer thread. It first catches up from the ledger by itself.
    ///
    /// # Errors
    /// [`IndexError`] where no thread can be started.
    pub fn start(
        self,
        reader: Arc<dyn LedgerReader>,
        decode: Decode,
    ) -> Result<SledIndex, IndexError> {
        let store = Arc::new(self.store);
        let trouble = Arc::new(RwLock::new(None));
        let (told, progress) = watch::channel(Progress {
            applied: self.up_to,
            failed: false,
        });
        let work = writer::Work {
            changes: changes::Changes::new(&store),
            store: Arc::clone(&store),
            reader,
            decode,
            sealer: self.sealer,
            state: self.state,
            applied: self.up_to,
            snapshot_at: self.up_to,
            snapshot_bytes: 0,
            told,
            trouble: Arc::clone(&trouble),
        };
        let writer = Writer::start(work)?;
        Ok(SledIndex {
            store,
            progress,
            writer,
            trouble,
        })
    }
}

impl SledIndex {
    /// Waits until everything committed so far is applied, takes a snapshot, and ends the writer.
    /// Later calls do nothing.
    pub fn close(&self) {
        self.writer.close();
    }

    /// What keeps the index from following the ledger, in words for the operator.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for SledIndex {
    fn drop(&mut self) {
        self.close();
    }
}

impl Projection for SledIndex {
    fn committed(&self, batch: &[Recorded], _checkpoint: &Arc<SignedCheckpoint>) {
        self.writer.offer(batch);
    }
}

impl Index for SledIndex {
    fn applied_up_to(&self) -> u64 {
        self.progress.borrow().applied
    }

    fn caught_up(&self, size: u64) -> Later<'_, Result<(), IndexError>> {
        let mut progress = self.progress.clone();
        if progress.borrow().applied < size {
            self.writer.hurry();
        }
        Box::pin(async move {
            let there = progress
                .wait_for(|now| now.failed || now.applied >= size)
                .await;
            match there {
                Ok(now) if !now.failed => Ok(()),
                _ => Err(IndexError(
                    self.trouble().unwrap_or_else(|| "it is closed".to_owned()),
                )),
            }
        })
    }

    fn grant(&self, id: GrantId) -> Result<Option<Grant>, IndexError> {
        self.store.grant(id)
    }

    fn incident(&self, id: IncidentId) -> Result<Option<Incident>, IndexError> {
        self.store.incident(id)
    }

    fn grants(
        &self,
        filter: &GrantFilter,
        before: Option<GrantId>,
        max: usize,
    ) -> Result<Vec<Grant>, IndexError> {
        self.store.grants(filter, before, max)
    }

    fn incidents(
        &self,
        before: Option<IncidentId>,
        max: usize,
    ) -> Result<Vec<Incident>, IndexError> {
        self.store.incidents(before, max)
    }

    fn entries(
        &self,
        filter: &EntryFilter,
        cursor: Option<u64>,
        max: usize,
    ) -> Result<Places, IndexError> {
        self.store.entries(filter, cursor, max, BLOCKS_A_QUESTION)
    }

    fn last(&self, of: &Last) -> Result<Option<Mark>, IndexError> {
        lasts::find(&self.store.lasts, of)
    }
}
