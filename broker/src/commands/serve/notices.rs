//! Puts together who is told of what happens.

use std::sync::Arc;

use tokio::sync::watch;

use super::super::notices::channel;
use super::made::Made;
use super::tasks::Tasks;
use crate::config::Config;
use crate::notify::{Contacts, Courier, Herald, Notifier, Place, Standing, Trouble};
use crate::ports::{Clock, LedgerReader};
use crate::telemetry::Labelled;

/// How each destination of the config fares.
pub(super) fn standings(config: &Config) -> Vec<Arc<Standing>> {
    let names = config.settings.notify.keys();
    names
        .map(|name| Arc::new(Standing::new(name.as_str())))
        .collect()
}

/// Those that have failed for too long, for `glass status`.
pub(super) fn problems(standings: &[Arc<Standing>], clock: &dyn Clock) -> Vec<String> {
    let now = clock.monotonic();
    standings.iter().filter_map(|it| it.problem(now)).collect()
}

/// What is counted, by destination.
pub(super) fn counted(
    standings: &[Arc<Standing>],
    reader: &Arc<dyn LedgerReader>,
) -> Vec<Labelled> {
    let all = |read: fn(&Standing) -> u64| {
        let standings = standings.to_vec();
        move || {
            let each = standings.iter();
            let each = each.map(|it| (it.name().to_owned(), read(it) as f64));
            each.collect()
        }
    };
    let (reader, behind) = (reader.clone(), standings.to_vec());
    let lag = move || {
        let size = reader.checkpoint().size();
        let each = behind.iter();
        let each = each.map(|it| (it.name().to_owned(), size.saturating_sub(it.place()) as f64));
        each.collect()
    };
    let label = "destination";
    vec![
        Labelled::total(
            "notices_delivered",
            "Notices that a destination took",
            label,
            all(Standing::count_delivered),
        ),
        Labelled::total(
            "notices_failed",
            "Times a destination did not take a notice",
            label,
            all(Standing::count_failed),
        ),
        Labelled::of(
            "notices_lag_entries",
            "Entries that a destination was not told of yet, or that were not passed over",
            label,
            lag,
        ),
    ]
}

impl Made {
    /// For each destination: one who brings what happens, and one who tells of trouble with the ledger.
    pub(super) fn spawn_notices(&self, tasks: &mut Tasks) {
        let config = &self.core.config;
        for ((name, destination), standing) in config.settings.notify.iter().zip(&self.standings) {
            let app = self.core.app.clone();
            let contacts: Contacts = {
                let app = app.clone();
                Arc::new(move || app.contacts())
            };
            let channel = channel(config, destination, contacts);
            let notifier = Notifier::new(channel, destination.events.clone(), app.clone());
            let (folder, ledger) = (config.notify_dir(), config.ledger_origin());
            let place = Place::open(&folder, name.as_str(), &ledger).unwrap_or_else(|error| {
                tracing::error!(%name, %error, "where it was told up to is not known: told from now on");
                Place::new(&folder, name.as_str(), &ledger)
            });
            let trouble: watch::Receiver<Trouble> = self.core.troubles.of_the_ledger();
            let herald = Herald::new(notifier.clone(), standing.clone(), trouble);
            let courier = Courier::new(notifier, app, place, standing.clone());
            tasks.spawn("telling people", courier.run());
            tasks.spawn("telling people of trouble", herald.run());
        }
    }
}
