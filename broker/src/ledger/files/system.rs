//! The real file system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::disk::{Disk, Handle};

/// Only the broker's own user reads the ledger: it says who did what.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// Calls the system.
pub(super) struct System;

impl Disk for System {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(SystemHandle(file)))
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE);
        options.open(path)?.write_all_at(bytes, 0)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(dir)?.map(|found| Ok(found?.file_name()));
        let names: Vec<_> = names.collect::<io::Result<_>>()?;
        Ok(names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .collect())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn make_dirs(&self, dir: &Path) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(DIR_MODE)
            .create(dir)
    }

    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        self.create(path, b"")?;
        let file = OpenOptions::new().write(true).open(path)?;
        let allocated = fallocate(&file, FallocateFlags::empty(), 0, bytes);
        match allocated {
            // Some file systems cannot; written zeros take the space as well.
            Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&file, bytes)?,
            other => other?,
        }
        file.sync_all()
    }

    fn free(&self, dir: &Path) -> io::Result<u64> {
        let stat = statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

struct SystemHandle(File);

impl Handle for SystemHandle {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

fn write_zeros(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 16];
    let mut offset = 0;
    while offset < bytes {
        let part = (bytes - offset).min(zeros.len() as u64);
        file.write_all_at(&zeros[..part as usize], offset)?;
        offset += part;
    }
    Ok(())
}
