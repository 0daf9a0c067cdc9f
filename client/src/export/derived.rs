//! What follows from the entries and lies beside them, for people: two tables and the policies' texts.
//!
//! Written and compared by the same code: what is in these files is never believed, and an edited one is
//! found.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{ENTRIES_CSV, KEYS_CSV, POLICIES, sheet};
use crate::{error::Error, files};

/// The files, while entries are read one after another.
pub(super) struct Derived {
    entries: Sink,
    keys: Sink,
    policies: PathBuf,
    is_written: bool,
    count: usize,
}

/// A file that is written, or compared with what it should be.
enum Sink {
    Written(PathBuf, BufWriter<File>),
    Compared(PathBuf, BufReader<File>),
}

impl Derived {
    /// Writes them into a folder.
    pub(super) fn write(folder: &Path) -> Result<Self, Error> {
        files::create_folder(&folder.join(POLICIES))?;
        Self::begin(folder, true)
    }

    /// Compares those of a folder.
    pub(super) fn compare(folder: &Path) -> Result<Self, Error> {
        Self::begin(folder, false)
    }

    fn begin(folder: &Path, is_written: bool) -> Result<Self, Error> {
        let sink = |name| Sink::open(folder.join(name), is_written);
        let mut derived = Self {
            entries: sink(ENTRIES_CSV)?,
            keys: sink(KEYS_CSV)?,
            policies: folder.join(POLICIES),
            is_written,
            count: 0,
        };
        derived.entries.put(&sheet::header(sheet::OF_ENTRY))?;
        derived.keys.put(&sheet::header(sheet::OF_KEY))?;
        Ok(derived)
    }

    /// Takes the next entry: of the period, or from before it.
    pub(super) fn take(&mut self, line: &[u8], is_within: bool) -> Result<(), Error> {
        let entry: Value = serde_json::from_slice(line)
            .map_err(|error| Error::unverified(format!("an entry cannot be read: {error}")))?;
        if is_within {
            self.entries.put(&sheet::entry(&entry))?;
        }
        if let Some(key) = sheet::key(&entry) {
            self.keys.put(&key)?;
        }
        match entry["kind"].as_str() {
            Some("policy.loaded") => self.policy(&entry),
            _ => Ok(()),
        }
    }

    fn policy(&mut self, entry: &Value) -> Result<(), Error> {
        self.count += 1;
        let path = self.policies.join(format!("entry-{}.toml", entry["index"]));
        let mut policy = Sink::open(path, self.is_written)?;
        policy.put(entry["text"].as_str().unwrap_or_default())?;
        policy.finish()
    }

    /// After the last entry: nothing more is in any of them.
    pub(super) fn finish(self) -> Result<(), Error> {
        self.entries.finish()?;
        self.keys.finish()?;
        let listed = std::fs::read_dir(&self.policies);
        let listed = listed.map_err(|error| Error::file("read", &self.policies, error))?;
        match listed.count() {
            found if found == self.count => Ok(()),
            found => Err(Error::unverified(format!(
                "{} has {found} files, and the entries load {} policies",
                self.policies.display(),
                self.count
            ))),
        }
    }
}

impl Sink {
    fn open(path: PathBuf, is_written: bool) -> Result<Self, Error> {
        if !is_written {
            return match File::open(&path) {
                Ok(file) => Ok(Self::Compared(path, BufReader::new(file))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(Error::unverified(format!("{} is missing", path.display())))
                }
                Err(error) => Err(Error::file("read", path, error)),
            };
        }
        match files::create_new(&path) {
            Ok(file) => Ok(Self::Written(path, BufWriter::new(file))),
            Err(error) => Err(Error::file("create", path, error)),
        }
    }

    fn put(&mut self, text: &str) -> Result<(), Error> {
        match self {
            Self::Written(path, file) => file
                .write_all(text.as_bytes())
                .map_err(|error| Error::file("write", path.as_path(), error)),
            Self::Compared(path, file) => {
                let mut found = vec![0; text.len()];
                match file.read_exact(&mut found) {
                    Ok(()) if found == text.as_bytes() => Ok(()),
                    Ok(()) => Err(differs(path)),
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                        Err(differs(path))
                    }
                    Err(error) => Err(Error::file("read", path.as_path(), error)),
                }
            }
        }
    }

    fn finish(self) -> Result<(), Error> {
        match self {
            Self::Written(path, file) => file
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error)
                .and_then(|file| file.sync_all())
                .map_err(|error| Error::file("write", path, error)),
            Self::Compared(path, mut file) => match file.read(&mut [0]) {
                Ok(0) => Ok(()),
                Ok(_) => Err(differs(&path)),
                Err(error) => Err(Error::file("read", path, error)),
            },
        }
    }
}

fn differs(path: &Path) -> Error {
    Error::unverified(format!("{} differs from the entries", path.display()))
}
