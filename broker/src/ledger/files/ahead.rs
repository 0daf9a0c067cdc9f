//! What can be worked out of each segment by itself, on every processor: its lines split, hashed, read, and
//! its commits' signatures checked. The walk that takes all of it in order then has little left to do.
//!
//! Segments go through in groups of one for each thread. While one thread walks a group, the others work on
//! the next one, and on what the walk put off from the group before. At most three groups are in memory.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use breakglass_tlog::{Checkpoint, Hash, LedgerKeys};

use super::check::Look;
use super::place::{Place, told};
use super::segment::{Batch, Batches, Trouble};
use crate::ports::LedgerError;

/// A segment with what was worked out of it.
pub(super) struct Prepared<R> {
    pub(super) first: u64,
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) batches: Vec<Found<R>>,
    /// Why what follows the last of them is no batch.
    pub(super) trouble: Option<Trouble>,
}

/// A batch, and what was worked out of it.
pub(super) struct Found<R> {
    lines: Vec<Range<usize>>,
    from: u64,
    checkpoint: Checkpoint,
    note: String,
    start: usize,
    end: usize,
    first_line: u64,
    last_line: u64,
    /// The hash of each entry, and what was read of it.
    pub(super) leaves: Vec<Hash>,
    pub(super) read: Vec<R>,
    /// Whether the ledger's key has signed its commit.
    pub(super) signed: Result<(), String>,
}

impl<R> Found<R> {
    /// The batch as it stands in its segment.
    pub(super) fn batch<'a>(&self, bytes: &'a [u8]) -> Batch<'a> {
        Batch {
            entries: self.lines.iter().map(|line| &bytes[line.clone()]).collect(),
            from: self.from,
            checkpoint: self.checkpoint.clone(),
            note: self.note.clone(),
            start: self.start,
            end: self.end,
            first_line: self.first_line,
            last_line: self.last_line,
        }
    }
}

/// Something the walk put off, and where it stands.
pub(super) struct Later<L> {
    pub(super) path: PathBuf,
    pub(super) line: u64,
    pub(super) what: L,
}

/// Where something that was put off is wrong.
pub(super) struct Wrong {
    pub(super) path: PathBuf,
    pub(super) line: u64,
    pub(super) what: String,
}

/// How many of what was put off are one piece of work.
const AT_ONCE: usize = 64;

/// Goes through these segments in order: `walk` takes a group of them, answers whether it goes on, and hands
/// over what it put off; `settled` hears what of that is wrong.
///
/// # Errors
/// [`LedgerError::Unavailable`] where a segment cannot be read.
pub(super) fn go_through<K: Look>(
    (place, firsts): (&Place, &[u64]),
    keys: &LedgerKeys,
    threads: usize,
    mut walk: impl FnMut(Vec<Prepared<K::Read>>) -> (bool, Vec<Later<K::Later>>),
    mut settled: impl FnMut(Vec<Wrong>),
) -> Result<(), LedgerError> {
    let threads = threads.max(1);
    let mut groups = firsts.chunks(threads);
    let mut group = Some(Vec::new());
    let mut put_off: Vec<Later<K::Later>> = Vec::new();
    // What is walked is a group behind what is prepared, and one before what is settled.
    while group.is_some() || !put_off.is_empty() {
        let next = group.as_ref().and_then(|_| groups.next());
        let next = next.unwrap_or_default();
        let work = Work::<K> {
            place,
            keys,
            segments: next,
            later: std::mem::take(&mut put_off),
            taken: AtomicUsize::new(0),
            done: Mutex::default(),
        };
        let goes_on = thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| work.all());
            }
            let (goes_on, later) = group.take().map_or((false, Vec::new()), &mut walk);
            put_off = later;
            goes_on
        });
        let done = work.done.into_inner().unwrap_or_default();
        settled(done.wrong);
        let mut prepared = done.prepared;
        prepared.sort_by_key(|(first, _)| *first);
        if goes_on && !next.is_empty() {
            let prepared = prepared.into_iter().map(|(_, prepared)| prepared);
            group = Some(prepared.collect::<Result<_, _>>()?);
        }
    }
    Ok(())
}

/// What the threads share: each takes the next piece until there is none.
struct Work<'a, K: Look> {
    place: &'a Place,
    keys: &'a LedgerKeys,
    segments: &'a [u64],
    later: Vec<Later<K::Later>>,
    taken: AtomicUsize,
    done: Mutex<Done<K>>,
}

/// A segment by its first entry: threads are done in any order.
type Numbered<R> = (u64, Result<Prepared<R>, LedgerError>);

struct Done<K: Look> {
    prepared: Vec<Numbered<K::Read>>,
    wrong: Vec<Wrong>,
}

impl<K: Look> Default for Done<K> {
    fn default() -> Self {
        Self {
            prepared: Vec::new(),
            wrong: Vec::new(),
        }
    }
}

impl<K: Look> Work<'_, K> {
    fn all(&self) {
        loop {
            let piece = self.taken.fetch_add(1, Ordering::Relaxed);
            if let Some(first) = self.segments.get(piece) {
                let prepared = prepare::<K>(self.place, self.keys, *first);
                self.tell(|done| done.prepared.push((*first, prepared)));
                continue;
            }
            let chunk = piece - self.segments.len();
            let Some(chunk) = self.later.chunks(AT_ONCE).nth(chunk) else {
                return;
            };
            let wrong = chunk.iter().filter_map(|later| {
                let what = K::settle(&later.what).err()?;
                let (path, line) = (later.path.clone(), later.line);
                Some(Wrong { path, line, what })
            });
            let wrong: Vec<_> = wrong.collect();
            self.tell(|done| done.wrong.extend(wrong));
        }
    }

    fn tell(&self, what: impl FnOnce(&mut Done<K>)) {
        // Another thread that panicked takes all of it with it when the scope ends.
        what(&mut self.done.lock().expect("no thread panics within"));
    }
}

fn prepare<K: Look>(
    place: &Place,
    keys: &LedgerKeys,
    first: u64,
) -> Result<Prepared<K::Read>, LedgerError> {
    let path = place.segment(first);
    let bytes = place.disk.read(&path);
    let bytes = bytes.map_err(|e| told(&path, "be read", &e))?;
    let (mut batches, mut trouble) = (Vec::new(), None);
    for batch in Batches::of(&bytes) {
        match batch {
            Ok(batch) => batches.push(found::<K>(&batch, &bytes, keys)),
            Err(why) => trouble = Some(why),
        }
    }
    Ok(Prepared {
        first,
        path,
        bytes,
        batches,
        trouble,
    })
}

fn found<K: Look>(batch: &Batch<'_>, bytes: &[u8], keys: &LedgerKeys) -> Found<K::Read> {
    let begin = bytes.as_ptr() as usize;
    let place = |line: &&[u8]| {
        let start = line.as_ptr() as usize - begin;
        start..start + line.len()
    };
    let signed = keys.verify(&batch.note);
    Found {
        lines: batch.entries.iter().map(place).collect(),
        from: batch.from,
        checkpoint: batch.checkpoint.clone(),
        note: batch.note.clone(),
        start: batch.start,
        end: batch.end,
        first_line: batch.first_line,
        last_line: batch.last_line,
        leaves: batch
            .entries
            .iter()
            .map(|line| Hash::of_leaf(line))
            .collect(),
        read: batch.entries.iter().map(|line| K::read(line)).collect(),
        signed: signed.map(drop).map_err(|error| error.to_string()),
    }
}
