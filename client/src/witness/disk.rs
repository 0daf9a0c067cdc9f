//! What a witness needs of a file system, so that tests can break every call of it on purpose.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::limits::LOG_BYTES;
use crate::files::FILE_MODE;

/// A file system.
pub(super) trait Disk: Send + Sync {
    /// Gives a file these bytes only, and syncs them (`fsync`).
    ///
    /// # Errors
    /// What the system says; any part of it may have landed.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Moves a file over another, at once or not at all. Not durable.
    ///
    /// # Errors
    /// What the system says; it may have happened all the same.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable (`fsync`).
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// The whole of a file, as text.
    ///
    /// # Errors
    /// What the system says; where it is no text, or too long.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// The system's.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

impl Disk for System {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true);
        let mut file = options.mode(FILE_MODE).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        let most = LOG_BYTES as u64 + 1;
        File::open(path)?.take(most).read_to_string(&mut text)?;
        match text.len() <= LOG_BYTES {
            true => Ok(text),
            false => Err(io::Error::other("it is too long")),
        }
    }
}
