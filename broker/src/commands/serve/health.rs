//! What is wrong right now, for those who ask: `/healthz`, `glass status`, metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::ledger::sequence::{Appended, Observer};
use crate::notify::Trouble;
use crate::ports::{LedgerError, Room};
use crate::telemetry::Telemetry;

/// Where trouble can be; one sentence for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Where {
    Ledger,
    Disk,
    Policy,
    Keys,
    Certificate,
    Hooks,
}

/// The sentences.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    all: Mutex<BTreeMap<Where, String>>,
    /// What people are told of, wherever they are.
    ledger: watch::Sender<Trouble>,
}

impl Troubles {
    /// Something is wrong there.
    pub(super) fn set(&self, place: Where, what: impl Into<String>) {
        self.lock().insert(place, what.into());
        self.publish(place, true);
    }

    /// Nothing is wrong there any more.
    pub(super) fn clear(&self, place: Where) {
        self.lock().remove(&place);
        self.publish(place, false);
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<String> {
        self.lock().values().cloned().collect()
    }

    /// What is wrong with the ledger, as it comes and goes.
    pub(super) fn of_the_ledger(&self) -> watch::Receiver<Trouble> {
        self.ledger.subscribe()
    }

    /// In sentences of ours: what the system says of a file stays on this host.
    fn publish(&self, place: Where, is_wrong: bool) {
        let (key, text) = match place {
            Where::Ledger => (
                "append",
                "LEDGER TROUBLE: nothing can be recorded, so nothing is granted; on the broker's \
                 host: glassd check",
            ),
            Where::Disk => (
                "disk",
                "LEDGER TROUBLE: the broker's disk is nearly full, and only endings are recorded; \
                 make room on its host",
            ),
            Where::Policy | Where::Keys | Where::Certificate | Where::Hooks => return,
        };
        self.ledger.send_if_modified(|wrong| match is_wrong {
            true => wrong.insert(key, text).is_none(),
            false => wrong.remove(key).is_some(),
        });
    }

    /// Whether the broker can record everything that people do.
    pub(super) fn can_record(&self) -> bool {
        let troubles = self.lock();
        !troubles.contains_key(&Where::Ledger) && !troubles.contains_key(&Where::Disk)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Where, String>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears of appends: counts them, and knows whether the last one worked and whether there is room
/// for more than endings.
pub(super) struct Appends {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) troubles: Arc<Troubles>,
}

impl Observer for Appends {
    fn appended(&self, batch: Appended) {
        self.telemetry.appended(batch.entries, batch.took);
        self.troubles.clear(Where::Ledger);
    }

    fn room(&self, room: Room) {
        match room {
            Room::Plenty => self.troubles.clear(Where::Disk),
            Room::EndingsOnly => self.troubles.set(
                Where::Disk,
                "the disk is nearly full: only endings are recorded; make room on the broker's host",
            ),
        }
    }

    fn refused_for_room(&self) {
        self.telemetry.refused_for_room();
    }

    fn failed(&self, why: &LedgerError) {
        self.telemetry.append_failed();
        self.troubles
            .set(Where::Ledger, format!("nothing can be recorded: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_ending_on_a_full_disk_is_no_sign_of_health() {
        let (telemetry, troubles) = (Telemetry::new("1"), Arc::new(Troubles::default()));
        let appends = Appends {
            telemetry: telemetry.clone(),
            troubles: troubles.clone(),
        };
        let ending = Appended {
            commands: 1,
            entries: 1,
            bytes: 100,
            took: Duration::from_millis(1),
        };
        appends.room(Room::EndingsOnly);
        appends.refused_for_room();
        appends.appended(ending);
        assert!(!troubles.can_record());
        assert!(troubles.all()[0].contains("nearly full"));
        assert!(
            telemetry
                .metrics()
                .contains("breakglass_ledger_full_refusals_total 1")
        );
        appends.failed(&LedgerError::Unavailable("gone".into()));
        appends.room(Room::Plenty);
        assert!(!troubles.can_record(), "that it failed is another matter");
        appends.appended(ending);
        assert!(troubles.can_record());
    }
}
