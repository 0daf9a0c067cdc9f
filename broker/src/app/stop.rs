//! The end of serving, told to everything that waits.

use tokio::sync::watch;

use super::App;

/// Hears that the broker stops.
#[derive(Debug, Clone)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Answers when the broker stops; at once where it does already. Safe to cancel.
    pub async fn told(&mut self) {
        // An error says that the app is gone, which is the end as well.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }

    /// Whether it does already.
    #[must_use]
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }
}

impl App {
    /// Ends every open stream. Acts that were accepted are still answered.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Hears of [`App::stop`].
    #[must_use]
    pub fn stopping(&self) -> Stopping {
        Stopping(self.stopping.subscribe())
    }
}
