//! What the ledger needs of a file system, so that tests can break every call of it on purpose.

use std::io;
use std::path::Path;

/// A file system. Every path is below the ledger's folder.
pub(super) trait Disk: Send + Sync {
    /// Opens an existing file for writing in place.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>>;

    /// Makes a file with these bytes, or gives an existing one these bytes only. Not durable.
    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// The whole of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a folder, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// `fsync` of a file (its bytes are durable) or of a folder (its names are).
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Moves a file over another, at once or not at all. Not durable.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a folder with everything in it. Not durable. Absent is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a folder and those above it. Not durable.
    fn make_dirs(&self, dir: &Path) -> io::Result<()>;

    /// Makes a file that takes so many bytes of the disk, all of them set aside now.
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Bytes this process may still write to the disk of the folder.
    fn free(&self, dir: &Path) -> io::Result<u64>;
}

/// A file that is written in place.
pub(super) trait Handle: Send {
    /// Writes all the bytes at an offset (`pwrite`). Not durable; an error may leave any part.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// `fdatasync`: what was written, and the length, are durable. After an error nothing written
    /// since the last success may be taken for durable, even if it can be read.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to a length (`ftruncate`). Not durable.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
}
