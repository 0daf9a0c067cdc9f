//! The thread that follows the ledger.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use breakglass_domain::{Change, Event, Grant, GrantId, Incident, IncidentId, State};
use tokio::sync::watch;

use super::query::time_key;
use super::record::{GrantRecord, IncidentRecord, to_bytes};
use super::seal::Sealer;
use super::store::{By, Store, broken, grant_of, kind_of, names, posting};
use super::{Progress, snapshot};
use crate::ports::{Decode, IndexError, LedgerReader, Recorded};

/// Batches that wait; beyond it the thread reads the ledger instead, so memory stays bounded.
const WAITING_BATCHES: usize = 256;

/// Events written to sled at once, and entries read at once while catching up.
const CHUNK: usize = 1_000;

/// Entries between two snapshots: what a start has to read again at most, and decodes in well under
/// a second.
const SNAPSHOT_EVERY: u64 = 20_000;

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
    pub(super) applied: u64,
    pub(super) snapshot_at: u64,
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
            let mut changes = Changes::default();
            for recorded in chunk {
                changes.note(&mut self.state, recorded)?;
            }
            changes.write(&self.store)?;
            self.applied += chunk.len() as u64;
        }
        if self.applied - self.snapshot_at >= SNAPSHOT_EVERY {
            self.save()?;
        }
        self.told
            .send_modify(|progress| progress.applied = self.applied);
        Ok(())
    }

    fn save(&mut self) -> Result<(), IndexError> {
        let taken = (self.applied, &self.state);
        snapshot::save(&self.store, &self.sealer, &*self.reader, taken)?;
        self.snapshot_at = self.applied;
        Ok(())
    }
}

/// What some events change, gathered so that each record is written once.
#[derive(Default)]
pub(super) struct Changes {
    grants: BTreeMap<GrantId, Grant>,
    incidents: BTreeMap<IncidentId, Incident>,
    entries: sled::Batch,
    grant_of: sled::Batch,
    times: sled::Batch,
}

impl Changes {
    /// Folds one event into the state and notes what it changes.
    pub(super) fn note(
        &mut self,
        state: &mut State,
        recorded: &Recorded,
    ) -> Result<(), IndexError> {
        let event = &*recorded.event;
        let place = recorded.index;
        let kind = kind_of(&recorded.line)
            .ok_or_else(|| IndexError(format!("entry {place} has no kind")))?;
        for (by, name) in names(event, kind) {
            self.entries.insert(posting(by, &name, place), &[]);
        }
        self.times.insert(&time_key(event.at, place), &[]);
        self.keep_what_ends(state, event);
        state.apply(event);
        self.keep_what_lives(state, event);
        Ok(())
    }

    /// What the event takes out of the live state is kept as it was, with its ending.
    fn keep_what_ends(&mut self, state: &State, event: &Event) {
        match &event.change {
            Change::GrantEnded { of, .. } => {
                if let Some(mut grant) = state.grants.get(&of.grant).cloned() {
                    grant.apply(event);
                    self.grants.insert(of.grant, grant);
                }
            }
            Change::IncidentClosed { incident, .. } => {
                if let Some(mut open) = state.incidents.get(incident).cloned() {
                    open.apply(event);
                    self.incidents.insert(*incident, open);
                }
            }
            _ => {}
        }
    }

    fn keep_what_lives(&mut self, state: &State, event: &Event) {
        if let Some(of) = grant_of(&event.change) {
            if let Some(grant) = state.grants.get(&of.grant) {
                self.grants.insert(of.grant, grant.clone());
            }
            if let Change::GrantRequested { of, .. } = &event.change {
                for (by, name) in [
                    (By::All, String::new()),
                    (By::Person, of.person.to_string()),
                    (By::Right, of.right.to_string()),
                    (By::Incident, of.incident.to_string()),
                ] {
                    self.grant_of.insert(posting(by, &name, of.grant.0), &[]);
                }
            }
        }
        if let Change::IncidentOpened { incident, .. }
        | Change::IncidentNoted { incident, .. }
        | Change::IncidentWarned { incident, .. } = &event.change
            && let Some(open) = state.incidents.get(incident)
        {
            self.incidents.insert(*incident, open.clone());
        }
    }

    pub(super) fn write(self, store: &Store) -> Result<(), IndexError> {
        let mut grants = sled::Batch::default();
        for (id, grant) in &self.grants {
            grants.insert(&id.0.to_be_bytes(), to_bytes(&GrantRecord::from(grant)));
        }
        let mut incidents = sled::Batch::default();
        for (id, incident) in &self.incidents {
            incidents.insert(
                &id.0.to_be_bytes(),
                to_bytes(&IncidentRecord::from(incident)),
            );
        }
        for (tree, batch) in [
            (&store.grants, grants),
            (&store.incidents, incidents),
            (&store.entries, self.entries),
            (&store.grant_of, self.grant_of),
            (&store.times, self.times),
        ] {
            tree.apply_batch(batch).map_err(broken)?;
        }
        Ok(())
    }
}
