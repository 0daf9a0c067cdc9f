//! What is wrong right now, for those who ask: `/healthz`, `glass status`, metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ledger::sequence::{Appended, Observer};
use crate::ports::LedgerError;
use crate::telemetry::Telemetry;

/// Where trouble can be; one sentence for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Where {
    Ledger,
    Policy,
    Keys,
    Certificate,
}

/// The sentences.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<BTreeMap<Where, String>>);

impl Troubles {
    /// Something is wrong there.
    pub(super) fn set(&self, place: Where, what: impl Into<String>) {
        self.lock().insert(place, what.into());
    }

    /// Nothing is wrong there any more.
    pub(super) fn clear(&self, place: Where) {
        self.lock().remove(&place);
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<String> {
        self.lock().values().cloned().collect()
    }

    /// Whether the broker can record what people do.
    pub(super) fn can_record(&self) -> bool {
        !self.lock().contains_key(&Where::Ledger)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Where, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears of appends: counts them, and knows whether the last one worked.
pub(super) struct Appends {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) troubles: Arc<Troubles>,
}

impl Observer for Appends {
    fn appended(&self, batch: Appended) {
        self.telemetry.appended(batch.entries, batch.took);
        self.troubles.clear(Where::Ledger);
    }

    fn failed(&self, why: &LedgerError) {
        self.telemetry.append_failed();
        self.troubles
            .set(Where::Ledger, format!("nothing can be recorded: {why}"));
    }
}
