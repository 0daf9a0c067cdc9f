//! What a laptop has seen of the ledger, held against the ledger there is.
//!
//! A statement carries the newest head that its signer's laptop has accepted. The ledger's key has signed
//! it, so it is either of this history, or that key has signed two: this broker serves a copy that was set
//! back, or somebody shows one ledger to some and another to others. The laptop is told, the others are, and
//! nothing is taken from it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use breakglass_domain::command::Act;
use breakglass_domain::{Actor, Command, Refusal, State};
use breakglass_tlog::{SignedCheckpoint, VerifierKey};

use super::ledger::blocking;
use super::limits::OTHER_HISTORIES;
use super::{About, App, Error};
use crate::ports::LedgerReader;

/// The head that a statement says was seen; not yet checked.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Entries.
    pub size: u64,
    /// The signed note of the checkpoint, written again from the statement.
    pub note: String,
}

/// Heads of other histories that laptops have shown since the start, newest last.
#[derive(Debug, Default)]
pub(super) struct OtherHistories(Mutex<VecDeque<Shown>>);

/// One of them.
#[derive(Debug)]
struct Shown {
    note: String,
    /// What is said of it.
    told: String,
    /// Whether a refusal with it is on record.
    is_recorded: bool,
}

impl OtherHistories {
    /// Whether it goes on record by a refusal for the first time.
    fn take(&self, note: &str, told: String) -> bool {
        self.shows(note, told, true)
    }

    /// The same; where it goes on record by an act that was done, a refusal may still come.
    fn shows(&self, note: &str, told: String, records: bool) -> bool {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = shown.iter_mut().find(|it| it.note == note) {
            let is_new = records && !before.is_recorded;
            before.is_recorded |= records;
            return is_new;
        }
        if shown.len() >= OTHER_HISTORIES {
            shown.pop_front();
        }
        shown.push_back(Shown {
            note: note.to_owned(),
            told,
            is_recorded: records,
        });
        records
    }

    /// What is wrong, in one sentence for everybody.
    pub(super) fn problem(&self) -> Option<String> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = &shown.back()?.told;
        let more = match shown.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(format!(
            "ANOTHER HISTORY of this ledger was seen: {told}{more}. Whoever runs the broker: \
             docs/operating/troubleshooting.md"
        ))
    }
}

/// What is wrong with what a laptop has seen.
struct Other {
    refusal: Refusal,
    /// Whether a mark names it.
    is_lost: bool,
    note: String,
}

impl App {
    /// Checks that what a laptop has seen is of this ledger's history. Where it is not, that is put on
    /// record with the head, and told.
    ///
    /// # Errors
    /// [`Refusal::LedgerBehind`], [`Refusal::LedgerForked`]; [`Refusal::SeenUnsigned`] where the
    /// ledger's key has not signed it; [`Error::Ledger`] where the tree cannot be read.
    pub async fn need_same_history(
        &self,
        by: Option<&Actor>,
        act: &'static str,
        seen: Option<Seen>,
    ) -> Result<(), Error> {
        let Some(other) = self.other_history(by, act, seen).await? else {
            return Ok(());
        };
        let refusal = other.refusal;
        if !other.is_lost {
            self.tell_of_other_history(by, act, &refusal, other.note)
                .await;
        } else if let Some(by) = by {
            // On record already: what this laptop has seen went with what was lost.
            let text = refusal.to_string();
            self.note_refusal(by, act, refusal.code(), &text).await;
        }
        Err(refusal.into())
    }

    /// The same for an act that only ends something, which is done all the same: whether what its laptop has seen
    /// is of another history. The entry of the act says so, and it is told like every other.
    ///
    /// # Errors
    /// [`Refusal::SeenUnsigned`], [`Error::Ledger`].
    pub async fn has_seen_another(
        &self,
        by: &Actor,
        act: &'static str,
        seen: Option<Seen>,
    ) -> Result<bool, Error> {
        let Some(other) = self.other_history(Some(by), act, seen).await? else {
            return Ok(false);
        };
        if !other.is_lost {
            let (reason, text) = (other.refusal.code(), other.refusal.to_string());
            self.histories
                .shows(&other.note, format!("{by}: {text}"), false);
            tracing::error!(reason, %by, act, "A LAPTOP HAS SEEN ANOTHER HISTORY OF THIS LEDGER");
        }
        Ok(true)
    }

