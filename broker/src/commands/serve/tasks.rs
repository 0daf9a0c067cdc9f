//! What runs beside each other until the broker stops, and the first of them that should not have
//! ended.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

/// The running tasks.
pub(super) struct Tasks {
    set: JoinSet<()>,
    stop: watch::Sender<bool>,
    fallen: watch::Sender<Option<&'static str>>,
}

/// Says that a task ended, however it did.
struct Ending {
    name: &'static str,
    stop: watch::Receiver<bool>,
    fallen: watch::Sender<Option<&'static str>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !*self.stop.borrow() {
            self.fallen.send_replace(Some(self.name));
        }
    }
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self {
            set: JoinSet::new(),
            stop: watch::Sender::new(false),
            fallen: watch::Sender::new(None),
        }
    }

    /// Runs one; it is to end only after it was told to stop.
    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let (stop, fallen) = (self.stop.subscribe(), self.fallen.clone());
        let ending = Ending { name, stop, fallen };
        self.set.spawn(async move {
            let _ending = ending;
            work.await;
        });
    }

    /// Answers when the broker stops.
    pub(super) fn told(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // An error says that nobody can tell any more, which is the end as well.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }

    /// Answers the name of a task that ended although nobody told it to. Safe to cancel.
    pub(super) async fn fallen(&self) -> &'static str {
        let mut fallen = self.fallen.subscribe();
        match fallen.wait_for(Option::is_some).await.map(|name| *name) {
            Ok(Some(name)) => name,
            // The sender is held here, so this is never reached.
            _ => std::future::pending().await,
        }
    }

    /// Tells all of them to stop, and cuts those that do not in time.
    pub(super) async fn stop(mut self, patience: Duration) {
        self.stop.send_replace(true);
        let ended = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, ended).await.is_err() {
            tracing::warn!("some connections did not end in time and are cut");
        }
        self.set.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_or_panics_by_itself_is_named() {
        for ends in [true, false] {
            let mut tasks = Tasks::new();
            tasks.spawn("the other", tasks.told());
            tasks.spawn(
                "the one",
                async move { assert!(ends, "a story of a panic") },
            );
            assert_eq!(tasks.fallen().await, "the one");
            tasks.stop(Duration::from_secs(5)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_stop_in_time_is_cut() {
        let mut tasks = Tasks::new();
        tasks.spawn("the stubborn", std::future::pending());
        let began = tokio::time::Instant::now();
        tasks.stop(Duration::from_secs(20)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(20));
    }
}
