//! Reading an exported folder, or a [mirror](crate::mirror), entry after entry.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use breakglass_tlog::{
    Hash, LedgerKeys, SignedCheckpoint, limits::MAX_ENTRY_BYTES, succession::from_text,
};

use super::{
    ABOUT, About, BEFORE, BEFORE_HASHES, CHECKPOINT, CHECKPOINT_START, CONSISTENCY, ENTRIES,
    SUCCESSIONS, holes::Node, joint::Joint,
};
use crate::{
    error::Error,
    files,
    mirror::read::{Entries, is_tiles},
};

/// A folder that was opened: its checkpoints are signed, nothing else of it is checked.
pub struct Folder {
    pub(super) path: PathBuf,
    /// By which it is signed.
    pub(super) keys: LedgerKeys,
    /// What it says of itself; an export of an older `glass` says nothing.
    pub about: Option<About>,
    /// Over everything up to its end.
    pub checkpoint: SignedCheckpoint,
    /// Where it does not begin with the ledger: over everything before it, and the proof between both.
    pub(super) start: Option<(SignedCheckpoint, Joint)>,
}

/// One step through a folder.
pub enum Piece<'a> {
    /// `2^level` entries from before the period, of which there is only the hash.
    Hidden {
        /// The level.
        level: u8,
        /// The hash.
        hash: Hash,
    },
    /// An entry from before the period.
    Before(&'a [u8]),
    /// An entry of it.
    Within(&'a [u8]),
}

impl Folder {
    /// Opens one. Keys that are joined to the given ones by what lies beside are learnt.
    ///
    /// # Errors
    /// [`Error::Setup`] where it is no export, [`Error::Unverified`] where a checkpoint is not signed by
    /// the key whose turn it was, or the parts do not belong together.
    pub fn open(path: &Path, keys: impl Into<LedgerKeys>) -> Result<Self, Error> {
        let keys = joined(path, keys.into())?;
        // First, so that a wrong key is called that, and not an entry that it does not suit.
        let note = text_of(path, CHECKPOINT)?.ok_or_else(|| no_export(path, CHECKPOINT))?;
        let checkpoint = signed("the checkpoint", &note, &keys)?;
        let about = About::of(path)?;
        let start = match text_of(path, CHECKPOINT_START)? {
            None => None,
            Some(note) => {
                let proof = text_of(path, CONSISTENCY)?.ok_or_else(|| missing(CONSISTENCY))?;
                let start = signed("the checkpoint before it", &note, &keys)?;
                Some((start, Joint::parse(&proof)?))
            }
        };
        let folder = Self {
            path: path.to_owned(),
            keys,
            about,
            checkpoint,
            start,
        };
        folder.check_parts()?;
        Ok(folder)
    }

    /// The first entry of the period.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.start.as_ref().map_or(0, |(start, _)| start.size())
    }

    /// What it says of itself is what its checkpoints say, and these are of one history.
    fn check_parts(&self) -> Result<(), Error> {
        if let Some(about) = &self.about
            && (about.origin != self.checkpoint.origin()
                || [about.from, about.to] != [self.from(), self.checkpoint.size()])
        {
            return Err(Error::unverified(format!(
                "export.json tells of entries {} to {} of {}, and the checkpoints are over {} and {} of {}",
                about.from,
                about.to,
                about.origin,
                self.from(),
                self.checkpoint.size(),
                self.checkpoint.origin()
            )));
        }
        match &self.start {
            Some(_) if self.about.is_none() => Err(missing(ABOUT)),
            Some((start, joint)) => joint.verify(start, &self.checkpoint),
            None => Ok(()),
        }
    }

    /// Walks through everything in it, in the order of the ledger, and stops at the first error.
    ///
    /// # Errors
    /// [`Error::Unverified`] where hashes and entries do not follow each other, [`Error::File`].
    pub fn walk(&self, mut visit: impl FnMut(Piece<'_>) -> Result<(), Error>) -> Result<(), Error> {
        if self.start.is_some() {
            self.walk_before(&mut visit)?;
        }
        if !self.path.join(ENTRIES).exists() && is_tiles(&self.path) {
            let mut tiles = Entries::of(&self.path, self.checkpoint.size());
            while let Some(line) = tiles.next_entry()? {
                visit(Piece::Within(&line))?;
            }
            return Ok(());
        }
        let mut entries = self
            .lines(ENTRIES)?
            .ok_or_else(|| no_export(&self.path, ENTRIES))?;
        let mut index = self.from();
        while let Some(line) = entries.next(index)? {
            visit(Piece::Within(&line))?;
            index += 1;
        }
        Ok(())
    }

    fn walk_before(
        &self,
        visit: &mut impl FnMut(Piece<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut shown = self.lines(BEFORE)?.ok_or_else(|| missing(BEFORE))?;
        let mut hashes = self
            .lines(BEFORE_HASHES)?
            .ok_or_else(|| missing(BEFORE_HASHES))?;
        let (mut index, from) = (0, self.from());
        let mut next = hashes.next_node()?;
        while index < from {
            if let Some(node) = next.filter(|node| node.first == index) {
                let (level, hash) = (node.level, node.hash);
                visit(Piece::Hidden { level, hash })?;
                // A level that does not fit there was refused.
                index = index.saturating_add(1_u64.checked_shl(level.into()).unwrap_or(from));
                next = hashes.next_node()?;
                continue;
            }
            let line = shown.next(index)?.ok_or_else(|| {
                Error::unverified(format!(
                    "entry {index} is neither in {BEFORE} nor covered by {BEFORE_HASHES}"
                ))
            })?;
            visit(Piece::Before(&line))?;
            index += 1;
        }
        match (index == from, next, shown.next(index)?) {
            (true, None, None) => Ok(()),
            _ => Err(Error::unverified(format!(
                "{BEFORE} and {BEFORE_HASHES} do not end where the period begins, at entry {from}"
            ))),
        }
    }

    fn lines(&self, name: &str) -> Result<Option<Lines>, Error> {
        let path = self.path.join(name);
        match File::open(&path) {
            Ok(file) => Ok(Some(Lines {
                path,
                reader: BufReader::new(file),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", path, error)),
        }
    }
}

/// A file of lines.
pub(super) struct Lines {
    pub(super) path: PathBuf,
    pub(super) reader: BufReader<File>,
}

impl Lines {
    /// The next line without its newline; `None` at the end. No line is longer than an entry can be.
    pub(super) fn next(&mut self, index: u64) -> Result<Option<Vec<u8>>, Error> {
        let mut line = Vec::new();
        (&mut self.reader)
            .take(MAX_ENTRY_BYTES as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(|error| Error::file("read", &self.path, error))?;
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

    /// The next line of `before.hashes`.
    fn next_node(&mut self) -> Result<Option<Node>, Error> {
        let Some(line) = self.next(0)? else {
            return Ok(None);
        };
        let node = node(&line).ok_or_else(|| {
            let line = String::from_utf8_lossy(&line);
            Error::unverified(format!("{BEFORE_HASHES}: `{line}` is no hash of entries"))
        });
        node.map(Some)
    }
}

/// `FIRST LEVEL HASH`.
fn node(line: &[u8]) -> Option<Node> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let node = Node {
        first: words.next()?.parse().ok()?,
        level: words.next()?.parse().ok()?,
        hash: Hash::from_base64(words.next()?).ok()?,
    };
    words.next().is_none().then_some(node)
}

/// The keys, and those that are joined to them by what lies in the folder: each step is signed by both.
fn joined(path: &Path, mut keys: LedgerKeys) -> Result<LedgerKeys, Error> {
    let text = text_of(path, SUCCESSIONS)?.unwrap_or_default();
    let joined = from_text(&text).and_then(|all| keys.join(all));
    joined.map_err(|why| Error::unverified(format!("{SUCCESSIONS}: {why}")))?;
    Ok(keys)
}

fn signed(what: &str, note: &str, keys: &LedgerKeys) -> Result<SignedCheckpoint, Error> {
    keys.verify(note)
        .map_err(|error| Error::unverified(format!("{what} does not verify: {error}")))
}

fn text_of(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    files::read_text(&folder.join(name))
}

fn missing(name: &str) -> Error {
    Error::unverified(format!(
        "{name} is missing, and the export is one of a period"
    ))
}

fn no_export(folder: &Path, missing: &str) -> Error {
    let what = format!(
        "{} has no `{missing}`: it is not a whole export",
        folder.display()
    );
    Error::setup(what, "make one: glass ledger export DIR")
}
