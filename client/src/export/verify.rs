//! Checking an exported folder, or a mirror, trusting nothing but the ledger's key.

use std::path::Path;

use breakglass_tlog::{Hash, LedgerKeys, SignedCheckpoint, VerifierKey};
use jiff::Timestamp;
use serde::Serialize;

use super::{About, Folder, Piece, bundle, derived::Derived};
use crate::{
    audit::{Auditor, Report},
    entry::Entry,
    error::Error,
    files,
    witnessed::{self, Cosigner},
};

/// An export that was checked.
#[derive(Debug)]
pub struct Verified {
    /// What was checked.
    pub report: Report,
    /// Its head.
    pub checkpoint: SignedCheckpoint,
    /// The root over as many of its entries as were asked for; nothing where it has fewer, or that end
    /// lies within what is only hashed.
    pub root: Option<Hash>,
    /// Which part of the ledger it is, where it is a part.
    pub part: Option<Part>,
    /// What it says of itself; an export of an older `glass` says nothing.
    pub about: Option<About>,
    /// Whether the last entry is from after the period, so that none of it can be missing; nothing where it
    /// has no end of its own. Where it is not, these were all there were when the export was taken, and its
    /// word is all there is for that.
    pub is_end_shown: Option<bool>,
    /// Whether `verify.py` is the one this `glass` writes; nothing where there is none.
    pub is_verifier_ours: Option<bool>,
    /// Which witnesses have signed it.
    pub witnesses: Vec<Cosigner>,
}

/// A part of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The first entry.
    pub from: u64,
    /// One past the last.
    pub to: u64,
    /// Entries from before it that are shown, each proven to stand where it says.
    pub shown_before: u64,
    /// Entries from before it that are hashed only.
    pub hashed_before: u64,
}

/// Checks an exported folder, or one of tiles (a [mirror](crate::mirror)), and works out the root over its first `size` entries.
///
/// # Errors
/// [`Error::Unverified`] where anything in it was changed, [`Error::Setup`] where it is no export.
pub fn verify(folder: &Path, keys: impl Into<LedgerKeys>, size: u64) -> Result<Verified, Error> {
    verify_demanding(folder, keys, size, &[])
}

/// The same, and demands that these witnesses have signed it.
///
/// # Errors
/// As [`verify`], and [`Error::Unverified`] where one of them has not.
pub fn verify_demanding(
    folder: &Path,
    keys: impl Into<LedgerKeys>,
    size: u64,
    demanded: &[VerifierKey],
) -> Result<Verified, Error> {
    check(&Folder::open(folder, keys)?, size, demanded)
}

/// The same for a folder that is open.
pub(super) fn check(
    folder: &Folder,
    size: u64,
    demanded: &[VerifierKey],
) -> Result<Verified, Error> {
    let mut check = Check::new(folder, size)?;
    folder.walk(|piece| check.take(piece))?;
    check.finish(folder, demanded)
}

/// What is kept on the way through.
struct Check {
    auditor: Auditor,
    /// The size that is asked for.
    size: u64,
    /// What witnesses have signed.
    cosigned: Option<String>,
    derived: Option<Derived>,
    from: u64,
    /// The root where the period begins.
    start_root: Option<Hash>,
    shown_before: u64,
    bounds: Bounds,
}

impl Check {
    fn new(folder: &Folder, size: u64) -> Result<Self, Error> {
        let cosigned = files::read_text(&folder.path.join(super::WITNESSED))?;
        let derived = folder.about.as_ref();
        let derived = derived
            .map(|_| Derived::compare(&folder.path))
            .transpose()?;
        Ok(Self {
            auditor: Auditor::new(folder.keys.clone())
                .asking_root_at(size)
                .asking_root_at(folder.checkpoint.size())
                .asking_root_at(witnessed::size_of(cosigned.as_deref(), &folder.keys)?)
                .of_part_from(folder.from()),
            size,
            cosigned,
            derived,
            from: folder.from(),
            start_root: folder.start.as_ref().map(|(start, _)| start.root()),
            shown_before: 0,
            bounds: Bounds::of(folder)?,
        })
    }

