//! The segment of the journal that is written to.

use std::path::PathBuf;
use std::sync::Arc;

use breakglass_tlog::{LedgerKeys, SignedCheckpoint};

use super::disk::Handle;
use super::edge::{Edge, Growth};
use super::place::{Place, damaged, told};
use super::segment::{self, Batch, Batches};
use crate::ports::LedgerError;

/// A journal file that is written to.
pub(super) struct Segment {
    /// The index of its first entry.
    pub(super) first: u64,
    path: PathBuf,
    handle: Box<dyn Handle>,
    /// Bytes that are committed.
    len: u64,
}

impl Segment {
    pub(super) fn new(first: u64, path: PathBuf, handle: Box<dyn Handle>, len: u64) -> Self {
        Self {
            first,
            path,
            handle,
            len,
        }
    }

    /// Makes a new segment that goes on from a checkpoint: durable, by its name too.
    ///
    /// # Errors
    /// [`Begun::Not`] where there is no such file, [`Begun::Perhaps`] where that is not known.
    pub(super) fn begin(place: &Place, checkpoint: &SignedCheckpoint) -> Result<Self, Begun> {
        let path = place.segment(checkpoint.size());
        let line = segment::commit_line(checkpoint.size(), checkpoint);
        let unfinished = path.with_added_extension("new");
        let disk = &place.disk;
        let written = disk
            .create(&unfinished, &line)
            .and_then(|()| disk.sync(&unfinished));
        written.map_err(|e| Begun::Not(told(&unfinished, "be written", &e)))?;
        let named = disk
            .rename(&unfinished, &path)
            .and_then(|()| disk.sync(&place.journal()));
        let opened = named.and_then(|()| disk.open(&path));
        let handle = opened.map_err(|e| Begun::Perhaps(told(&path, "be begun", &e)))?;
        Ok(Self::new(
            checkpoint.size(),
            path,
            handle,
            line.len() as u64,
        ))
    }

    /// Bytes that are committed.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// One write, one `fdatasync`.
    pub(super) fn append(&mut self, batch: &[u8]) -> Result<(), LedgerError> {
        let written = self.handle.write_at(self.len, batch);
        written.map_err(|e| told(&self.path, "be written", &e))?;
        self.handle
            .sync()
            .map_err(|e| told(&self.path, "be synced", &e))?;
        self.len += batch.len() as u64;
        Ok(())
    }

    /// Makes the end durable: cuts what follows the committed bytes, and writes the last batch
    /// again where it is. It may have been read from memory that never reached the disk.
    pub(super) fn settle(&mut self, at: u64, last: &[u8], cut: bool) -> Result<(), LedgerError> {
        if !last.is_empty() {
            let written = self.handle.write_at(at, last);
            written.map_err(|e| told(&self.path, "be written", &e))?;
        }
        if cut {
            let cut = self.handle.set_len(self.len);
            cut.map_err(|e| told(&self.path, "be cut", &e))?;
        }
        self.handle
            .sync()
            .map_err(|e| told(&self.path, "be synced", &e))
    }

    /// After a failed append: takes what of it is whole, cuts the rest, and makes both durable.
    /// Answers the entries that landed, what they add to the edge, and the bytes cut.
    pub(super) fn recover(
        &mut self,
        place: &Place,
        edge: &Edge,
        keys: &LedgerKeys,
    ) -> Result<(Option<Landed>, u64), LedgerError> {
        let opened = place.disk.open(&self.path);
        self.handle = opened.map_err(|e| told(&self.path, "be opened", &e))?;
        let bytes = place
            .disk
            .read(&self.path)
            .map_err(|e| told(&self.path, "be read", &e))?;
        let committed = usize::try_from(self.len).unwrap_or(usize::MAX);
        let Some(tail) = bytes.get(committed..) else {
            let what = format!("it had {} bytes and has {}", self.len, bytes.len());
            return Err(damaged(&self.path, what));
        };
        let first = Batches::of(tail).next();
        let landed = first.and_then(|batch| Landed::of(batch.ok()?, edge, keys));
        let whole = landed.as_ref().map_or(0, |landed| landed.bytes);
        let at = self.len;
        self.len += whole as u64;
        let settled = self.settle(at, &tail[..whole], tail.len() > whole);
        if settled.is_err() {
            self.len = at;
        }
        settled?;
        Ok((landed, (tail.len() - whole) as u64))
    }
}

/// What is known of a segment that could not be begun.
pub(super) enum Begun {
    /// It is not there.
    Not(LedgerError),
    /// It may be there; the name has to be removed before anything else is written.
    Perhaps(LedgerError),
}

/// A batch that is whole although appending it failed.
pub(super) struct Landed {
    pub(super) entries: Vec<Arc<[u8]>>,
    pub(super) growth: Growth,
    pub(super) checkpoint: SignedCheckpoint,
    bytes: usize,
}

impl Landed {
    fn of(batch: Batch<'_>, edge: &Edge, keys: &LedgerKeys) -> Option<Self> {
        batch.check_count(edge.size()).ok()?;
        let checkpoint = keys.verify(&batch.note).ok()?;
        let growth = edge.plan(&batch.entries);
        (growth.root() == checkpoint.root()).then(|| Self {
            entries: batch.entries.iter().map(|entry| (*entry).into()).collect(),
            growth,
            checkpoint,
            bytes: batch.end,
        })
    }
}
