//! Our own files: private, written whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::net::{UnixListener, UnixSocket};

use crate::{error::Error, limits::MAX_OWN_FILE_BYTES};

/// Only the owner reads and writes.
pub const FILE_MODE: u32 = 0o600;
/// Everybody reads.
const PUBLIC_MODE: u32 = 0o644;
/// Only the owner enters.
pub const FOLDER_MODE: u32 = 0o700;
/// Connections that wait to be accepted, as many as std lets.
const BACKLOG: u32 = 128;

/// Reads a file of ours, at most 1 MiB; `None` where there is none.
///
/// # Errors
/// [`Error::File`] where it cannot be read or is larger.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    read_up_to(path, MAX_OWN_FILE_BYTES)
}

/// Like [`read`], of at most so many bytes.
///
/// # Errors
/// [`Error::File`] where it cannot be read or is larger.
pub fn read_up_to(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", path, error)),
    };
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::file("read", path, error))?;
    if bytes.len() as u64 > most {
        let why = format!("it is larger than {} MiB", most >> 20);
        return Err(Error::file("read", path, io::Error::other(why)));
    }
    Ok(Some(bytes))
}

/// Like [`read`], as UTF-8.
///
/// # Errors
/// [`Error::File`] also where it is not UTF-8.
pub fn read_text(path: &Path) -> Result<Option<String>, Error> {
    let Some(bytes) = read(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes);
    text.map(Some)
        .map_err(|_| Error::file("read", path, io::Error::other("it is not UTF-8 text")))
}

/// Writes a file of mode 0600 whole: into a neighbour, synced, then renamed over the old one, and
/// the folder synced. A crash leaves the old file or the new one.
///
/// # Errors
/// [`Error::File`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes, FILE_MODE)
}

/// Like [`write()`], of mode 0644 whatever the umask: for a file that other programs read.
///
/// # Errors
/// [`Error::File`].
pub fn write_for_all(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes, PUBLIC_MODE)
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let beside = neighbour(path);
    let written = write_new(&beside, bytes, mode)
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| sync_folder(path));
    if written.is_err() {
        let _ = fs::remove_file(&beside); // the failure below is what matters
    }
    written.map_err(|error| Error::file("write", path, error))
}

/// Makes a folder of mode 0700 and those above it where they are missing.
///
/// # Errors
/// [`Error::File`].
pub fn create_folder(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path);
    made.map_err(|error| Error::file("create", path, error))
}

/// Makes a private file that is not there yet, to be written.
///
/// # Errors
/// What the system says, `AlreadyExists` among it.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
}

/// Opens a private file, made where it is missing, to be locked: until it is dropped, also by a crash.
///
/// # Errors
/// What the system says.
pub fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
}

/// Listens at a path where nobody else may connect. Before it listens nobody can, so there is no moment
/// at which its file has the mode that the umask left.
///
/// # Errors
/// What the system says, `AddrInUse` where something is at the path.
pub fn listen_privately(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(FILE_MODE))?;
    socket.listen(BACKLOG)
}

/// The permission bits of a path, `None` where there is nothing.
#[must_use]
pub fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path)
        .ok()
        .map(|metadata| metadata.mode() & 0o777)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = create_new(path)?;
    if mode != FILE_MODE {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        // A bare name lies in the folder one is in.
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// A name nobody else uses: this process, and a count within it.
fn neighbour(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(
        ".{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_private_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        create_folder(&inner).unwrap();
        let path = inner.join("key.pem");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(mode(&path), Some(0o600));
        assert_eq!(mode(&inner), Some(0o700));
        assert_eq!(
            fs::read_dir(&inner).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_missing_file_is_not_an_error_and_an_unreadable_one_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(&folder.path().join("nothing")).unwrap().is_none());
        assert!(read(folder.path()).is_err());
        let huge = folder.path().join("huge");
        fs::write(&huge, vec![b'x'; MAX_OWN_FILE_BYTES as usize + 1]).unwrap();
        assert!(
            read(&huge)
                .unwrap_err()
                .to_string()
                .contains("larger than 1 MiB")
        );
    }

    /// `glass credential ssh --key glass.pub --write`, in the folder of the key.
    #[test]
    fn a_bare_name_lies_in_the_folder_one_is_in() {
        sync_folder(Path::new("glass-cert.pub")).unwrap();
        assert!(sync_folder(Path::new("no/such/glass-cert.pub")).is_err());
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
