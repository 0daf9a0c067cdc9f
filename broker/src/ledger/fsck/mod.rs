//! Walks the whole ledger and says what it checked.
//!
//! Needs neither the broker nor its lock: a running broker may append meanwhile. It changes
//! nothing.

mod history;
mod statement;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use breakglass_domain::State;
use breakglass_tlog::LedgerKeys;

pub use super::files::check::SoFar;
use super::files::check::{self, Physical};
use crate::ports::{Clock, LedgerError};
use history::History;

/// What was checked, and what was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Entries in the journal: each decoded, in its place, not older than the one before it, and
    /// about what lives. What people signed says, the client's audit checks.
    pub entries: u64,
    /// Commits: each with our signature, over the right number of entries and the right root.
    pub commits: u64,
    /// Files of the journal.
    pub segments: u64,
    /// Bytes of the journal.
    pub bytes: u64,
    /// Full tiles and bundles that were compared with the journal, byte for byte.
    pub tiles: u64,
    /// The size that is published, where something is.
    pub published: Option<u64>,
    /// Statements of people whose signature was checked, by a key enrolled to them at that place. None but
    /// in a deep check.
    pub statements: u64,
    /// The notes by which entries hand the ledger over to its next key, oldest first.
    pub handed_over: Vec<String>,
    /// The fold of all entries, as far as they were good.
    pub state: State,
    /// How long it took.
    pub took: Duration,
    /// What is not as it was written. Empty for a ledger that is well.
    pub damage: Vec<Damage>,
    /// Bytes after the last commit: being written, or a torn tail that whoever opens the ledger to
    /// write cuts.
    pub torn_bytes: u64,
    /// What is no damage and still worth knowing.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.damage.is_empty()
    }
}

/// One place that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, where the file has lines.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: Remedy,
}

/// What to do about damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The journal is the ledger: only a copy can help.
    RestoreJournal,
    /// It follows from the journal and can be made again.
    RemakeTiles,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RestoreJournal => {
                "keep the folder as it is, and restore the journal from a backup or a mirror"
            }
            Self::RemakeTiles => {
                "stop glassd, remove `tile` and `checkpoint` in the ledger's folder, and start it: \
                 both are made again from the journal"
            }
        })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// How it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// What people signed is checked as well.
    pub deep: bool,
    /// Threads that read, hash and check signatures, beside the one that puts everything in order.
    pub threads: usize,
}

/// Checks the ledger in a folder; `progress` hears the number of entries now and then.
///
/// # Errors
/// [`LedgerError::Unavailable`] where there is no ledger or it cannot be read. Damage is no error:
/// it is in the report.
pub fn fsck(
    dir: &Path,
    keys: &LedgerKeys,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, LedgerError> {
    let manner = Manner {
        deep: false,
        threads: 1,
    };
    fsck_as(dir, keys, clock, manner, &mut |so_far| {
        progress(so_far.entries)
    })
}

/// The same, in a manner of one's own; `progress` hears after each file of the journal how far it is.
///
/// # Errors
/// As [`fsck`].
pub fn fsck_as(
    dir: &Path,
    keys: &LedgerKeys,
    clock: &dyn Clock,
    manner: Manner,
    progress: &mut dyn FnMut(SoFar),
) -> Result<Report, LedgerError> {
    let started = clock.monotonic();
    let mut history = History::of(keys.clone(), manner.deep);
    let physical = check::check(dir, keys, manner.threads, &mut history, progress)?;
    let Physical {
        entries,
        commits,
        segments,
        bytes,
        tiles,
        published,
        damage,
        torn_bytes,
        mut notes,
    } = physical;
    notes.append(&mut history.notes());
    Ok(Report {
        entries,
        commits,
        segments,
        bytes,
        tiles,
        published,
        statements: history.statements,
        handed_over: std::mem::take(&mut history.handed_over),
        state: history.into_state(),
        took: clock.monotonic().saturating_sub(started),
        damage,
        torn_bytes,
        notes,
    })
}
