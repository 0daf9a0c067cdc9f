//! The ticking work: what ends by itself, and publishing again what others fetch.

mod databases;
mod retry;

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;

pub use databases::keep_databases;

/// The longest pause between two looks: a wall clock that is set, or a grant that was asked for
/// since, is noticed this late at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The shortest, so that a deadline that cannot be met (the ledger refuses) is not a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// How often what others fetch is published again.
const PUBLISH_EVERY: Duration = Duration::from_secs(5);

/// Publishes the newest state for those who fetch it: checkpoint, tiles. Must not block for long.
pub type Publish = Box<dyn Fn() + Send + Sync>;

/// The ticking work of one broker.
pub struct Jobs {
    app: Arc<App>,
    publish: Publish,
    /// When it was published last, on the monotonic clock.
    published: Option<Duration>,
    /// Whether the last look failed, so that trouble is told once and not each second.
    failing: bool,
}

impl Jobs {
    /// Nothing happens before [`Jobs::run`] or [`Jobs::tick`].
    #[must_use]
    pub fn new(app: Arc<App>, publish: Publish) -> Self {
        Self {
            app,
            publish,
            published: None,
            failing: false,
        }
    }

    /// Ticks until the broker stops.
    pub async fn run(mut self) {
        let mut stopping = self.app.stopping();
        loop {
            let pause = self.tick().await;
            tokio::select! {
                () = stopping.told() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks once, at the time the broker's clocks say, and does what is due; answers how long
    /// nothing will be. What fails stays due, and is tried at each look until it succeeds.
    pub async fn tick(&mut self) -> Duration {
        let done = self.app.tick().await;
        match (&done, self.failing) {
            (Err(error), false) => tracing::error!(%error, "what is due could not be ended"),
            (Ok(()), true) => tracing::info!("what is due is ended again"),
            _ => {}
        }
        self.failing = done.is_err();
        self.publish_if_due();
        let next = self.app.until_next_deadline().unwrap_or(LONGEST_PAUSE);
        let shortest = if self.failing {
            LONGEST_PAUSE
        } else {
            SHORTEST_PAUSE
        };
        next.clamp(shortest, LONGEST_PAUSE)
    }

    fn publish_if_due(&mut self) {
        let now = self.app.monotonic();
        let is_due = |last: Duration| now.saturating_sub(last) >= PUBLISH_EVERY;
        if self.published.is_none_or(is_due) {
            self.published = Some(now);
            (self.publish)();
        }
    }
}
