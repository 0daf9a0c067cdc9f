//! The journal's format: lines, and which of them make a batch.

use std::sync::Arc;

use breakglass_tlog::{Checkpoint, LedgerKeys, Note, SignedCheckpoint};
use serde::{Deserialize, Serialize};

use crate::ledger::{COMMIT_PREFIX, admit};

/// What a segment's file is called: its first index in twenty digits, so that names sort.
pub(super) fn name(first: u64) -> String {
    format!("{first:020}.jsonl")
}

/// The first index of the segment in a file of this name, if it is one.
pub(super) fn first_of(file: &str) -> Option<u64> {
    let first = file.strip_suffix(".jsonl")?.parse().ok()?;
    (name(first) == file).then_some(first)
}

/// The line that commits a batch.
#[derive(Serialize, Deserialize)]
struct Commit<T> {
    /// The signed checkpoint over everything up to here.
    commit: T,
    /// The size before the batch: that many entries were acknowledged when it was written.
    from: u64,
}

/// Writes the line that commits what lies between a size and a checkpoint, with its newline.
pub(super) fn commit_line(from: u64, checkpoint: &SignedCheckpoint) -> Vec<u8> {
    let commit = Commit {
        commit: checkpoint.note(),
        from,
    };
    let mut line = serde_json::to_vec(&commit).expect("a string is always JSON");
    line.push(b'\n');
    line
}

/// Writes a batch: entries and their commit, each a line.
pub(super) fn batch(entries: &[Arc<[u8]>], checkpoint: &SignedCheckpoint) -> Vec<u8> {
    let from = checkpoint.size().saturating_sub(entries.len() as u64);
    let commit = commit_line(from, checkpoint);
    let bytes: usize = entries.iter().map(|entry| entry.len() + 1).sum();
    let mut batch = Vec::with_capacity(bytes + commit.len());
    for entry in entries {
        batch.extend_from_slice(entry);
        batch.push(b'\n');
    }
    batch.extend_from_slice(&commit);
    batch
}

/// Entries and the checkpoint said to cover them; neither root nor signature is checked yet.
pub(super) struct Batch<'a> {
    pub(super) entries: Vec<&'a [u8]>,
    /// The size before it.
    pub(super) from: u64,
    pub(super) checkpoint: Checkpoint,
    pub(super) note: String,
    /// Where in the segment it begins, and one past its end.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The number of its first line, and of its commit.
    pub(super) first_line: u64,
    pub(super) last_line: u64,
}

/// Why what follows is no batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The line, counted from 1.
    pub(super) line: u64,
    pub(super) what: String,
}

/// Reads the batches of a segment, one after another, up to the first trouble.
pub(super) struct Batches<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Batches<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            line: 0,
        }
    }

    /// The next line without its newline, or `None` where the bytes end before one.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n')?;
        self.at += length + 1;
        self.line += 1;
        Some(&rest[..length])
    }

    fn next_batch(&mut self) -> Result<Batch<'a>, Trouble> {
        let (start, first_line) = (self.at, self.line + 1);
        let mut entries = Vec::new();
        loop {
            let Some(line) = self.next_line() else {
                let what = "the batch is not committed".to_owned();
                return Err(self.trouble(what));
            };
            if line.starts_with(COMMIT_PREFIX) {
                let commit = read_commit(line).map_err(|what| self.trouble(what))?;
                return Ok(Batch {
                    entries,
                    from: commit.from,
                    checkpoint: commit.checkpoint,
                    note: commit.note,
                    start,
                    end: self.at,
                    first_line,
                    last_line: self.line,
                });
            }
            admit(line).map_err(|e| self.trouble(e.to_string()))?;
            entries.push(line);
        }
    }

    fn trouble(&self, what: String) -> Trouble {
        let line = self.line.max(1);
        Trouble { line, what }
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<Batch<'a>, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let batch = self.next_batch();
        if batch.is_err() {
            self.at = self.bytes.len();
        }
        Some(batch)
    }
}

struct ReadCommit {
    from: u64,
    checkpoint: Checkpoint,
    note: String,
}

fn read_commit(line: &[u8]) -> Result<ReadCommit, String> {
    let Commit::<String> { commit, from } =
        serde_json::from_slice(line).map_err(|e| format!("not a commit: {e}"))?;
    let note = Note::parse(&commit).map_err(|e| e.to_string())?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|e| e.to_string())?;
    Ok(ReadCommit {
        from,
        checkpoint,
        note: commit,
    })
}

impl Batch<'_> {
    /// Whether the commit counts its entries right, `from` being how many come before.
    pub(super) fn check_count(&self, from: u64) -> Result<(), Trouble> {
        let (size, end) = (self.checkpoint.size(), from + self.entries.len() as u64);
        if (self.from, size) == (from, end) {
            return Ok(());
        }
        let own = self.from;
        let what =
            format!("the commit is of entries {own} to {size}, the lines are {from} to {end}");
        let line = self.last_line;
        Err(Trouble { line, what })
    }

    /// The root is not the checkpoint's.
    pub(super) fn wrong_root(&self) -> Trouble {
        let (from, to) = (self.first_line, self.last_line);
        let what = format!("an entry in lines {from} to {to} is not what was committed");
        let line = self.last_line;
        Trouble { line, what }
    }
}

/// Whether the bytes behind the first `size` entries show that more was acknowledged once: a commit
/// that our key signed and that goes on from a larger size, or has anything behind it. Only an
/// acknowledged batch is ever followed by another, so the bytes are then no torn tail.
pub(super) fn has_acknowledged(bytes: &[u8], size: u64, keys: &LedgerKeys) -> bool {
    let mut lines = Batches::of(bytes);
    while let Some(line) = lines.next_line() {
        let Some(commit) = line
            .starts_with(COMMIT_PREFIX)
            .then(|| read_commit(line).ok())
        else {
            continue;
        };
        let signed = commit
            .filter(|commit| commit.checkpoint.size() > size && keys.verify(&commit.note).is_ok());
        if signed.is_some_and(|commit| commit.from > size || lines.at < bytes.len()) {
            return true;
        }
    }
    false
}