    /// What a laptop has seen of another history; nothing where it is of this one.
    async fn other_history(
        &self,
        by: Option<&Actor>,
        act: &'static str,
        seen: Option<Seen>,
    ) -> Result<Option<Other>, Error> {
        let Some(seen) = seen else { return Ok(None) };
        let is_lost = |size, root: &str| self.is_marked_as_lost(size, root);
        let Some(head) = signed_by_us(&self.about, &seen, is_lost) else {
            let refusal = Refusal::SeenUnsigned(seen.size);
            if let Some(by) = by {
                let text = refusal.to_string();
                self.note_refusal(by, act, refusal.code(), &text).await;
            }
            return Err(refusal.into());
        };
        let (size, root) = (head.size(), head.root().to_string());
        let judged = blocking(&self.reader, move |reader| judge(reader, &head)).await?;
        Ok(judged.map(|refusal| Other {
            refusal,
            is_lost: is_lost(size, &root),
            note: seen.note,
        }))
    }

    /// Whether a mark names a head of another history as lost.
    #[must_use]
    pub fn is_marked_as_lost(&self, size: u64, root: &str) -> bool {
        let named = |state: &State| state.restorations.naming(size, root).is_some();
        self.live.read(named)
    }

    /// Puts it on record, with the head where that is new: whoever reads the ledger can check it.
    async fn tell_of_other_history(
        &self,
        by: Option<&Actor>,
        act: &'static str,
        refusal: &Refusal,
        note: String,
    ) {
        let (reason, text) = (refusal.code(), refusal.to_string());
        let who = by.map_or("somebody who enrols".to_owned(), Actor::to_string);
        let is_new = self.histories.take(&note, format!("{who}: {text}"));
        tracing::error!(reason, by = %who, act, "A LAPTOP HAS SEEN ANOTHER HISTORY OF THIS LEDGER");
        let Some(by) = by else {
            return self.count_refusal(reason);
        };
        if !is_new {
            return self.note_refusal(by, act, reason, &text).await;
        }
        self.refusals.count(reason);
        let noted = Act::NoteRefusal {
            by: by.clone(),
            act: act.to_owned(),
            reason: reason.to_owned(),
            text,
            count: 1,
            incident: None,
            checkpoint: Some(note),
        };
        let command = Command {
            by: Actor::Broker,
            signed: None,
            act: noted,
        };
        if let Err(declined) = self.sequencer.submit(command).await {
            tracing::error!(%declined, "that a laptop has seen another history is not on record");
        }
    }
}

/// A head, where the key whose turn it is has signed it: whoever stole one that was followed accuses nobody
/// by it. Of a history that is marked as lost another one may have had its turn.
pub(super) fn signed_by_us(
    about: &About,
    seen: &Seen,
    is_lost: impl Fn(u64, &str) -> bool,
) -> Option<SignedCheckpoint> {
    let keys = &about.ledger_vkeys;
    let past = about.handed_over_at.iter();
    let past = past.filter(|place| *place + 1 < seen.size);
    let signed = |key: &String| {
        let key = VerifierKey::parse(key).ok()?;
        SignedCheckpoint::verify(&seen.note, &key).ok()
    };
    keys.get(past.count()).and_then(signed).or_else(|| {
        let head = keys.iter().find_map(signed)?;
        is_lost(head.size(), &head.root().to_string()).then_some(head)
    })
}

/// Why a head that the ledger's key has signed is not of this ledger's history; nothing where it is. The
/// broker proves it to itself, as it would to a laptop.
fn judge(reader: &dyn LedgerReader, head: &SignedCheckpoint) -> Result<Option<Refusal>, Error> {
    let newest = reader.checkpoint();
    let (seen, size) = (head.size(), newest.size());
    if seen > size {
        return Ok(Some(Refusal::LedgerBehind { seen, size }));
    }
    let proof = reader.prove_consistency(seen, size)?;
    let is_ours = proof.verify(&head.root(), &newest.root()).is_ok();
    Ok((!is_ours).then_some(Refusal::LedgerForked { seen }))
}
