//! An exported ledger: a folder that says everything by itself.
//!
//! ```text
//! entries.jsonl   every entry, one line each, byte for byte as it is hashed
//! checkpoint      the signed tree head over exactly these entries (C2SP tlog-checkpoint)
//! witnessed       the newest tree head that enough witnesses have signed, if any (tlog-cosignature)
//! vkey            the key it is signed with (C2SP signed-note)
//! README.txt      how to check it
//! ```

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use breakglass_tlog::{Hash, SignedCheckpoint, VerifierKey, limits::MAX_ENTRY_BYTES};

use crate::{
    audit::{Auditor, Report},
    error::Error,
    files,
    witnessed::{self, Cosigner},
};

const ENTRIES: &str = "entries.jsonl";
const CHECKPOINT: &str = "checkpoint";
const WITNESSED: &str = "witnessed";
const VKEY: &str = "vkey";
const README: &str = "README.txt";

/// A folder being filled. Only [`Writer::finish`] makes it whole: the checkpoint comes last. What is
/// dropped before is removed, so that the next try finds the folder as this one did.
pub struct Writer {
    made: Made,
    entries: BufWriter<File>,
    auditor: Auditor,
    key: VerifierKey,
    /// What witnesses have signed.
    cosigned: Option<String>,
}

/// What a [`Writer`] made, until it is whole.
struct Made {
    folder: PathBuf,
    is_folder_ours: bool,
    is_whole: bool,
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.is_whole {
            return;
        }
        // Why it did not become whole is what is told.
        for name in [ENTRIES, VKEY, README, WITNESSED, CHECKPOINT] {
            let _ = std::fs::remove_file(self.folder.join(name));
        }
        if self.is_folder_ours {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

impl Writer {
    /// Refuses a folder that something is in; one that is not there is as good as an empty one.
    ///
    /// # Errors
    /// [`Error::Usage`], [`Error::File`] where it cannot be looked into.
    pub fn demand_empty(folder: &Path) -> Result<(), Error> {
        let mut found = match std::fs::read_dir(folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::file("read", folder, error)),
        };
        if found.next().is_none() {
            return Ok(());
        }
        Err(Error::usage(
            format!("there is something in {} already", folder.display()),
            "name a new folder; an export is never mixed with another",
        ))
    }

    /// Begins in a folder that is new or empty.
    ///
    /// # Errors
    /// As [`Writer::demand_empty`], and [`Error::File`].
    pub fn begin(
        folder: &Path,
        key: &VerifierKey,
        cosigned: Option<String>,
    ) -> Result<Self, Error> {
        Self::demand_empty(folder)?;
        let size = witnessed::size_of(cosigned.as_deref(), key)?;
        let made = Made {
            folder: folder.to_owned(),
            is_folder_ours: !folder.exists(),
            is_whole: false,
        };
        files::create_folder(folder)?;
        let path = folder.join(ENTRIES);
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(files::FILE_MODE)
            .open(&path);
        let file = file.map_err(|error| Error::file("create", &path, error))?;
        Ok(Self {
            made,
            entries: BufWriter::new(file),
            auditor: Auditor::new(key.clone()).asking_root_at(size),
            key: key.clone(),
            cosigned,
        })
    }

    /// Checks and writes the next entry.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::File`].
    pub fn entry(&mut self, line: &[u8]) -> Result<(), Error> {
        self.auditor.check(line)?;
        let written = self
            .entries
            .write_all(line)
            .and_then(|()| self.entries.write_all(b"\n"));
        written.map_err(|error| Error::file("write", self.made.folder.join(ENTRIES), error))
    }

    /// Checks the whole against its checkpoint and makes it durable.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::File`].
    pub fn finish(mut self, checkpoint: &str) -> Result<Report, Error> {
        let notes: Vec<_> = self.cosigned.as_deref().into_iter().collect();
        witnessed::check(&self.auditor, &self.key, &notes, &[])?;
        let report = self.auditor.finish(checkpoint)?;
        let folder = &self.made.folder;
        let path = folder.join(ENTRIES);
        let file = self
            .entries
            .into_inner()
            .map_err(io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all())
            .map_err(|error| Error::file("write", &path, error))?;
        files::write(&folder.join(VKEY), format!("{}\n", self.key).as_bytes())?;
        files::write(&folder.join(README), readme(&report).as_bytes())?;
        if let Some(cosigned) = &self.cosigned {
            files::write(&folder.join(WITNESSED), cosigned.as_bytes())?;
        }
        files::write(&folder.join(CHECKPOINT), checkpoint.as_bytes())?;
        self.made.is_whole = true;
        Ok(report)
    }
}

/// The key that lies beside an export: a hint where to begin, and no proof of anything.
///
/// # Errors
/// [`Error::Setup`] where it is not a key.
pub fn key_beside(folder: &Path) -> Result<Option<VerifierKey>, Error> {
    let path = folder.join(VKEY);
    let Some(text) = files::read_text(&path)? else {
        return Ok(None);
    };
    let key = VerifierKey::parse(text.trim_end());
    key.map(Some).map_err(|error| {
        let what = format!("{} is no verifier key: {error}", path.display());
        Error::setup(what, "give the ledger's key by hand: --vkey KEY")
    })
}

/// An export that was checked.
#[derive(Debug)]
pub struct Verified {
    /// What was checked.
    pub report: Report,
    /// Its head.
    pub checkpoint: SignedCheckpoint,
    /// The root over as many of its entries as were asked for; nothing where it has fewer.
    pub root: Option<Hash>,
    /// Which witnesses have signed it.
    pub witnesses: Vec<Cosigner>,
}

/// Checks an exported folder, works out the root over its first `size` entries, and demands that these
/// witnesses have signed it.
///
/// # Errors
/// [`Error::Unverified`] where anything in it was changed, [`Error::Setup`] where it is no export.
pub fn verify(
    folder: &Path,
    key: VerifierKey,
    size: u64,
    demanded: &[VerifierKey],
) -> Result<Verified, Error> {
    let note = files::read_text(&folder.join(CHECKPOINT))?;
    let note = note.ok_or_else(|| no_export(folder, CHECKPOINT))?;
    // First, so that a wrong key is called that, and not an entry that it does not suit.
    let checkpoint = SignedCheckpoint::verify(&note, &key)
        .map_err(|error| Error::unverified(format!("the checkpoint does not verify: {error}")))?;
    let path = folder.join(ENTRIES);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(no_export(folder, ENTRIES));
        }
        Err(error) => return Err(Error::file("read", path, error)),
    };
    let cosigned = files::read_text(&folder.join(WITNESSED))?;
    let mut auditor = Auditor::new(key.clone())
        .asking_root_at(size)
        .asking_root_at(checkpoint.size())
        .asking_root_at(witnessed::size_of(cosigned.as_deref(), &key)?);
    let mut reader = BufReader::new(file);
    while let Some(line) = next_line(&mut reader, &path, auditor.size())? {
        auditor.check(&line)?;
    }
    let (root, witnesses) = (
        auditor.root_at(size),
        witnesses_of(&auditor, &key, (&note, cosigned), demanded),
    );
    // What was changed comes first: then nothing that was signed suits it.
    let report = auditor.finish(&note)?;
    Ok(Verified {
        report,
        checkpoint,
        root,
        witnesses: witnesses?,
    })
}