    fn take(&mut self, piece: Piece<'_>) -> Result<(), Error> {
        let (line, is_within) = match piece {
            Piece::Hidden { level, hash } => {
                self.auditor.pass(level, hash)?;
                return self.check_start();
            }
            Piece::Before(line) => (line, false),
            Piece::Within(line) => (line, true),
        };
        let entry = self.auditor.read(line)?;
        self.bounds.take(&entry)?;
        if let Some(derived) = &mut self.derived {
            derived.take(line, is_within)?;
        }
        if is_within {
            return Ok(());
        }
        self.shown_before += 1;
        self.check_start()
    }

    /// What came before leads to the checkpoint that was signed there.
    fn check_start(&self) -> Result<(), Error> {
        match self.start_root {
            Some(root) if self.auditor.size() == self.from && root != self.auditor.root() => {
                Err(Error::unverified(
                    "what came before the period gives another root than was signed there: at least \
                     one entry or hash was changed",
                ))
            }
            _ => Ok(()),
        }
    }

    fn finish(self, folder: &Folder, demanded: &[VerifierKey]) -> Result<Verified, Error> {
        let root = self.auditor.root_at(self.size);
        let notes: Vec<_> = std::iter::once(folder.checkpoint.note())
            .chain(self.cosigned.as_deref())
            .collect();
        let witnesses = witnessed::check(&self.auditor, self.auditor.keys(), &notes, demanded);
        // What was changed comes first: then nothing that was signed suits it.
        let report = self.auditor.finish(folder.checkpoint.note())?;
        let is_end_shown = self.bounds.finish()?;
        if let Some(derived) = self.derived {
            derived.finish()?;
        }
        let part = folder.start.as_ref().map(|_| Part {
            from: self.from,
            to: folder.checkpoint.size(),
            shown_before: self.shown_before,
            hashed_before: self.from - self.shown_before,
        });
        let verifier = files::read(&folder.path.join(super::VERIFIER))?;
        Ok(Verified {
            report,
            root,
            part,
            witnesses: witnesses?,
            checkpoint: folder.checkpoint.clone(),
            about: folder.about.clone(),
            is_end_shown,
            is_verifier_ours: verifier.map(|found| found == bundle::verifier().as_bytes()),
        })
    }
}

/// Nothing that belongs to the period is left out at its ends: the times of the entries, which never go
/// back, say so.
struct Bounds {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    from: u64,
    last: Option<(u64, Timestamp)>,
    is_begin_shown: bool,
}

impl Bounds {
    fn of(folder: &Folder) -> Result<Self, Error> {
        let about = folder.about.as_ref();
        let time =
            |read: fn(&About) -> Result<Option<Timestamp>, Error>| about.map_or(Ok(None), read);
        Ok(Self {
            since: time(About::since_time)?,
            until: time(About::until_time)?,
            from: folder.from(),
            last: None,
            is_begin_shown: folder.from() == 0,
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), Error> {
        self.last = Some((entry.index, entry.at));
        if entry.index + 1 != self.from {
            return Ok(());
        }
        self.is_begin_shown = true;
        match self.since {
            Some(since) if entry.at < since => Ok(()),
            since => Err(Error::unverified(format!(
                "entry {} of {} stands before the period, which begins {}: it belongs to it",
                entry.index,
                entry.at,
                since.map_or("with the ledger".to_owned(), |since| format!("at {since}"))
            ))),
        }
    }

    /// Whether something shows that no entry of the period is missing at its end; nothing where the end
    /// was whatever was newest.
    fn finish(&self) -> Result<Option<bool>, Error> {
        if !self.is_begin_shown {
            return Err(Error::unverified(
                "the last entry before the period is not shown, which proves where it begins",
            ));
        }
        let reaches = |until| self.last.is_some_and(|(_, at)| at >= until);
        Ok(self.until.map(reaches))
    }
}
