//! Drops roles whose time is over: at once, and again and again until they are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::Line;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::app::{App, Error};
use crate::ports::DroppedRole;

/// The first pause after a drop that failed; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: a database that comes back after an hour is rid of its roles within a minute.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often it looks where nothing happened: a grant that ended while the broker was off, or one
/// whose time ran out between two entries.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Drops under way at once: each is a few connections to a database.
const AT_ONCE: usize = 8;

/// What became of one.
type Dropped = (Line, Result<DroppedRole, Error>);

/// Tries again later.
#[derive(Debug, Clone, Copy)]
struct Later {
    failures: u32,
    at: Instant,
}

impl Later {
    fn after(failures: u32) -> Self {
        let doublings = failures.saturating_sub(1).min(16);
        let pause = (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
        Self {
            failures,
            at: Instant::now() + pause,
        }
    }
}

/// Drops roles until the broker stops. What was begun is ended: a drop that is cut off halfway is
/// done again by the next broker.
pub async fn drop_doomed_roles(app: Arc<App>) {
    let mut stopping = app.stopping();
    let mut work = Work {
        app: Arc::clone(&app),
        later: BTreeMap::new(),
        under_way: BTreeSet::new(),
        drops: JoinSet::new(),
    };
    let Ok(mut events) = app.follow(None) else {
        return;
    };
    loop {
        let next = work.begin();
        tokio::select! {
            () = stopping.told() => return,
            Some(done) = work.drops.join_next() => work.done(done),
            () = sleep_until(next) => {}
            told = events.next() => match told {
                Ok(_) => {}
                // The ledger cannot be read just now; what is doomed is in the live state.
                Err(_) => tokio::time::sleep(FIRST_PAUSE).await,
            },
        }
    }
}

struct Work {
    app: Arc<App>,
    later: BTreeMap<Line, Later>,
    under_way: BTreeSet<Line>,
    drops: JoinSet<Dropped>,
}

impl Work {
    /// Begins what is due; answers when to look again.
    fn begin(&mut self) -> Instant {
        let now = Instant::now();
        let doomed = self.app.doomed_roles();
        self.later
            .retain(|name, _| doomed.iter().any(|doomed| doomed.role == *name));
        for doomed in doomed {
            let waits = self.later.get(&doomed.role).is_some_and(|it| now < it.at);
            let is_full = self.drops.len() >= AT_ONCE;
            if waits || is_full || self.under_way.contains(&doomed.role) {
                continue;
            }
            self.under_way.insert(doomed.role.clone());
            let app = Arc::clone(&self.app);
            self.drops
                .spawn(async move { (doomed.role.clone(), app.drop_role(&doomed).await) });
        }
        let next = self.later.values().map(|later| later.at).min();
        next.map_or(now + LOOK_EVERY, |next| next.min(now + LOOK_EVERY))
    }

    fn done(&mut self, done: Result<Dropped, tokio::task::JoinError>) {
        let Ok((role, result)) = done else {
            // A panic, which is in the diagnostics; nothing says whose it was, so all may be tried.
            self.under_way.clear();
            return;
        };
        self.under_way.remove(&role);
        match result {
            Ok(dropped) => {
                tracing::info!(%role, sessions = dropped.sessions, "a role is gone");
                self.later.remove(&role);
            }
            Err(error) => {
                let failures = self.later.get(&role).map_or(0, |later| later.failures) + 1;
                if failures == 1 {
                    tracing::warn!(%role, %error, "a role could not be dropped; trying again");
                }
                self.later.insert(role, Later::after(failures));
            }
        }
    }
}