fn witnesses_of(
    auditor: &Auditor,
    key: &VerifierKey,
    (note, cosigned): (&str, Option<String>),
    demanded: &[VerifierKey],
) -> Result<Vec<Cosigner>, Error> {
    let notes: Vec<_> = std::iter::once(note).chain(cosigned.as_deref()).collect();
    witnessed::check(auditor, key, &notes, demanded)
}

fn no_export(folder: &Path, missing: &str) -> Error {
    let what = format!(
        "{} has no `{missing}`: it is not a whole export",
        folder.display()
    );
    Error::setup(what, "make one: glass ledger export DIR")
}

/// The next line without its newline; `None` at the end. No line is longer than an entry can be.
fn next_line(
    reader: &mut BufReader<File>,
    path: &Path,
    index: u64,
) -> Result<Option<Vec<u8>>, Error> {
    let mut line = Vec::new();
    reader
        .take(MAX_ENTRY_BYTES as u64 + 1)
        .read_until(b'\n', &mut line)
        .map_err(|error| Error::file("read", path, error))?;
    if line.is_empty() {
        return Ok(None);
    }
    match line.pop() {
        Some(b'\n') => Ok(Some(line)),
        _ => Err(Error::unverified(format!(
            "entry {index}: its line is cut short or too long"
        ))),
    }
}

fn readme(report: &Report) -> String {
    format!(
        "The breakglass ledger {origin}, its first {entries} entries.\n\n\
         {ENTRIES}   every entry, one JSON object a line, byte for byte as it is hashed\n\
         {CHECKPOINT}      the signed tree head over exactly these entries\n\
         {WITNESSED}       if it is there: the newest such head that witnesses have signed as well\n\
         {VKEY}            the key it is signed with; compare it with one you got elsewhere\n\n\
         Check it, offline, years later:\n\n  \
         glass ledger verify --from THIS_FOLDER --vkey KEY_YOU_TRUST\n\n\
         or with any other program: the tree is RFC 6962 (SHA-256 of 0x00 and the line without\n\
         its newline), the checkpoint C2SP tlog-checkpoint, the key C2SP signed-note. Each\n\
         `signed` in an entry is ECDSA P-256 with SHA-256 over its `text`, by the key that the\n\
         `person.enrolled` entry of the same `key` gives in `public`.\n",
        origin = report.origin,
        entries = report.entries,
    )
}
