//! The folder of a mirror. A file there is whole: it is written beside, made durable, and renamed into its
//! place. The checkpoint comes last, after everything under it is durable; so at any moment, and after a
//! crash at any point, the folder is a whole mirror for the checkpoint that is in it.

use std::{
    collections::BTreeSet,
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use breakglass_tlog::{LedgerKeys, SignedCheckpoint, TileId, succession::to_text};

use super::{
    disk::{Disk, System},
    source::LARGEST,
};
use crate::{error::Error, files};

pub(crate) const CHECKPOINT: &str = "checkpoint";
const VKEY: &str = "vkey";
const SUCCESSIONS: &str = "successions";
const LOCK: &str = ".lock";
const NEW: &str = ".new";

/// The folder, held by this process alone.
pub struct Place {
    folder: PathBuf,
    /// The permission bits of the folder: all in it is as readable as it is itself.
    mode: u32,
    disk: Box<dyn Disk>,
    /// Folders whose names are not durable yet.
    touched: Mutex<BTreeSet<PathBuf>>,
    _lock: File,
}

impl Place {
    /// Opens the mirror of a ledger, or begins one in a folder that is new or empty.
    ///
    /// # Errors
    /// [`Error::Usage`] where something else is in the folder, or the mirror of another ledger;
    /// [`Error::Setup`] where another `glass` is at work in it; [`Error::File`].
    pub fn open(folder: &Path, keys: &LedgerKeys) -> Result<Self, Error> {
        Self::open_on(Box::new(System), folder, keys)
    }

    pub(super) fn open_on(
        disk: Box<dyn Disk>,
        folder: &Path,
        keys: &LedgerKeys,
    ) -> Result<Self, Error> {
        let is_new = demand_ours(folder)?;
        let made = disk.create(folder, files::FOLDER_MODE);
        made.map_err(|error| Error::file("create", folder, error))?;
        let place = Self {
            folder: folder.to_owned(),
            mode: files::mode(folder).unwrap_or(files::FOLDER_MODE),
            disk,
            touched: Mutex::default(),
            _lock: lock(folder)?,
        };
        match files::read_text(&folder.join(VKEY))? {
            Some(found) if is_one_of(keys, found.trim_end()) => {}
            Some(found) => {
                return Err(Error::usage(
                    format!(
                        "{} mirrors another ledger: {}",
                        folder.display(),
                        found.trim_end()
                    ),
                    "name another folder, or the context of that ledger: --context NAME",
                ));
            }
            None if is_new => place.write(&folder.join(VKEY), vkey(keys).as_bytes())?,
            None => return Err(not_ours(folder)),
        }
        Ok(place)
    }

    /// The head this mirror is whole for.
    ///
    /// # Errors
    /// [`Error::Setup`] where the file was damaged: it may be evidence, so it is not overwritten.
    pub fn checkpoint(&self, keys: &LedgerKeys) -> Result<Option<SignedCheckpoint>, Error> {
        let path = self.folder.join(CHECKPOINT);
        let Some(note) = files::read_text(&path)? else {
            return Ok(None);
        };
        let checkpoint = keys.verify(&note);
        checkpoint.map(Some).map_err(|error| {
            Error::setup(
                format!(
                    "the mirror's checkpoint {} is damaged: {error}",
                    path.display()
                ),
                "move it away, keep it, and run this again: every file that is there is then \
                 looked at again",
            )
        })
    }

    /// The bytes of a tile that is there; not proven.
    pub(super) fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, Error> {
        files::read_up_to(&self.path(tile), LARGEST as u64)
    }

    /// Puts a tile into its place. Its name is durable after [`Place::sync`].
    pub(super) fn put(&self, tile: TileId, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(tile);
        if let Some(folder) = path.parent() {
            let made = self.disk.create(folder, self.mode);
            made.map_err(|error| Error::file("create", folder, error))?;
        }
        self.write(&path, bytes)
    }

    /// Makes the names of all that was put durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let touched = std::mem::take(&mut *self.touched());
        for folder in touched {
            let synced = self.disk.sync(&folder);
            synced.map_err(|error| Error::file("sync", folder, error))?;
        }
        Ok(())
    }

    /// The mirror is whole for this head now.
    pub(super) fn finish(
        &self,
        checkpoint: &SignedCheckpoint,
        keys: &LedgerKeys,
    ) -> Result<(), Error> {
        // First: a head that is there can be checked by what lies beside it.
        if !keys.successions().is_empty() {
            let text = to_text(keys.successions());
            self.write(&self.folder.join(SUCCESSIONS), text.as_bytes())?;
            self.write(&self.folder.join(VKEY), vkey(keys).as_bytes())?;
        }
        self.write(&self.folder.join(CHECKPOINT), checkpoint.note().as_bytes())?;
        self.sync()
    }

    /// Removes the partial versions of a tile that is there in full.
    pub(super) fn remove_partial(&self, full: TileId) -> Result<(), Error> {
        self.remove(&self.partial_versions(full))
    }

    /// Removes the partial versions of a tile but these.
    pub(super) fn keep_partial(&self, full: TileId, kept: &[Option<TileId>]) -> Result<(), Error> {
        let folder = self.partial_versions(full);
        let found = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found.map_err(|error| Error::file("read", &folder, error))?,
        };
        let kept: Vec<_> = kept.iter().flatten().map(|tile| self.path(*tile)).collect();
        for entry in found {
            let path = entry
                .map_err(|error| Error::file("read", &folder, error))?
                .path();
            if !kept.contains(&path) {
                self.remove(&path)?;
            }
        }
        Ok(())
    }

    /// That a tile which was there a moment ago is not.
    pub(super) fn vanished(&self, tile: TileId) -> Error {
        Error::setup(
            format!(
                "{} is missing or damaged, and the mirror should have it",
                self.path(tile).display()
            ),
            format!(
                "have every file looked at: glass ledger mirror --recheck {}",
                self.folder.display()
            ),
        )
    }

    fn path(&self, tile: TileId) -> PathBuf {
        self.folder.join(tile.to_string())
    }

    /// The folder with the partial versions of a tile.
    fn partial_versions(&self, full: TileId) -> PathBuf {
        let mut path = self.path(full).into_os_string();
        path.push(".p");
        path.into()
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let new = self.folder.join(NEW);
        let written = self
            .disk
            .write(&new, bytes, self.mode & 0o666)
            .and_then(|()| self.disk.rename(&new, path));
        written.map_err(|error| Error::file("write", path, error))?;
        // The folder of a folder that was made holds its name.
        let above = path.ancestors().skip(1);
        let within = above.take_while(|folder| folder.starts_with(&self.folder));
        self.touched().extend(within.map(Path::to_owned));
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        let removed = self.disk.remove(path);
        removed.map_err(|error| Error::file("remove", path, error))
    }

    fn touched(&self) -> std::sync::MutexGuard<'_, BTreeSet<PathBuf>> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn vkey(keys: &LedgerKeys) -> String {
    format!("{}\n", keys.newest())
}

