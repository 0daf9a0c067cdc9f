//! What others have seen of the ledger, as their statements carry it, held against what this laptop knows.
//!
//! Two laptops that are shown two histories find out as soon as one reads what the other has signed: the
//! head in it is signed by the ledger's key, and the broker has to prove that it is of one history with what
//! this laptop has seen.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use breakglass_proto::{statement::Seen, v1};
use breakglass_tlog::{Hash, SignedCheckpoint};

use super::Session;
use crate::{
    entry::Entry,
    error::Error,
    limits::HEADS_COMPARED,
    seen,
    trust::{Head, MARK},
};

/// Heads that were found to be of one history with this laptop's, so that each is asked about once.
#[derive(Default)]
pub(super) struct Compared(Mutex<BTreeSet<(u64, Hash)>>);

impl Compared {
    fn has(&self, size: u64, root: Hash) -> bool {
        self.heads().contains(&(size, root))
    }

    fn takes(&self, size: u64, root: Hash) {
        let mut heads = self.heads();
        if heads.len() >= HEADS_REMEMBERED {
            heads.pop_first();
        }
        heads.insert((size, root));
    }

    fn heads(&self) -> std::sync::MutexGuard<'_, BTreeSet<(u64, Hash)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of them: what somebody who follows the ledger for days reads of a team.
const HEADS_REMEMBERED: usize = 4_096;

/// Marks of lost histories that are looked through, the newest first: more is no ledger to rely on.
const MARKS: usize = 100;

impl Session {
    /// The newest head this laptop has accepted, for a statement; nothing where it knows none. A file
    /// that is damaged keeps nobody from acting: the answer's checkpoint shows it.
    pub(super) fn seen(&self) -> Option<Seen> {
        let remembered = self.trust().remembered().ok().flatten()?;
        let seen = seen::of(&remembered, &self.trust().keys())?;
        // One's own statements come back in entries.
        self.compared().takes(remembered.size(), remembered.root());
        Some(seen)
    }

    /// Compares what the signers of these entries had seen, the newest heads first and no more than
    /// [`HEADS_COMPARED`] that are new here. One accuses only where this laptop agrees with the broker's newest.
    ///
    /// # Errors
    /// [`Error::Unverified`] with saved evidence where one is of another history than this laptop has
    /// seen, or is not signed by the ledger's key; [`Error::Unreachable`] where a proof cannot be had.
    pub(crate) async fn compare_seen(
        &self,
        entries: impl IntoIterator<Item = &Entry>,
    ) -> Result<(), Error> {
        let is_known = |size, root| self.compared().has(size, root);
        let origin = self.trust().origin();
        for brought in seen::newest(entries, &origin, HEADS_COMPARED, is_known)? {
            let (index, by) = (brought.entry.index, &brought.entry.by);
            let head = brought.checked(&self.trust().keys());
            let head = head.map_err(|why| Error::unverified(format!("entry {index}: {why}")))?;
            let is_ours = self.trust().is_one_history(Head::from(&head), self).await?;
            if !is_ours && !self.is_marked_as_lost(&head).await? {
                // Where this laptop itself was shown another history, an entry's head proves nothing: that may be
                // older than where the two part.
                let newest = self.newest_head().await?;
                self.trust().agrees(Head::from(&*newest), self).await?;
                let agrees = self.trust().agrees(Head::from(&head), self).await;
                agrees.map_err(|error| {
                    error.within(&format!(
                        "entry {index} of the ledger, by {by}, brings a head that a laptop had seen"
                    ))
                })?;
            }
            self.compared().takes(brought.size, brought.root);
        }
        Ok(())
    }

    /// Whether a mark of this ledger names a head as one of a history that is lost: then it is known to
    /// everybody, and no news.
    async fn is_marked_as_lost(&self, head: &SignedCheckpoint) -> Result<bool, Error> {
        let asked = v1::ListEntriesRequest {
            kind: MARK.to_owned(),
            ..v1::ListEntriesRequest::default()
        };
        for listed in self.list_entries_alone(asked, MARKS).await? {
            let receipt = self.receipt(listed.index).await?;
            let of_receipt = Head::from(&**receipt.checkpoint());
            if !self.trust().is_one_history(of_receipt, self).await? {
                return Ok(false);
            }
            let names = self.trust().mark(&receipt)?.names(head.size(), head.root());
            if names {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same for something that was told as it happened, by whoever did it: its entry is read.
    ///
    /// # Errors
    /// [`Error::Unverified`]. What cannot be read just now is left for another time.
    pub(crate) async fn compare_told(&self, index: u64, by: &str) -> Result<(), Error> {
        if by == "breakglass" || by.contains(':') {
            return Ok(()); // nobody has signed it
        }
        match self.entry(index).await {
            Err(error @ Error::Unverified { .. }) => Err(error),
            _ => Ok(()),
        }
    }
}
