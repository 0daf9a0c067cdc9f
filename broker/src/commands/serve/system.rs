//! The service manager (sd_notify(3)); without one all of this does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, interval};

/// The broker answers.
pub(super) fn ready() {
    notify(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// The broker loads its policy and keys again; [`ready`] says when it is done.
pub(super) fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    // Asked for by `Type=notify-reload`, which needs a newer systemd than ours.
    states.extend(NotifyState::monotonic_usec_now().ok());
    notify(&states);
}

/// The broker answers what it has accepted, and ends.
pub(super) fn stopping() {
    notify(&[
        NotifyState::Stopping,
        NotifyState::Status("answering what was accepted"),
    ]);
}

/// The broker still turns.
pub(super) fn alive() {
    notify(&[NotifyState::Watchdog]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}

/// Says when the service manager wants to hear from us.
pub(super) struct Watchdog(Option<Interval>);

impl Watchdog {
    /// Twice within the time it gives us.
    pub(super) fn new() -> Self {
        let wanted = sd_notify::watchdog_enabled().filter(|time| *time > Duration::ZERO);
        Self(wanted.map(|time| interval(time / 2)))
    }

    /// Waits until it is due; for ever where nobody wants to hear from us. Safe to cancel.
    pub(super) async fn due(&mut self) {
        match &mut self.0 {
            Some(interval) => drop(interval.tick().await),
            None => std::future::pending().await,
        }
    }
}
