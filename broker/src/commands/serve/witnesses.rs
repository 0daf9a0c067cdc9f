//! Puts together who asks the witnesses, and what is counted of them.

use std::sync::Arc;

use super::broker::Core;
use super::made::Made;
use super::tasks::Tasks;
use crate::ports::{LedgerReader, Witnesses as _};
use crate::telemetry::{Gauge, Labelled};
use crate::witnesses::{Asking, Committed, Newest, Standings, Which};

/// What is known of witnesses.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) committed: Arc<Committed>,
    pub(super) newest: Arc<Newest>,
    pub(super) standings: Arc<Standings>,
}

impl Known {
    pub(super) fn new(reader: &dyn LedgerReader) -> Self {
        Self {
            committed: Committed::new(reader.checkpoint()),
            newest: Newest::new(),
            standings: Arc::default(),
        }
    }

    /// What is counted of each.
    pub(super) fn counted(&self) -> Vec<Labelled> {
        let all = |which| {
            let standings = Arc::clone(&self.standings);
            move || {
                let each = standings.each(which).into_iter();
                each.map(|(id, number)| (id, number as f64)).collect()
            }
        };
        let label = "witness";
        vec![
            Labelled::total(
                "witness_cosignatures",
                "Checkpoints that a witness has signed since the start",
                label,
                all(Which::Signed),
            ),
            Labelled::total(
                "witness_failures",
                "Times a witness did not sign since the start",
                label,
                all(Which::Failed),
            ),
            Labelled::of(
                "witness_size",
                "Entries of the newest checkpoint that a witness has signed since the start",
                label,
                all(Which::Size),
            ),
            Labelled::of(
                "witness_untold",
                "1 while a witness was not told which key signs the ledger. On its machine, while it is stopped: \
                 glass witness add-log VKEY --dir DIR --successions FILE; glass status has it with the key",
                label,
                all(Which::Untold),
            ),
        ]
    }
}

impl Made {
    /// What is read of them at each scrape.
    pub(super) fn of_witnesses(&self) -> Vec<Gauge> {
        let app = || self.core.app.clone();
        let (asked, lost, lag, age) = (app(), app(), app(), app());
        let (newest, signed) = (self.witnesses.newest.clone(), self.witnesses.newest.clone());
        vec![
            Gauge::of(
                "witnesses_needed",
                "Witnesses that have to sign the ledger, by the policy; 0 where none are asked",
                move || asked.asked_witnesses().map_or(0, |asked| asked.need) as f64,
            ),
            Gauge::of(
                "ledger_unwitnessed",
                "1 while it is on record that too few witnesses sign the ledger",
                move || f64::from(u8::from(lost.unwitnessed_since().is_some())),
            ),
            Gauge::of(
                "witnessed_lag_entries",
                "Entries that too few witnesses have signed; 0 where none are asked",
                move || match lag.asked_witnesses() {
                    Some(_) => lag.checkpoint().size().saturating_sub(newest.size()) as f64,
                    None => 0.0,
                },
            ),
            Gauge::of(
                "witnessed_age_seconds",
                "Time since the newest checkpoint that enough witnesses have signed, by their clocks; \
                 0 where there is none",
                move || {
                    let newest = signed.newest();
                    let seconds = newest.and_then(|newest| {
                        let times = newest.cosignatures().iter().map(|it| it.seconds);
                        times.max()
                    });
                    let now = age.now().as_millis() / 1_000;
                    seconds.map_or(0.0, |then| (now as f64 - then as f64).max(0.0))
                },
            ),
        ]
    }

    /// One who asks them.
    pub(super) fn spawn_witnesses(&self, tasks: &mut Tasks) {
        let Known {
            committed,
            newest,
            standings,
        } = self.witnesses.clone();
        let Core { config, app, .. } = &*self.core;
        let folder = config.file.parent();
        let asking = Asking {
            app: app.clone(),
            ledger: self.ledger_keys.clone(),
            addresses: config.settings.witness.clone(),
            config_dir: folder.map(ToOwned::to_owned).unwrap_or_default(),
            ledger_dir: config.ledger_dir(),
            committed,
            newest,
            standings,
        };
        tasks.spawn("asking witnesses", asking.run());
    }
}