/// Whether it is a key of this ledger: of a mirror that was last brought up before a rotation, an older.
fn is_one_of(keys: &LedgerKeys, vkey: &str) -> bool {
    keys.all().any(|key| key.to_string() == vkey)
}

/// Whether the folder is new: nothing is in it, or only what the very first step of a mirror leaves.
fn demand_ours(folder: &Path) -> Result<bool, Error> {
    let found = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        found => found.map_err(|error| Error::file("read", folder, error))?,
    };
    let mut is_new = true;
    for entry in found {
        let name = entry
            .map_err(|error| Error::file("read", folder, error))?
            .file_name();
        is_new &= name == LOCK || name == NEW;
    }
    if is_new || folder.join(VKEY).is_file() {
        return Ok(is_new);
    }
    Err(not_ours(folder))
}

fn not_ours(folder: &Path) -> Error {
    Error::usage(
        format!(
            "there is something in {} already, and it is no mirror",
            folder.display()
        ),
        "name a new or empty folder, or the one that a mirror is kept in",
    )
}

/// Held until the file is dropped, also by a crash.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let file = files::open_lock(&path).map_err(|error| Error::file("lock", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::setup(
            format!(
                "another `glass ledger mirror` is at work in {}",
                folder.display()
            ),
            "let it end; this one has changed nothing",
        )),
        Err(TryLockError::Error(error)) => Err(Error::file("lock", path, error)),
    }
}
