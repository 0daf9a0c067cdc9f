//! Taking a copy: entries come in order, are checked, and become a folder.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use breakglass_tlog::{Hash, LedgerKeys, SignedCheckpoint, succession::to_text};
use jiff::Timestamp;

use super::{
    ABOUT, About, BEFORE, BEFORE_HASHES, CHECKPOINT, CHECKPOINT_START, CONSISTENCY, ENTRIES,
    ENTRIES_CSV, KEYS_CSV, POLICIES, Piece, README, SUCCESSIONS, VERIFIER, VKEY, WITNESSED, bundle,
    context::Context,
    derived::Derived,
    folder::{Folder, Lines},
    holes::Holes,
    joint::Joint,
    readme, verify,
};
use crate::{
    audit::{Auditor, Report},
    entry::Entry,
    error::Error,
    files, witnessed,
};

/// Every entry from before the period, until it is known which are shown.
const SPOOL: &str = "before.all";

/// Which part of the ledger is taken.
#[derive(Debug, Clone, Default)]
pub struct Period {
    /// Everything that is not before this time.
    pub since: Option<Timestamp>,
    /// Everything before this time.
    pub until: Option<Timestamp>,
    /// Where it does not begin with the ledger: the checkpoint over what comes before.
    pub start: Option<Start>,
    /// The newest checkpoint that witnesses have signed, if any; left out where it is of more entries.
    pub cosigned: Option<String>,
}

/// Where a period begins.
#[derive(Debug, Clone)]
pub struct Start {
    /// The signed checkpoint over what comes before.
    pub checkpoint: SignedCheckpoint,
    /// That the checkpoint at the end extends it.
    pub proof: Joint,
}

/// A folder being filled. Only [`Writer::finish`] makes it whole: the checkpoint comes last. What is
/// dropped before is removed, so that the next try finds the folder as this one did.
pub struct Writer {
    made: Made,
    period: Period,
    from: u64,
    spool: Option<Out>,
    entries: Out,
    context: Context,
    auditor: Auditor,
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
        for name in [
            SPOOL,
            ENTRIES,
            ENTRIES_CSV,
            KEYS_CSV,
            BEFORE,
            BEFORE_HASHES,
            CONSISTENCY,
            ABOUT,
            VERIFIER,
            VKEY,
            SUCCESSIONS,
            README,
            WITNESSED,
            CHECKPOINT_START,
            CHECKPOINT,
        ] {
            let _ = std::fs::remove_file(self.folder.join(name));
        }
        let _ = std::fs::remove_dir_all(self.folder.join(POLICIES));
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
        keys: impl Into<LedgerKeys>,
        period: Period,
    ) -> Result<Self, Error> {
        let keys = keys.into();
        Self::demand_empty(folder)?;
        let made = Made {
            folder: folder.to_owned(),
            is_folder_ours: !folder.exists(),
            is_whole: false,
        };
        files::create_folder(folder)?;
        let from = period.start.as_ref();
        let from = from.map_or(0, |start| start.checkpoint.size());
        let signed = witnessed::size_of(period.cosigned.as_deref(), &keys)?;
        let spool = (from > 0).then(|| Out::create(folder.join(SPOOL)));
        Ok(Self {
            spool: spool.transpose()?,
            entries: Out::create(folder.join(ENTRIES))?,
            context: Context::default(),
            auditor: Auditor::new(keys)
                .asking_root_at(from)
                .asking_root_at(signed),
            made,
            period,
            from,
        })
    }

    /// Checks and takes the next entry of the ledger; the first one is its first.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::File`].
    pub fn entry(&mut self, line: &[u8]) -> Result<Entry, Error> {
        let entry = self.auditor.read(line)?;
        match &mut self.spool {
            Some(spool) if entry.index < self.from => {
                if self.period.since.is_none_or(|since| entry.at >= since) {
                    return Err(Error::unverified(format!(
                        "the broker lets the period begin at entry {}, and entry {} of {} belongs to it",
                        self.from, entry.index, entry.at
                    )));
                }
                self.context.before(&entry);
                spool.line(line)?;
            }
            _ => {
                self.context.within(&entry);
                self.entries.line(line)?;
            }
        }
        Ok(entry)
    }

    /// Checks the whole against the checkpoint over it, and makes it durable. A part of a ledger is then
    /// read again from the disk, as whoever has nothing else will.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::File`].
    pub fn finish(self, checkpoint: &str) -> Result<Report, Error> {
        let Self {
            mut made,
            period,
            from,
            spool,
            entries,
            context,
            auditor,
        } = self;
        let folder = made.folder.clone();
        let root = auditor.root_at(from);
        let keys = auditor.keys().clone();
        let signed = witnessed::size_of(period.cosigned.as_deref(), &keys)?;
        let cosigned = period.cosigned.filter(|_| signed <= auditor.size());
        let notes: Vec<_> = cosigned.as_deref().into_iter().collect();
        witnessed::check(&auditor, &keys, &notes, &[])?;
        let report = auditor.finish(checkpoint)?;
        entries.finish()?;
        if let Some(start) = &period.start {
            check_start(start, root)?;
            if let Some(spool) = spool {
                spool.finish()?;
            }
            write_before(&folder, context)?;
            files::write(&folder.join(CONSISTENCY), start.proof.text().as_bytes())?;
            let note = start.checkpoint.note();
            files::write(&folder.join(CHECKPOINT_START), note.as_bytes())?;
        }
        let span = [from, report.entries];
        let about = About::new(report.origin.clone(), span, period.since, period.until);
        let written = Folder {
            path: folder.clone(),
            keys: keys.clone(),
            about: Some(about.clone()),
            checkpoint: keys
                .verify(checkpoint)
                .map_err(|error| Error::unverified(format!("the checkpoint: {error}")))?,
            start: period.start.map(|start| (start.checkpoint, start.proof)),
        };
        for (name, text) in [
            (VKEY, format!("{}\n", keys.at(report.entries))),
            (ABOUT, about.text()),
            (VERIFIER, bundle::verifier()),
            (README, readme::text(&about)),
        ] {
            files::write(&folder.join(name), text.as_bytes())?;
        }
        // Those of this copy: what was handed over later is not in it.
        let handed = keys.successions();
        let handed = &handed[..handed.partition_point(|it| it.size() <= report.entries)];
        if !handed.is_empty() {
            files::write(&folder.join(SUCCESSIONS), to_text(handed).as_bytes())?;
        }
        if let Some(cosigned) = &cosigned {
            files::write(&folder.join(WITNESSED), cosigned.as_bytes())?;
        }
        write_derived(&written)?;
        if from > 0 {
            verify::check(&written, 0, &[])?;
        }
        files::write(&folder.join(CHECKPOINT), checkpoint.as_bytes())?;
        made.is_whole = true;
        Ok(report)
    }
}

