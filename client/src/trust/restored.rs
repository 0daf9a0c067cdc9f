//! Going on with a ledger that lost a part of what this laptop has seen: never by itself, only by somebody
//! who looked, and only where the ledger has a mark that names what is lost.

use std::{path::PathBuf, sync::Arc};

use breakglass_proto::v1;
use breakglass_tlog::{Receipt, SignedCheckpoint, succession::to_text};

use super::{Head, Prover, Trust};
use crate::{audit::Restored, entry::Entry, error::Error, evidence, files};

/// What this laptop would give up, and what for.
#[derive(Debug)]
pub struct GoingOn {
    /// The mark.
    pub restored: Restored,
    /// The newest checkpoint that was accepted so far: of the history that is lost.
    pub seen: Arc<SignedCheckpoint>,
    receipt: Receipt,
}

impl GoingOn {
    /// Of several marks that may be meant, the one that names the very head that was seen, or else the first.
    #[must_use]
    pub fn nearest(mut all: Vec<Self>) -> Option<Self> {
        let exact = all.iter().position(Self::is_exact).unwrap_or_default();
        (exact < all.len()).then(|| all.swap_remove(exact))
    }

    /// Whether the mark names the very head that was seen, and not only one that may be of the same history.
    fn is_exact(&self) -> bool {
        self.seen.size() == self.restored.size
    }

    /// How many of the entries that were seen are lost. Where the mark does not name the very head, what was seen may
    /// have gone its own way earlier.
    #[must_use]
    pub fn lost(&self) -> String {
        let known = self.seen.size() - self.restored.kept;
        match self.is_exact() {
            true => known.to_string(),
            false => format!("at least {known}"),
        }
    }

    /// Entries of the ledger as it is now.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.receipt.checkpoint().size()
    }
}

/// The kind of a mark.
pub const MARK: &str = "ledger.restored";

impl Trust {
    /// Looks whether a mark names what this laptop has seen. Nothing is changed by that.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is nothing to accept: it is no mark, was accepted before, or what was seen
    /// lies within the copy. [`Error::Unverified`] where it is false, or does not name what was seen.
    pub fn consider(&self, receipt: Receipt) -> Result<GoingOn, Error> {
        let index = receipt.index();
        let restored = self.mark(&receipt)?;
        let seen = self.remembered()?;
        let nothing = |what: String| Error::usage(what, "go on: glass status");
        let Some(seen) = seen else {
            let what =
                "this laptop has seen nothing of this ledger before, so there is nothing to accept";
            return Err(nothing(what.to_owned()));
        };
        if self.has_accepted(&receipt, &seen)? {
            let what = format!("this laptop has accepted entry {index} already");
            return Err(nothing(what));
        }
        if seen.note() == receipt.checkpoint().note() {
            return Err(nothing(match self.later_accepted(index)? {
                Some(later) => format!("this laptop has accepted a later mark ({later}) already"),
                None => "the ledger is what this laptop has seen, so there is nothing to accept"
                    .to_owned(),
            }));
        }
        if seen.size() <= restored.kept {
            return Err(nothing(format!(
                "this laptop has seen {} entries, and the copy had {}: of what is lost it has seen nothing",
                seen.size(),
                restored.kept
            )));
        }
        if !restored.names(seen.size(), seen.root()) {
            return Err(self.not_named(&restored, &seen));
        }
        Ok(GoingOn {
            restored,
            seen,
            receipt,
        })
    }

    /// The mark that a receipt proves.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is none; [`Error::Unverified`] where it is false.
    pub fn mark(&self, receipt: &Receipt) -> Result<Restored, Error> {
        let index = receipt.index();
        let entry = Entry::parse(receipt.entry())
            .map_err(|why| Error::unverified(format!("entry {index} cannot be read: {why}")))?;
        if entry.index != index {
            let what = format!("entry {index} calls itself entry {}", entry.index);
            return Err(Error::unverified(what));
        }
        if entry.kind != MARK {
            return Err(Error::usage(
                format!(
                    "entry {index} is no mark of a restored ledger, but {}",
                    entry.kind
                ),
                "see which there are: glass ledger accept",
            ));
        }
        if entry.by != "breakglass" {
            let what = format!("no {MARK} is ever by {}, as entry {index} is", entry.by);
            return Err(Error::unverified(what));
        }
        Restored::read(&entry, &self.keys())
            .map_err(|why| Error::unverified(format!("entry {index}: {why}")))
    }

    /// Checks that the entries which hand the ledger over to its keys are of one history with the mark.
    ///
    /// # Errors
    /// As [`Trust::accept`].
    pub async fn is_handed_over_in(
        &self,
        going: &GoingOn,
        receipts: &[v1::Receipt],
        prover: &impl Prover,
    ) -> Result<(), Error> {
        let mark = Head::from(&**going.receipt.checkpoint());
        for receipt in receipts {
            let proven = self.verify_receipt(receipt)?;
            let handed_over = Head::from(&**proven.checkpoint());
            self.compare(mark, handed_over, prover).await?;
        }
        Ok(())
    }

