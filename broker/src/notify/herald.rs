//! Tells of trouble with the ledger. That is no entry, because it may be that none can be written; so
//! it is told from memory, beside what a courier brings, and found again after a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::courier::{Outlet, Standing, pause_after};
use super::limits::TROUBLE_PAUSE;
use super::notice::{Notice, Subject};
use super::notifier::Notifier;
use crate::config::notify::Occasion;

/// What is wrong with the ledger right now: a word for each, and a sentence of ours.
pub type Trouble = BTreeMap<&'static str, &'static str>;

/// What is said once nothing is.
const ALL_CLEAR: &str = "The ledger takes entries again";

/// Tells one destination.
pub struct Herald {
    notifier: Arc<Notifier>,
    standing: Arc<Standing>,
    trouble: watch::Receiver<Trouble>,
}

impl Herald {
    /// Tells what is wrong now, and from now on.
    #[must_use]
    pub fn new(
        notifier: Arc<Notifier>,
        standing: Arc<Standing>,
        trouble: watch::Receiver<Trouble>,
    ) -> Self {
        Self {
            notifier,
            standing,
            trouble,
        }
    }

    /// Tells until the broker stops.
    pub async fn run(mut self) {
        let mut stopping = self.notifier.app().stopping();
        let wanted = self.notifier.wants(Subject::Of(Occasion::LedgerTrouble));
        tokio::select! {
            () = stopping.told() => {}
            () = self.tell_all(), if wanted => {}
        }
    }

    /// Never answers while somebody can still say what is wrong.
    async fn tell_all(&mut self) {
        let mut told = Trouble::new();
        let mut hushed = BTreeMap::new();
        loop {
            let wrong = self.trouble.borrow_and_update().clone();
            if wrong.is_empty() && !told.is_empty() {
                let is_well = |wrong: &Trouble| wrong.is_empty();
                if self.bring("over", ALL_CLEAR, is_well).await {
                    let until = Instant::now() + TROUBLE_PAUSE;
                    hushed.extend(
                        std::mem::take(&mut told)
                            .into_keys()
                            .map(|key| (key, until)),
                    );
                }
                continue;
            }
            hushed.retain(|_, until| *until > Instant::now());
            let new: Vec<_> = wrong
                .iter()
                .filter(|(key, _)| !told.contains_key(*key) && !hushed.contains_key(*key))
                .collect();
            for (key, text) in &new {
                if self
                    .bring(key, text, |wrong| wrong.contains_key(*key))
                    .await
                {
                    told.insert(key, text);
                }
            }
            if new.is_empty() {
                let next = wrong.keys().filter_map(|key| hushed.get(key)).min();
                tokio::select! {
                    changed = self.trouble.changed() => if changed.is_err() {
                        return std::future::pending().await;
                    },
                    () = until(next.copied()) => {}
                }
            }
        }
    }

    /// Tries for as long as it holds; whether it was delivered.
    async fn bring(&self, key: &str, text: &str, holds: impl Fn(&Trouble) -> bool) -> bool {
        let app = self.notifier.app();
        let notice = Notice::trouble(key, text, app.now());
        let mut failures = 0;
        while holds(&self.trouble.borrow()) {
            match self.notifier.deliver(&notice).await {
                Ok(()) => {
                    self.standing.delivered();
                    return true;
                }
                Err(why) => {
                    self.standing.failed(app.monotonic(), &why);
                    sleep(pause_after(failures)).await;
                    failures += 1;
                }
            }
        }
        false
    }
}

/// Never, where there is no moment.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
