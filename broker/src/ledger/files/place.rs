//! Where the files of a ledger are.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use breakglass_tlog::TileId;

use super::disk::Disk;
use super::segment;
use crate::ports::LedgerError;

/// What a file is called until it is whole.
const UNFINISHED: &str = "new";

/// The folder of a ledger.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
}

impl Place {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        let dir = dir.to_owned();
        Self { disk, dir }
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub(super) fn segment(&self, first: u64) -> PathBuf {
        self.journal().join(segment::name(first))
    }

    pub(super) fn tile(&self, tile: TileId) -> PathBuf {
        self.dir.join(tile.to_string())
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.dir.join("checkpoint")
    }

    pub(super) fn reserve(&self) -> PathBuf {
        self.dir.join("reserve")
    }

    /// The first index of every segment of the journal, in order.
    pub(super) fn segments(&self) -> Result<Vec<u64>, LedgerError> {
        let journal = self.journal();
        let names = match self.disk.list(&journal) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(|e| told(&journal, "be listed", &e))?,
        };
        let mut firsts: Vec<_> = names.iter().filter_map(|n| segment::first_of(n)).collect();
        firsts.sort_unstable();
        Ok(firsts)
    }

    /// What is told where there is no ledger.
    pub(super) fn no_ledger(&self) -> LedgerError {
        let dir = self.dir.display();
        LedgerError::Unavailable(format!("{dir} has no ledger; run: glassd init"))
    }

    /// Makes a file that is there whole or not at all, with durable bytes. Its name is durable once
    /// its folder is synced.
    pub(super) fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.put_unfinished(path, bytes)?;
        self.disk.rename(&unfinished, path)
    }

    /// Makes the file that [`Place::put`] then gives its name.
    pub(super) fn put_unfinished(&self, path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        let unfinished = path.with_added_extension(UNFINISHED);
        let disk = &self.disk;
        let made = disk
            .create(&unfinished, bytes)
            .and_then(|()| disk.sync(&unfinished));
        if made.is_err() {
            // On a full disk it would take the room that an ending needs. If it cannot be removed,
            // the next try writes over it.
            let _ = disk.remove(&unfinished);
        }
        made.map(|()| unfinished)
    }

    /// Makes the names of the journal's files durable, and of the folders above them: one that only
    /// the system's memory knows would be lost with all that is appended to it.
    pub(super) fn sync_names(&self) -> Result<(), LedgerError> {
        let journal = self.journal();
        let mut above = journal.ancestors();
        for dir in above.by_ref().take(3) {
            self.disk
                .sync(dir)
                .map_err(|e| told(dir, "be synced", &e))?;
        }
        for dir in above {
            // Usually older than the ledger, and not always ours to open.
            let _ = self.disk.sync(dir);
        }
        Ok(())
    }

    /// [`Place::put`] for a tile that can be made again: makes the folders above it, and names them
    /// in `touched` so that they get synced.
    pub(super) fn put_tile(
        &self,
        tile: TileId,
        bytes: &[u8],
        touched: &mut BTreeSet<PathBuf>,
    ) -> io::Result<()> {
        let path = self.tile(tile);
        let above = path.ancestors().skip(1);
        let folders: Vec<_> = above.take_while(|dir| dir.starts_with(&self.dir)).collect();
        if let Some(folder) = folders.first() {
            self.disk.make_dirs(folder)?;
        }
        touched.extend(folders.into_iter().map(Path::to_owned));
        self.put(&path, bytes)
    }
}

/// An error of the system as one of the ledger.
pub(super) fn told(path: &Path, what: &str, error: &io::Error) -> LedgerError {
    let text = format!("{} cannot {what}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => LedgerError::Full(text),
        _ => LedgerError::Unavailable(text),
    }
}

/// Something on disk is not what was written.
pub(super) fn damaged(path: &Path, what: impl std::fmt::Display) -> LedgerError {
    LedgerError::Damaged(format!("{}: {what}", path.display()))
}
