//! The thread that follows the ledger.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use breakglass_domain::State;
use tokio::sync::watch;

use super::changes::Changes;
use super::seal::Sealer;
use super::store::Store;
use super::{Progress, snapshot};
use crate::ports::{Decode, IndexError, LedgerReader, Recorded};

/// Batches that wait; beyond it the thread reads the ledger instead, so memory stays bounded.
const WAITING_BATCHES: usize = 256;

/// Events written to sled at once, and entries read at once while catching up.
const CHUNK: usize = 1_000;

/// Entries between two snapshots, at least: what a start has to read again, and decodes in well
/// under a second.
const SNAPSHOT_EVERY: u64 = 20_000;

/// Bytes that a snapshot may take for each entry since the one before. After a busy hour it holds
/// many nonces; taken as often as on a quiet day it would outgrow the ledger itself.
const SNAPSHOT_BYTES_AN_ENTRY: u64 = 100;

/// The writer's half that everybody holds.
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<Vec<Recorded>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(work: Work) -> Result<Self, IndexError> {
        let (queue, batches) = sync_channel(WAITING_BATCHES);
        let thread = std::thread::Builder::new()
            .name("index".into())
            .spawn(move || work.run(&batches))
            .map_err(|e| IndexError(format!("no thread for the index: {e}")))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Never blocks. A batch that finds the queue full is read from the ledger later: the batches
    /// in the queue will wake the thread, and it sees the gap.
    pub(super) fn offer(&self, batch: &[Recorded]) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queue.as_ref() {
            match queue.try_send(batch.to_vec()) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
    }

    pub(super) fn close(&self) {
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic was already told through the progress channel's end.
            drop(thread.join());
        }
    }
}

/// What the thread owns.
pub(super) struct Work {
    pub(super) store: Arc<Store>,
    pub(super) reader: Arc<dyn LedgerReader>,
    pub(super) decode: Decode,
    pub(super) sealer: Sealer,
    pub(super) state: State,
    pub(super) changes: Changes,
    pub(super) applied: u64,
    pub(super) snapshot_at: u64,
    pub(super) snapshot_bytes: u64,
    pub(super) told: watch::Sender<Progress>,
    pub(super) trouble: Arc<RwLock<Option<String>>>,
}

impl Work {
    fn run(mut self, batches: &Receiver<Vec<Recorded>>) {
        if let Err(error) = self.follow(batches) {
            *self.trouble.write().unwrap_or_else(PoisonError::into_inner) = Some(error.0);
            self.told.send_modify(|progress| progress.failed = true);
        }
    }

    fn follow(&mut self, batches: &Receiver<Vec<Recorded>>) -> Result<(), IndexError> {
        self.catch_up()?;
        let mut waiting: Vec<Recorded> = Vec::new();
        while let Ok(batch) = batches.recv() {
            waiting.extend(batch);
            while waiting.len() < CHUNK {
                let Ok(more) = batches.try_recv() else { break };
                waiting.extend(more);
            }
            self.take(&mut waiting)?;
        }
        self.catch_up()?;
        self.save()
    }

    /// Applies what follows on; reads the ledger where something is missing in between.
    fn take(&mut self, waiting: &mut Vec<Recorded>) -> Result<(), IndexError> {
        waiting.retain(|recorded| recorded.index >= self.applied);
        let in_order = waiting
            .iter()
            .zip(self.applied..)
            .all(|(recorded, place)| recorded.index == place);
        if in_order {
            self.apply(waiting)?;
        } else {
            self.catch_up()?;
        }
        waiting.clear();
        Ok(())
    }

    fn catch_up(&mut self) -> Result<(), IndexError> {
        loop {
            let lines = self.reader.entries(self.applied, CHUNK);
            let lines = lines.map_err(|e| IndexError(e.to_string()))?;
            if lines.is_empty() {
                return Ok(());
            }
            let mut events = Vec::with_capacity(lines.len());
            for line in lines {
                let (index, event) = (self.decode)(&line).map_err(|e| IndexError(e.to_string()))?;
                events.push(Recorded {
                    index,
                    event: Arc::new(event),
                    line,
                });
            }
            self.apply(&events)?;
        }
    }

    fn apply(&mut self, events: &[Recorded]) -> Result<(), IndexError> {
        for chunk in events.chunks(CHUNK) {
            for recorded in chunk {
                self.changes.note(&mut self.state, recorded)?;
            }
            self.changes.write(&self.store)?;
            self.applied += chunk.len() as u64;
        }
        let every = SNAPSHOT_EVERY.max(self.snapshot_bytes / SNAPSHOT_BYTES_AN_ENTRY);
        if self.applied - self.snapshot_at >= every {
            self.save()?;
        }
        self.told
            .send_modify(|progress| progress.applied = self.applied);
        Ok(())
    }

    fn save(&mut self) -> Result<(), IndexError> {
        let taken = (self.applied, &self.state);
        self.snapshot_bytes = snapshot::save(&self.store, &self.sealer, &*self.reader, taken)?;
        self.snapshot_at = self.applied;
        Ok(())
    }
}
