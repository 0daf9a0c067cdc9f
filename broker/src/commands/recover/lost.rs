//! The head of the history that is lost, as somebody has seen it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use breakglass_domain::Change;
use breakglass_tlog::{Hash, LedgerKeys, SignedCheckpoint};

use super::{later, seen};
use crate::commands::Failure;
use crate::commands::stores::{DECODE, Keys};
use crate::ports::LedgerReader;

/// Most bytes of a file that is read for a checkpoint: one with the signatures of every witness takes 3 KiB.
const MOST_BYTES: u64 = 64 * 1024;

/// How far back a verifier can tell that a head is none of the ledger's: it keeps as many hashes.
const WITHIN: u64 = 65_536;

/// How many starts of the broker are told, where one of them may have been the first after the copy.
const STARTS: usize = 5;

/// A head that the ledger's key has signed.
#[derive(Debug)]
pub(super) struct Lost {
    file: PathBuf,
    head: SignedCheckpoint,
}

impl Lost {
    /// The newest of those in these files.
    ///
    /// # Errors
    /// [`Failure`] where one is no checkpoint of this ledger, or two cannot be of one history.
    pub(super) fn read(
        files: &[PathBuf],
        successions: Option<&Path>,
        keys: &Keys,
    ) -> Result<Self, Failure> {
        let mut newest: Option<Self> = None;
        for file in files {
            let one = Self {
                head: read(file, successions, &keys.ledger_keys)?,
                file: file.clone(),
            };
            newest = Some(match newest {
                Some(other) if other.size() == one.size() && other.root() != one.root() => {
                    return Err(two_histories(&other, &one));
                }
                Some(other) if other.size() >= one.size() => other,
                _ => one,
            });
        }
        newest.ok_or_else(|| Failure::usage("no checkpoint was given: --lost FILE"))
    }

    pub(super) fn size(&self) -> u64 {
        self.head.size()
    }

    pub(super) fn root(&self) -> Hash {
        self.head.root()
    }

    pub(super) fn note(&self) -> &str {
        self.head.note()
    }

    /// How many entries both histories begin with.
    ///
    /// # Errors
    /// [`Failure`] where the head is one of this ledger, so that nothing is lost; and where it has to be
    /// said, or cannot be.
    pub(super) fn kept(
        &self,
        said: Option<u64>,
        is_untouched: bool,
        reader: &dyn LedgerReader,
    ) -> Result<u64, Failure> {
        let (own, size) = (reader.checkpoint().size(), self.size());
        if self.is_of(reader)? {
            let what = format!(
                "{} is a head of this ledger as it is: of {size} entries, and it has {own}",
                self.file.display()
            );
            let next = "nothing is lost by it: start the broker";
            return Err(Failure::new(what).then(next));
        }
        if size.saturating_add(WITHIN) <= own.saturating_add(2) {
            let what = format!(
                "the ledger has {own} entries, and what is lost ended at {size}: so much was written \
                 since that no verifier could tell the two apart"
            );
            return Err(Failure::new(what).then(
                "end this ledger and begin another, with another origin (docs/operating/backup.md)",
            ));
        }
        match said {
            Some(kept) if kept > own || kept >= size => Err(Failure::usage(format!(
                "--kept {kept} is more than both begin with: the ledger has {own} entries, and of the {size} \
                 of the other history at least one is lost"
            ))),
            Some(kept) => Ok(kept),
            None if size > own && is_untouched => Ok(own),
            None => Err(grown_since(own, size, reader)?),
        }
    }

    /// Whether it is a head of the ledger that is there.
    fn is_of(&self, reader: &dyn LedgerReader) -> Result<bool, Failure> {
        let own = reader.checkpoint();
        let size = self.size();
        if size == 0 {
            return Ok(true);
        }
        if size >= own.size() {
            return Ok(size == own.size() && self.root() == own.root());
        }
        let proof = reader.prove_consistency(size, own.size())?;
        Ok(proof.verify(&self.root(), &own.root()).is_ok())
    }
}

fn read(
    file: &Path,
    successions: Option<&Path>,
    keys: &LedgerKeys,
) -> Result<SignedCheckpoint, Failure> {
    let text = text_of(file, MOST_BYTES)?;
    let text = text.ok_or_else(|| is_none(file, "it is longer than any checkpoint"))?;
    let brought = seen::head_in(&text, keys.name().as_str());
    let note = signed_by_us(&brought.unwrap_or(text), keys);
    keys.verify_any(&note).map_err(|why| {
        let later = later::signed_later(file, &note, successions, keys);
        later.unwrap_or_else(|| is_none(file, &why.to_string()))
    })
}

pub(super) fn is_none(file: &Path, why: &str) -> Failure {
    let name = file.display();
    Failure::new(format!("{name} is no checkpoint of this ledger: {why}")).then(
        "bring the file `checkpoint` of a laptop's context, of a mirror or of an export, as it is",
    )
}

/// What is in a file that somebody brought, of at most so many bytes.
///
/// # Errors
/// [`Failure`] where it cannot be read; `Ok(None)` for a longer one.
pub(super) fn text_of(file: &Path, most: u64) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|e| Failure::new(format!("{} cannot be read: {e}", file.display())))?;
    let is_short = bytes.len() as u64 <= most;
    Ok(is_short.then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The note with the lines of the ledger's own name alone: what others signed of it is not the ledger's to
/// keep, and may be long.
fn signed_by_us(note: &str, keys: &LedgerKeys) -> String {
    let Some((text, signatures)) = note.rsplit_once("\n\n") else {
        return note.to_owned();
    };
    let ours = format!("\u{2014} {} ", keys.name());
    let lines = signatures.lines().filter(|line| line.starts_with(&ours));
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("{text}\n\n{lines}")
}

fn two_histories(one: &Lost, other: &Lost) -> Failure {
    let (size, first, second) = (one.size(), one.file.display(), other.file.display());
    let what = format!(
        "{first} and {second} are of {size} entries both, and have other roots: two histories were lost"
    );
    Failure::new(what).then("mark one after the other: glassd recover --lost FILE for each")
}

/// The broker has written since it was restored, so that where the copy ended has to be said.
fn grown_since(own: u64, size: u64, reader: &dyn LedgerReader) -> Result<Failure, Failure> {
    let what = format!(
        "the ledger has {own} entries by now, and what is lost ended at {size}: how many the copy had \
         cannot be seen"
    );
    let starts = last_starts(own, size, reader)?;
    let starts: Vec<_> = starts.iter().map(ToString::to_string).collect();
    let next = match starts.is_empty() {
        true => "say it: --kept ENTRIES".to_owned(),
        false => format!(
            "say it: --kept ENTRIES. The broker was started at entry {}; the first of these behind the \
             copy is it",
            starts.join(", ")
        ),
    };
    Ok(Failure::new(what).then(next))
}

/// Where the broker was started, before a size: the newest few, oldest first.
fn last_starts(own: u64, size: u64, reader: &dyn LedgerReader) -> Result<Vec<u64>, Failure> {
    const STEP: u64 = 256;
    let (mut end, mut starts) = (size.min(own), Vec::new());
    while end > 0 && starts.len() < STARTS {
        let from = end.saturating_sub(STEP);
        let most = usize::try_from(end - from).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for line in reader.entries(from, most)? {
            let (index, event) = DECODE(&line)?;
            if index < end && matches!(event.change, Change::BrokerStarted { .. }) {
                found.push(index);
            }
        }
        starts.extend(found.into_iter().rev());
        end = from;
    }
    starts.truncate(STARTS);
    starts.reverse();
    Ok(starts)
}
