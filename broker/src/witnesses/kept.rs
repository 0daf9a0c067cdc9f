//! The newest cosigned checkpoint, beside the ledger: a signed note, in the file `witnessed`.
//!
//! It is written beside its name, synced, renamed, and the folder synced, so that a crash leaves the
//! old one or the new one, whole. Nothing is decided from it: it is for those who take the folder
//! away, and it saves the first question after a start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use breakglass_tlog::limits::MAX_NOTE_BYTES;

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Kept(PathBuf);

impl Kept {
    pub(super) fn in_folder(ledger: &Path) -> Self {
        Self(ledger.join("witnessed"))
    }

    /// The note; nothing where there is none.
    pub(super) fn read(&self) -> io::Result<Option<String>> {
        let file = match File::open(&self.0) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut note = String::new();
        file.take(MAX_NOTE_BYTES as u64).read_to_string(&mut note)?;
        Ok(Some(note))
    }

    /// Puts another in its place, durable on return.
    pub(super) fn write(&self, note: &str) -> io::Result<()> {
        let beside = self.0.with_extension("new");
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.0)?;
        // It was joined to a folder.
        File::open(self.0.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_whole_or_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::in_folder(folder.path());
        assert_eq!(kept.read().unwrap(), None);
        kept.write("one\n").unwrap();
        // Whoever runs as root writes everywhere, but not a file over a folder.
        fs::create_dir(folder.path().join("witnessed.new")).unwrap();
        kept.write("two\n").unwrap_err();
        assert_eq!(kept.read().unwrap().as_deref(), Some("one\n"));
    }
}
