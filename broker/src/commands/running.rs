//! The broker that runs on a data folder, as seen from another process.

use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::config::Config;

/// The process that holds the lock of the ledger; `None` where nobody does.
pub(super) fn process(config: &Config) -> Option<Pid> {
    let mut file = File::open(config.ledger_dir().join("lock")).ok()?;
    match file.try_lock_shared() {
        // Nobody: our own lock goes with the file.
        Ok(()) => return None,
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(_)) => return None,
    }
    let mut text = String::new();
    file.by_ref().take(32).read_to_string(&mut text).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

/// Asks a running broker to load its policy and its keys again.
///
/// # Errors
/// [`Failure`] where this user may not.
pub(super) fn tell_to_reload(process: Pid) -> Result<(), Failure> {
    kill_process(process, Signal::HUP).map_err(|e| {
        let what = format!(
            "process {} cannot be told to reload: {e}",
            process.as_raw_nonzero()
        );
        Failure::new(what).then("run it as the user the broker runs as, or as root")
    })
}

/// What became of a reload. The broker writes it where `glassd reload` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reloaded {
    /// Counts reloads of one process.
    pub(super) number: u64,
    /// The process.
    pub(super) process: u32,
    /// Whether everything was taken.
    pub(super) ok: bool,
    /// What is in force now, or what is wrong.
    pub(super) text: String,
}

impl Reloaded {
    /// The newest, where there is one.
    pub(super) fn read(config: &Config) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::file(config)).ok()?).ok()
    }

    /// Says what became of it. Whoever waits for it sees all of it or nothing.
    pub(super) fn write(&self, config: &Config) -> std::io::Result<()> {
        let file = Self::file(config);
        let beside = file.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(self)?)?;
        std::fs::rename(&beside, &file)
    }

    fn file(config: &Config) -> PathBuf {
        config.data_dir.join("reloaded.json")
    }
}
