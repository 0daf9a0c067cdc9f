//! The keeper of what follows from the journal: tiles, bundles, and the published checkpoint.
//!
//! It works on a thread of its own, so that the one `fdatasync` of a batch is all a caller waits
//! for. Its work is done in order; what fails stays first in line and is tried again with the next
//! piece of work, so a checkpoint is never published before the tiles under it are durable.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use breakglass_tlog::TileId;
use breakglass_tlog::tile::TileKind;

use super::edge::Marks;
use super::place::Place;
use crate::ledger::limits::TILES_WAITING;
use crate::ports::LedgerError;

/// A piece of work.
pub(super) enum Work {
    /// Makes a full tile durable; each row's come in order.
    Tile(TileId, Vec<u8>),
    /// Lays out partial tiles, then the checkpoint over everything so far.
    Publish {
        partial: Vec<(TileId, Vec<u8>)>,
        note: Arc<str>,
    },
}

/// Takes work. Dropping it finishes the work first.
pub(super) struct Keeper {
    durable: Arc<Mutex<Marks>>,
    hands: Hands,
}

enum Hands {
    Thread(Option<(SyncSender<Work>, JoinHandle<()>)>),
    /// At once, on the caller's thread: so that tests break each call in a known order.
    Inline(Box<Worker>),
}

impl Keeper {
    /// Starts with the full tiles that are durable already.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] where the system gives no thread.
    pub(super) fn start(place: Place, durable: Marks, inline: bool) -> Result<Self, LedgerError> {
        let durable = Arc::new(Mutex::new(durable));
        let worker = Worker {
            place,
            durable: Arc::clone(&durable),
            pending: VecDeque::new(),
        };
        if inline {
            let hands = Hands::Inline(Box::new(worker));
            return Ok(Self { durable, hands });
        }
        let (sender, receiver) = sync_channel(TILES_WAITING);
        let thread = std::thread::Builder::new().name("tiles".into());
        let thread = thread
            .spawn(move || worker.run(&receiver))
            .map_err(|e| LedgerError::Unavailable(format!("no thread for the tiles: {e}")))?;
        let hands = Hands::Thread(Some((sender, thread)));
        Ok(Self { durable, hands })
    }

    /// Hands work over; waits where more is waiting than memory should hold.
    pub(super) fn hand(&mut self, work: Vec<Work>) {
        match &mut self.hands {
            Hands::Thread(Some((sender, _))) => {
                // The thread ends only when this sender is dropped.
                work.into_iter().for_each(|one| drop(sender.send(one)));
            }
            Hands::Thread(None) => {}
            Hands::Inline(worker) => {
                worker.pending.extend(work);
                worker.work();
            }
        }
    }

    /// Which full tiles are durable.
    pub(super) fn durable(&self) -> Marks {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Hands::Thread(hands) = &mut self.hands
            && let Some((sender, thread)) = hands.take()
        {
            drop(sender);
            // An error means that it fell; what it did not do is done at the next start.
            let _ = thread.join();
        }
    }
}

struct Worker {
    place: Place,
    durable: Arc<Mutex<Marks>>,
    pending: VecDeque<Work>,
}

impl Worker {
    fn run(mut self, work: &Receiver<Work>) {
        while let Ok(first) = work.recv() {
            self.pending.push_back(first);
            self.pending.extend(work.try_iter());
            self.work();
        }
    }

    /// Does what is pending, until it is done or something fails.
    fn work(&mut self) {
        while !self.pending.is_empty() {
            let done = match self.pending.front() {
                Some(Work::Publish { partial, note }) => self.publish(partial, note).map(|()| 1),
                _ => self.put_tiles(),
            };
            match done {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(error) => {
                    tracing::warn!(%error, pending = self.pending.len(), "tiles cannot be written");
                    return;
                }
            }
        }
    }

    /// Makes the full tiles that are first in line durable together; answers how many.
    fn put_tiles(&self) -> io::Result<usize> {
        let mut touched = BTreeSet::new();
        let mut marks = Marks::default();
        let mut count = 0;
        let tiles = self.pending.iter().map_while(|work| match work {
            Work::Tile(tile, bytes) => Some((*tile, bytes)),
            Work::Publish { .. } => None,
        });
        for (tile, bytes) in tiles {
            self.place.put_tile(tile, bytes, &mut touched)?;
            match tile.kind() {
                TileKind::Entries => marks.bundles = tile.index() + 1,
                TileKind::Hashes(row) => marks.tiles[usize::from(row)] = tile.index() + 1,
            }
            count += 1;
        }
        touched
            .iter()
            .try_for_each(|dir| self.place.disk.sync(dir))?;
        for work in self.pending.iter().take(count) {
            if let Work::Tile(tile, _) = work {
                // Partial versions may go once the full one is there (C2SP tlog-tiles).
                self.place
                    .disk
                    .remove(&partial_versions(&self.place, *tile))?;
            }
        }
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        durable.bundles = durable.bundles.max(marks.bundles);
        for (own, new) in durable.tiles.iter_mut().zip(marks.tiles) {
            *own = new.max(*own);
        }
        Ok(count)
    }

    fn publish(&self, partial: &[(TileId, Vec<u8>)], note: &str) -> io::Result<()> {
        let mut touched = BTreeSet::new();
        for (tile, bytes) in partial {
            self.place.put_tile(*tile, bytes, &mut touched)?;
        }
        touched
            .iter()
            .try_for_each(|dir| self.place.disk.sync(dir))?;
        self.place.put(&self.place.checkpoint(), note.as_bytes())?;
        self.place.disk.sync(&self.place.dir)
    }
}

/// The folder with the partial versions of a tile.
fn partial_versions(place: &Place, tile: TileId) -> PathBuf {
    let mut path = place.tile(tile.full()).into_os_string();
    path.push(".p");
    path.into()
}
