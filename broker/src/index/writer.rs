//! The thread that follows the ledger.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

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

/// How long the thread lets batches gather where nobody waits for it: at a thousand small batches a
/// second, taking each by itself would cost as much as deciding it.
const GATHER: Duration = Duration::from_millis(20);

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
    hurry: Hurry,
}

/// Says that somebody waits.
#[derive(Clone)]
struct Hurry {
    wanted: Arc<AtomicBool>,
    thread: Thread,
}

impl Writer {
    pub(super) fn start(work: Work) -> Result<Self, IndexError> {
        let (queue, batches) = sync_channel(WAITING_BATCHES);
        let wanted = Arc::new(AtomicBool::new(false));
        let hurried = Arc::clone(&wanted);
        let thread = std::thread::Builder::new()
            .name("index".into())
            .spawn(move || work.run(&batches, &hurried))
            .map_err(|e| IndexError(format!("no thread for the index: {e}")))?;
        let hurry = Hurry {
            wanted,
            thread: thread.thread().clone(),
        };
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            hurry,
        })
    }

    /// Somebody waits for what was offered so far.
    pub(super) fn hurry(&self) {
        self.hurry.wanted.store(true, Ordering::Release);
        self.hurry.thread.unpark();
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
        self.hurry();
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
    fn run(mut self, batches: &Receiver<Vec<Recorded>>, hurry: &AtomicBool) {
        if let Err(error) = self.follow(batches, hurry) {
            *self.trouble.write().unwrap_or_else(PoisonError::into_inner) = Some(error.0);
            self.told.send_modify(|progress| progress.failed = true);
        }
    }

    fn follow(
        &mut self,
        batches: &Receiver<Vec<Recorded>>,
        hurry: &AtomicBool,
    ) -> Result<(), IndexError> {
        self.catch_up()?;
        let mut waiting: Vec<Recorded> = Vec::new();
        while let Ok(batch) = batches.recv() {
            waiting.extend(batch);
            if !hurry.swap(false, Ordering::AcqRel) {
                std::thread::park_timeout(GATHER);
            }
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