/// The entries before the period are those that were signed there.
fn check_start(start: &Start, root: Option<Hash>) -> Result<(), Error> {
    match root == Some(start.checkpoint.root()) {
        true => Ok(()),
        false => Err(Error::unverified(
            "the checkpoint before the period is of another history than the entries",
        )),
    }
}

/// Shows what has to be known of before, and covers the rest.
fn write_before(folder: &Path, context: Context) -> Result<(), Error> {
    let chosen = context.choose();
    let path = folder.join(SPOOL);
    let file = File::open(&path).map_err(|error| Error::file("read", &path, error))?;
    let reader = BufReader::new(file);
    let mut all = Lines { path, reader };
    let mut shown = Out::create(folder.join(BEFORE))?;
    let mut hashes = Out::create(folder.join(BEFORE_HASHES))?;
    let (mut holes, mut index) = (Holes::default(), 0);
    while let Some(line) = all.next(index)? {
        let entry = Entry::parse(&line)
            .map_err(|why| Error::unverified(format!("entry {index}: cannot be read: {why}")))?;
        if chosen.shows(&entry) {
            hashes.nodes(&mut holes)?;
            shown.line(&line)?;
        } else {
            holes.cover(index, Hash::of_leaf(&line));
        }
        index += 1;
    }
    hashes.nodes(&mut holes)?;
    shown.finish()?;
    hashes.finish()?;
    std::fs::remove_file(&all.path).map_err(|error| Error::file("remove", &all.path, error))
}

/// Writes what follows from the entries.
fn write_derived(folder: &Folder) -> Result<(), Error> {
    let mut derived = Derived::write(&folder.path)?;
    folder.walk(|piece| match piece {
        Piece::Hidden { .. } => Ok(()),
        Piece::Before(line) => derived.take(line, false),
        Piece::Within(line) => derived.take(line, true),
    })?;
    derived.finish()
}

/// A file of lines on its way to the disk.
struct Out {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Out {
    fn create(path: PathBuf) -> Result<Self, Error> {
        match files::create_new(&path) {
            Ok(file) => Ok(Self {
                path,
                file: BufWriter::new(file),
            }),
            Err(error) => Err(Error::file("create", path, error)),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(line);
        written
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|error| Error::file("write", &self.path, error))
    }

    fn nodes(&mut self, holes: &mut Holes) -> Result<(), Error> {
        for node in holes.close() {
            let line = format!("{} {} {}", node.first, node.level, node.hash);
            self.line(line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        let file = self.file.into_inner();
        file.map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(|error| Error::file("write", self.path, error))
    }
}
