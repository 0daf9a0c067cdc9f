//! What is to be undone in databases: roles and sessions whose grant is over, at once, and again and
//! again until they are gone; and roles there that nobody knows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::{CredentialId, Line, TargetId};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::retry::Retry;
use crate::app::{App, Error};
use crate::ports::{DoomedCertificate, DoomedRole};

/// How often it looks where nothing happened: a grant that ended while the broker was off, or one
/// whose time ran out between two entries.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often sessions of a certificate are ended that its server still takes: so long can one last
/// that was opened after its grant was over.
const END_EVERY: Duration = Duration::from_secs(2);

/// How often a database is asked what roles are there: an operator sees within a minute that it is
/// out of reach, before somebody needs it.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// One thing to do.
enum Chore {
    Drop(DoomedRole),
    End(DoomedCertificate),
    Sweep(TargetId),
}

/// Which it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Drop(Line),
    End(CredentialId),
    Sweep(TargetId),
}

impl Chore {
    fn key(&self) -> Key {
        match self {
            Self::Drop(role) => Key::Drop(role.role.clone()),
            Self::End(certificate) => Key::End(certificate.credential),
            Self::Sweep(target) => Key::Sweep(target.clone()),
        }
    }

    async fn run(self, app: Arc<App>) -> Result<(), Error> {
        match self {
            Self::Drop(doomed) => {
                let dropped = app.drop_role(&doomed).await?;
                tracing::info!(role = %doomed.role, sessions = dropped.sessions, "a role is gone");
            }
            Self::End(doomed) => {
                let sessions = app.end_certificate(&doomed).await?;
                if sessions > 0 {
                    let (credential, target) = (doomed.credential, &doomed.target);
                    tracing::info!(%credential, %target, sessions, "sessions of a certificate ended");
                }
            }
            Self::Sweep(target) => app.sweep(&target).await?,
        }
        Ok(())
    }
}

/// Does it until the broker stops. What was begun is ended: a drop that is cut off halfway is done
/// again by the next broker.
///
/// How much is done at once in one server is for whoever does it ([`Databases`](crate::ports::Databases)):
/// a server that does not answer keeps no other waiting.
pub async fn keep_databases(app: Arc<App>) {
    let mut stopping = app.stopping();
    let mut work = Work {
        app: Arc::clone(&app),
        began: Instant::now(),
        plans: BTreeMap::new(),
        under_way: HashMap::new(),
        doing: JoinSet::new(),
    };
    let Ok(mut events) = app.follow(None) else {
        return;
    };
    loop {
        let next = work.begin();
        tokio::select! {
            () = stopping.told() => return,
            Some(done) = work.doing.join_next_with_id() => work.done(done),
            () = sleep_until(next) => {}
            told = events.next() => match told {
                Ok(_) => {}
                // The ledger cannot be read just now; what is doomed is in the live state.
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            },
        }
    }
}

struct Work {
    app: Arc<App>,
    began: Instant,
    plans: BTreeMap<Key, Retry>,
    under_way: HashMap<Id, Key>,
    doing: JoinSet<Result<(), Error>>,
}

impl Work {
    /// Begins what is due; answers when to look again.
    fn begin(&mut self) -> Instant {
        let now = self.began.elapsed();
        let chores = self.chores();
        self.plans.retain(|key, _| chores.contains_key(key));
        for (key, chore) in chores {
            let plan = self.plans.entry(key.clone());
            let plan = plan.or_insert_with(|| Retry::at_once(now));
            if !plan.is_due(now) || self.under_way.values().any(|busy| *busy == key) {
                continue;
            }
            let task = self.doing.spawn(chore.run(Arc::clone(&self.app)));
            self.under_way.insert(task.id(), key);
        }
        let busy = |key: &Key| self.under_way.values().any(|busy| busy == key);
        let waiting = self.plans.iter().filter(|(key, _)| !busy(key));
        let next = waiting.map(|(_, plan)| plan.due()).min();
        let look = now + LOOK_EVERY;
        self.began + next.map_or(look, |next| next.min(look))
    }

    fn chores(&self) -> BTreeMap<Key, Chore> {
        let roles = self.app.doomed_roles().into_iter().map(Chore::Drop);
        let certificates = self.app.doomed_certificates().into_iter().map(Chore::End);
        let sweeps = self.app.databases().into_iter().map(Chore::Sweep);
        let chores = roles.chain(certificates).chain(sweeps);
        chores.map(|chore| (chore.key(), chore)).collect()
    }

    fn done(&mut self, done: Result<(Id, Result<(), Error>), JoinError>) {
        let (id, result) = match done {
            Ok((id, result)) => (id, result.map_err(|error| error.to_string())),
            // A panic, which is in the diagnostics.
            Err(fallen) => (fallen.id(), Err("it fell".to_owned())),
        };
        let Some(key) = self.under_way.remove(&id) else {
            return;
        };
        let now = self.began.elapsed();
        let plan = self.plans.entry(key.clone());
        let plan = plan.or_insert_with(|| Retry::at_once(now));
        match result {
            Err(error) => {
                if plan.failures() == 0 {
                    tracing::warn!(?key, %error, "not done in a database; trying again");
                }
                plan.failed(now);
            }
            Ok(()) => {
                if plan.failures() > 0 {
                    let (failures, waited) = (plan.failures(), plan.waited(now));
                    tracing::info!(?key, failures, ?waited, "done in a database after all");
                }
                self.well(key, now);
            }
        }
    }

    /// What is done once is no chore any more; the rest has its next turn. A server that answers
    /// again is rid of everything at once.
    fn well(&mut self, key: Key, now: Duration) {
        let again = match &key {
            Key::Drop(_) => return,
            Key::End(_) => END_EVERY,
            Key::Sweep(_) => SWEEP_EVERY,
        };
        let answers_again = matches!(key, Key::Sweep(_));
        if let Some(plan) = self.plans.get_mut(&key) {
            let had_failed = plan.failures() > 0;
            plan.again_after(now, again);
            if answers_again && had_failed {
                let others = self.plans.iter_mut();
                let others = others.filter(|(key, _)| !matches!(key, Key::Sweep(_)));
                others.for_each(|(_, plan)| plan.hurry(now));
            }
        }
    }
}
