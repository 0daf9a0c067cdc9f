//! How far one destination was told, on disk.
//!
//! One line, `{"ledger":"ORIGIN","next":1234}`. It is written beside its name, synced, renamed, and
//! the folder synced, so that a crash leaves the old one or the new one, whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::limits::PLACE_BYTES;

/// A place in the ledger, and the file that remembers it.
#[derive(Debug, Clone)]
pub struct Place {
    file: PathBuf,
    ledger: String,
    next: Option<u64>,
    written: Option<u64>,
}

/// Why a place is not known, or not kept.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct PlaceError {
    file: PathBuf,
    why: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    ledger: String,
    next: u64,
}

impl Place {
    /// The place of a destination in a ledger; none yet where there is no file. The folder is made
    /// where it is missing.
    ///
    /// # Errors
    /// [`PlaceError`] where the file is damaged, of another ledger, or cannot be read.
    pub fn open(folder: &Path, destination: &str, ledger: &str) -> Result<Self, PlaceError> {
        let place = Self::new(folder, destination, ledger);
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(place.error(e)),
            _ => {}
        }
        let text = match read(&place.file) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(place),
            text => text.map_err(|e| place.error(e))?,
        };
        let line: Line = serde_json::from_str(&text)
            .map_err(|_| place.error("it is damaged; what is in it is no place"))?;
        if line.ledger != ledger {
            return Err(place.error(format!("it is of the ledger {}", line.ledger)));
        }
        let next = Some(line.next);
        Ok(Self {
            next,
            written: next,
            ..place
        })
    }

    /// Not known: where the file cannot be used, the destination is told from now on.
    #[must_use]
    pub fn new(folder: &Path, destination: &str, ledger: &str) -> Self {
        Self {
            file: folder.join(format!("{destination}.place")),
            ledger: ledger.to_owned(),
            next: None,
            written: None,
        }
    }

    /// Begins with an entry, where it is not known; durable on return.
    ///
    /// # Errors
    /// [`PlaceError`] where it cannot be written.
    pub fn begin(&mut self, next: u64) -> Result<(), PlaceError> {
        if self.next.is_some() {
            return Ok(());
        }
        self.moves(next);
        self.write()
    }

    /// No further than a ledger of this size goes: a place beyond it is of a backup that was restored.
    /// Durable on return; whether it was beyond.
    ///
    /// # Errors
    /// [`PlaceError`] where it cannot be written.
    pub fn at_most(&mut self, size: u64) -> Result<bool, PlaceError> {
        if self.next.is_none_or(|next| next <= size) {
            return Ok(false);
        }
        self.moves(size);
        self.write()?;
        Ok(true)
    }

    /// The next entry to look at, where it is known.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.next
    }

    pub(super) fn moves(&mut self, next: u64) {
        self.next = Some(next);
    }

    /// How far it went since it was written.
    pub(super) fn unwritten(&self) -> u64 {
        match (self.next, self.written) {
            (Some(next), Some(written)) => next.saturating_sub(written),
            (Some(_), None) => u64::MAX,
            (None, _) => 0,
        }
    }

    pub(super) fn is_written(&mut self, next: u64) {
        self.written = Some(next);
    }

    /// Writes it, durable on return.
    pub(super) fn write(&mut self) -> Result<(), PlaceError> {
        self.written = Some(self.write_at()?);
        Ok(())
    }

    /// The same from elsewhere; what was written.
    pub(super) fn write_at(&self) -> Result<u64, PlaceError> {
        let next = self.next.unwrap_or_default();
        let line = Line {
            ledger: self.ledger.clone(),
            next,
        };
        let line = serde_json::to_string(&line).map_err(|e| self.error(e))? + "\n";
        self.replace(line.as_bytes()).map_err(|e| self.error(e))?;
        Ok(next)
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let beside = self.file.with_extension("place.new");
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &self.file)?;
        // It was joined to a folder.
        let folder = self.file.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    fn error(&self, why: impl ToString) -> PlaceError {
        PlaceError {
            file: self.file.clone(),
            why: why.to_string(),
        }
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?
        .take(PLACE_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("notify");
        let mut place = Place::open(&folder, "chat", "glass.example/ledger").unwrap();
        assert_eq!((place.next(), place.unwritten()), (None, 0));
        place.moves(17);
        assert_eq!(place.unwritten(), u64::MAX);
        place.write().unwrap();
        place.moves(20);
        assert_eq!(place.unwritten(), 3);
        let again = Place::open(&folder, "chat", "glass.example/ledger").unwrap();
        assert_eq!((again.next(), again.unwritten()), (Some(17), 0));
        let text = fs::read_to_string(folder.join("chat.place")).unwrap();
        assert_eq!(text, "{\"ledger\":\"glass.example/ledger\",\"next\":17}\n");

        let why = Place::open(&folder, "chat", "another/ledger").unwrap_err();
        assert!(
            why.to_string()
                .contains("chat.place: it is of the ledger glass")
        );
        fs::write(folder.join("chat.place"), "{\"next\":").unwrap();
        let why = Place::open(&folder, "chat", "glass.example/ledger").unwrap_err();
        assert!(why.to_string().contains("damaged"));
    }

    #[test]
    fn a_place_that_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Place::open(folder.path(), "chat", "a/ledger").unwrap();
        place.moves(1);
        place.write().unwrap();
        // Whoever runs as root writes everywhere, but not a file over a folder.
        fs::create_dir(folder.path().join("chat.place.new")).unwrap();
        place.moves(2);
        place.write().unwrap_err();
        let kept = Place::open(folder.path(), "chat", "a/ledger").unwrap();
        assert_eq!(kept.next(), Some(1));
    }
}
