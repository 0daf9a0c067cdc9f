//! Refusals that the rules never saw: what is wrong with a statement or a caller is found at the
//! edge, and is an entry all the same where the person is known. And those that the rules cannot tell in full:
//! why a grant is over.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use breakglass_domain::folding::RefusalFolder;
use breakglass_domain::{Actor, Command, IncidentId};

use super::App;

/// Counts by reason since the start, and folds what repeats.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    counts: Mutex<BTreeMap<&'static str, u64>>,
    folder: Mutex<RefusalFolder>,
}

impl Refusals {
    pub(super) fn count(&self, reason: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(reason).or_default() += 1;
    }

    fn fold<T>(&self, fold: impl FnOnce(&mut RefusalFolder) -> T) -> T {
        fold(&mut self.folder.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl App {
    /// Refusals by reason since the start, of known people, guards, sources and strangers: for metrics.
    #[must_use]
    pub fn refusal_counts(&self) -> Vec<(&'static str, u64)> {
        let counts = &self.refusals.counts;
        let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|(reason, count)| (*reason, *count))
            .collect()
    }

    /// Somebody unknown was refused: only counted, so that nobody outside can fill the disk. `reason` is
    /// one of ours, so there are not many of them.
    pub fn count_refusal(&self, reason: &'static str) {
        self.refusals.count(reason);
    }

    /// Somebody known was refused at the edge: an entry, folded where it repeats. Does not wait for
    /// the entry, and is lost where it cannot be written: the person was refused all the same.
    pub async fn note_refusal(&self, by: &Actor, act: &str, reason: &'static str, text: &str) {
        self.refusals.count(reason);
        self.record_refusal(by, act, (reason, text), None).await;
    }

    /// The same for a refusal that was counted.
    pub(super) async fn record_refusal(
        &self,
        by: &Actor,
        act: &str,
        (reason, text): (&'static str, &str),
        incident: Option<IncidentId>,
    ) {
        let now = self.clock.now();
        let note = |folder: &mut RefusalFolder| folder.note(now, by, act, reason, text, incident);
        self.write_refusals(self.refusals.fold(note)).await;
    }

    /// Writes what was folded in windows that have passed.
    pub(super) async fn write_folded_refusals(&self) {
        let now = self.clock.now();
        self.write_refusals(self.refusals.fold(|folder| folder.due(now)))
            .await;
    }

    /// Writes everything folded so far; for the end of serving.
    pub async fn flush_refusals(&self) {
        self.write_refusals(self.refusals.fold(RefusalFolder::flush))
            .await;
    }

    async fn write_refusals(&self, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            if let Err(declined) = self.sequencer.submit(command).await {
                tracing::warn!(%declined, "a refusal was not recorded");
            }
        }
    }
}
