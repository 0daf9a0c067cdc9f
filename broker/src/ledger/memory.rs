//! A ledger in memory, with the same contract as the one on disk: for tests and for trying things.

use std::sync::{Arc, PoisonError, RwLock};

use breakglass_tlog::proof::{ConsistencyProof, InclusionProof};
use breakglass_tlog::tree::{self, ProveError};
use breakglass_tlog::{Frontier, Hash, SignedCheckpoint, StoredHashes};

use super::{Signer, admit};
use crate::ports::{Around, Ledger, LedgerError, LedgerReader, Recovered, Room};

/// Durable for as long as the process lives. Never fails but for entries that no ledger takes.
pub struct MemoryLedger {
    signer: Signer,
    shared: Arc<Shared>,
}

struct Shared(RwLock<Log>);

struct Log {
    entries: Vec<Arc<[u8]>>,
    edge: Frontier,
    tree: StoredHashes,
    /// Every one that was signed, oldest first.
    checkpoints: Vec<Arc<SignedCheckpoint>>,
    checkpoint: Arc<SignedCheckpoint>,
}

impl MemoryLedger {
    /// An empty ledger whose origin is the name of the signer's key.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] where the key does not sign.
    pub fn new(signer: Signer) -> Result<Self, LedgerError> {
        let checkpoint = super::sign(&signer, 0, Hash::EMPTY_TREE)?;
        let log = Log {
            entries: Vec::new(),
            edge: Frontier::new(),
            tree: StoredHashes::new(),
            checkpoints: vec![Arc::clone(&checkpoint)],
            checkpoint,
        };
        let shared = Arc::new(Shared(RwLock::new(log)));
        Ok(Self { signer, shared })
    }
}

impl Ledger for MemoryLedger {
    fn size(&self) -> u64 {
        self.shared.look(|log| log.tree.size())
    }

    fn append(&mut self, entries: &[Arc<[u8]>]) -> Result<Arc<SignedCheckpoint>, LedgerError> {
        entries.iter().try_for_each(|entry| admit(entry))?;
        if entries.is_empty() {
            return Ok(self.shared.checkpoint());
        }
        let leaves: Vec<_> = entries.iter().map(|entry| Hash::of_leaf(entry)).collect();
        let mut edge = self.shared.look(|log| log.edge.clone());
        leaves.iter().for_each(|leaf| edge.push(*leaf));
        let checkpoint = super::sign(&self.signer, edge.size(), edge.root())?;
        let mut log = self
            .shared
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        log.entries.extend(entries.iter().cloned());
        log.tree.extend(leaves);
        log.edge = edge;
        log.checkpoints.push(Arc::clone(&checkpoint));
        log.checkpoint = Arc::clone(&checkpoint);
        Ok(checkpoint)
    }

    fn recover(&mut self) -> Result<Recovered, LedgerError> {
        Ok(Recovered::default())
    }

    fn room(&self) -> Room {
        Room::Plenty
    }

    fn reader(&self) -> Arc<dyn LedgerReader> {
        Arc::clone(&self.shared) as Arc<dyn LedgerReader>
    }
}

impl Shared {
    fn look<T>(&self, look: impl FnOnce(&Log) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LedgerReader for Shared {
    fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        self.look(|log| Arc::clone(&log.checkpoint))
    }

    fn checkpoints_around(&self, size: u64) -> Result<Around, LedgerError> {
        self.look(|log| {
            super::within(size, log.tree.size())?;
            let note = |at: usize| log.checkpoints[at].note().to_owned();
            let older = log.checkpoints.partition_point(|it| it.size() < size);
            let is_exact = log.checkpoints[older].size() == size;
            Ok(Around {
                before: note(if is_exact { older } else { older - 1 }),
                after: note(older),
            })
        })
    }

    fn entries(&self, from: u64, max: usize) -> Result<Vec<Arc<[u8]>>, LedgerError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(self.look(|log| log.entries.iter().skip(from).take(max).cloned().collect()))
    }

    fn prove_inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, LedgerError> {
        self.look(|log| {
            super::within(size, log.tree.size())?;
            tree::prove_inclusion(index, size, &log.tree).map_err(told)
        })
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<ConsistencyProof, LedgerError> {
        self.look(|log| {
            super::within(new, log.tree.size())?;
            tree::prove_consistency(old, new, &log.tree).map_err(told)
        })
    }
}

fn told<E: std::error::Error>(error: ProveError<E>) -> LedgerError {
    match error {
        ProveError::OutOfRange { .. } => LedgerError::OutOfRange(error.to_string()),
        ProveError::Read(cause) => LedgerError::Damaged(cause.to_string()),
    }
}
