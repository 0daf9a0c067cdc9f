//! The system calls beneath a mirror, so that tests can break each of them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// What a mirror does to its folder.
pub(super) trait Disk: Send + Sync {
    /// Makes a folder and those above it.
    fn create(&self, folder: &Path, mode: u32) -> io::Result<()>;
    /// Writes a file from its beginning and makes its content durable; what was there is gone.
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()>;
    /// Puts a file in the place of another, at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync(&self, folder: &Path) -> io::Result<()>;
    /// Removes a file, or a folder with what is in it; nothing where it is not there.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real one.
pub(super) struct System;

impl Disk for System {
    fn create(&self, folder: &Path, mode: u32) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(mode).create(folder)
    }

    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let mut open = OpenOptions::new();
        open.write(true).create(true).truncate(true).mode(mode);
        let mut file = open.open(path)?;
        // Whatever the umask.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}