    /// Believes the ledger as it is now and the keys that are supposed to be its, and keeps for ever what was given
    /// up for it, with the evidence that was found until then. The folder of that is returned. What a
    /// crash leaves is accepted when it is run again.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Setup`] where another `glass` has seen something else meanwhile.
    pub fn go_on(&self, going: &GoingOn) -> Result<PathBuf, Error> {
        let folder = self.kept_of(going.receipt.index());
        files::create_folder(&folder)?;
        let (seen, now) = (&going.seen, going.receipt.checkpoint());
        for (name, text) in [
            (LOST, seen.note().as_bytes()),
            ("received.checkpoint", now.note().as_bytes()),
            ("README.txt", readme(going).as_bytes()),
            // The last one: from here on it counts as accepted.
            (ENTRY, going.receipt.entry()),
        ] {
            files::write(&folder.join(name), text)?;
        }
        evidence::put_away(&self.evidence_folder, &folder)?;
        match self.replace_with_keys(seen, now)? {
            true => Ok(folder),
            false => {
                std::fs::remove_file(folder.join(ENTRY))
                    .map_err(|error| Error::file("remove", folder.join(ENTRY), error))?;
                Err(Error::setup(
                    "another `glass` has written what this laptop has seen meanwhile",
                    "run it again",
                ))
            }
        }
    }

    /// The keys come first: with more of them what was seen can still be read, and what they sign cannot without.
    fn replace_with_keys(
        &self,
        seen: &SignedCheckpoint,
        now: &SignedCheckpoint,
    ) -> Result<bool, Error> {
        let _lock = self.lock()?;
        let is_still = self.still_has(Some(seen))?;
        if is_still {
            let successions = to_text(self.keys().successions());
            if !successions.is_empty() {
                files::write(&self.successions_file, successions.as_bytes())?;
                self.keep_times()?;
            }
            files::write(&self.checkpoint_file, now.note().as_bytes())?;
        }
        Ok(is_still)
    }

    fn kept_of(&self, index: u64) -> PathBuf {
        self.evidence_folder.join(format!("accepted-{index}"))
    }

    /// Whether this very entry was accepted, whatever came after. Where what is remembered is still what was to be
    /// given up for it, a crash came between.
    fn has_accepted(&self, receipt: &Receipt, seen: &SignedCheckpoint) -> Result<bool, Error> {
        let folder = self.kept_of(receipt.index());
        let kept = files::read(&folder.join(ENTRY))?;
        let lost = files::read_text(&folder.join(LOST))?;
        let is_kept = kept.is_some_and(|entry| entry == receipt.entry());
        Ok(is_kept && lost.as_deref() != Some(seen.note()))
    }

    /// The newest mark behind a place that was accepted.
    fn later_accepted(&self, index: u64) -> Result<Option<u64>, Error> {
        let unread = |error| Error::file("read", &self.evidence_folder, error);
        let folders = match std::fs::read_dir(&self.evidence_folder) {
            Ok(folders) => folders,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unread(error)),
        };
        let mut newest = None;
        for folder in folders {
            let name = folder.map_err(unread)?.file_name();
            let place = name.to_str().and_then(|it| it.strip_prefix("accepted-"));
            let place = place.and_then(|it| it.parse().ok());
            let place = place.filter(|it| *it > index && self.kept_of(*it).join(ENTRY).exists());
            newest = newest.max(place);
        }
        Ok(newest)
    }

    fn not_named(&self, restored: &Restored, seen: &SignedCheckpoint) -> Error {
        Error::unverified(format!(
            "entry {} does not name what this laptop has seen: {} entries, root {}; it names what was lost \
             of a history of {} entries, root {}. If the broker was restored, its operator has to mark this \
             one too: glassd recover --lost {}",
            restored.entry,
            seen.size(),
            seen.root(),
            restored.size,
            restored.root,
            self.checkpoint_file.display()
        ))
    }
}

/// What this laptop had seen.
const LOST: &str = "lost.checkpoint";

/// The mark, as it stands in the ledger.
const ENTRY: &str = "entry.json";

fn readme(going: &GoingOn) -> String {
    let restored = &going.restored;
    format!(
        "The broker went on from an older copy of its ledger, and somebody at this laptop accepted that.\n\n\
         entry.json            the mark: entry {} of the ledger\n\
         lost.checkpoint       what this laptop had seen of the history that is lost: {} entries\n\
         received.checkpoint   the ledger it goes on with: {} entries\n\
         folders with a date   the evidence that this laptop had kept until then, if there was any\n\n\
         Keep this folder: nothing else proves what there was.\n",
        restored.entry,
        going.seen.size(),
        going.size(),
    )
}

#[cfg(test)]
mod tests;
