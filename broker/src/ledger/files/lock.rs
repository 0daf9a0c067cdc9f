//! One writer to a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::ports::LedgerError;

/// Held for as long as the ledger is open; the system lets go of it when the process ends, however
/// that happens (`flock`).
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a ledger's folder.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] naming the process that has it.
    pub(super) fn take(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join("lock");
        let told = |e: io::Error| {
            LedgerError::Unavailable(format!("{} cannot be locked: {e}", path.display()))
        };
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let mut file = options.open(&path).map_err(told)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file, dir)),
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        file.set_len(0).map_err(told)?;
        writeln!(file, "{}", std::process::id()).map_err(told)?;
        Ok(Self { _file: file })
    }
}

fn held(file: &mut File, dir: &Path) -> LedgerError {
    let mut holder = String::new();
    let read = file.take(32).read_to_string(&mut holder);
    let process = match (read, holder.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("another glassd (process {pid})"),
        _ => "another glassd".to_owned(),
    };
    LedgerError::Unavailable(format!(
        "{process} is using {}; stop it first, or give this one another data folder",
        dir.display()
    ))
}
