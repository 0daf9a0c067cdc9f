//! Puts together who is told of what happens.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::super::notices::channel;
use super::made::Made;
use super::tasks::Tasks;
use crate::config::Config;
use crate::notify::{Contacts, Courier, Herald, Lane, Notifier, Place, Standing, Trouble};
use crate::ports::{Clock, LedgerReader};
use crate::telemetry::Labelled;

/// How each destination of the config fares: with what is urgent, and with the rest.
pub(super) fn standings(config: &Config) -> Vec<Arc<Standing>> {
    let names = config.settings.notify.keys();
    let both = names.flat_map(|name| {
        let name = name.as_str();
        [Standing::of_urgent(name), Standing::new(name)]
    });
    both.map(Arc::new).collect()
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
            let each = each.map(|it| (it.label().to_owned(), read(it) as f64));
            each.collect()
        }
    };
    let (reader, behind) = (reader.clone(), standings.to_vec());
    let lag = move || {
        let size = reader.checkpoint().size();
        let each = behind.iter();
        let each = each.map(|it| {
            (
                it.label().to_owned(),
                size.saturating_sub(it.place()) as f64,
            )
        });
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
    /// For each destination: who brings what is urgent, who brings the rest, and who tells of trouble with
    /// the ledger.
    pub(super) fn spawn_notices(&self, tasks: &mut Tasks) {
        let config = &self.core.config;
        let lanes = self.standings.chunks_exact(2);
        for ((name, destination), lanes) in config.settings.notify.iter().zip(lanes) {
            let app = self.core.app.clone();
            let contacts: Contacts = {
                let app = app.clone();
                Arc::new(move || app.contacts())
            };
            let channel = Arc::new(channel(config, destination, contacts));
            let notifier = |lane| {
                let (channel, events) = (channel.clone(), destination.events.clone());
                Notifier::new(channel, lane, events, app.clone())
            };
            let rest = place(config, &config.notify_dir(), name);
            let mut urgent = place(config, &config.notify_dir().join(URGENT), name);
            if let Some(next) = rest.next()
                && let Err(error) = urgent.begin(next)
            {
                tracing::error!(%name, %error, "where it was told up to cannot be written");
            }
            let trouble: watch::Receiver<Trouble> = self.core.troubles.of_the_ledger();
            let herald = Herald::new(notifier(Lane::Urgent), lanes[0].clone(), trouble);
            tasks.spawn("telling people of trouble", herald.run());
            for (lane, place, standing) in [
                (Lane::Urgent, urgent, &lanes[0]),
                (Lane::Rest, rest, &lanes[1]),
            ] {
                let courier = Courier::new(notifier(lane), app.clone(), place, standing.clone());
                tasks.spawn("telling people", courier.run());
            }
        }
    }
}

/// Where places of what is urgent are, below those of the rest.
const URGENT: &str = "urgent";

fn place(config: &Config, folder: &Path, name: &impl Display) -> Place {
    let (name, ledger) = (name.to_string(), config.ledger_origin());
    Place::open(folder, &name, &ledger).unwrap_or_else(|error| {
        tracing::error!(%name, %error, "where it was told up to is not known: told from now on");
        Place::new(folder, &name, &ledger)
    })
}
