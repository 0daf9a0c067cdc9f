//! `glassd serve`: runs the broker until it is told to stop.

mod broker;
mod databases;
mod gauges;
mod grpc;
mod health;
mod hooks;
mod hosts;
mod housekeeping;
mod listeners;
mod made;
mod notary;
mod notices;
mod readers;
mod reload;
mod streams;
mod system;
mod tasks;
#[cfg(test)]
mod tests;
mod witnesses;

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::running::Reloaded;
use super::{Failure, VERSION};
use crate::config::Config;
use crate::edge::{SystemClock, SystemEntropy, install_crypto};
use crate::telemetry::trace_to_stderr;

pub use broker::{Broker, Running};
pub(super) use databases::explained;
pub use listeners::Addresses;
pub(super) use listeners::cannot_bind;

/// Run the broker
///
/// SIGHUP (or `glassd reload`) loads the policy and the issuing keys again. SIGTERM and SIGINT end
/// it: what was accepted is answered first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd serve --config /etc/breakglass/glassd.toml")]
pub(super) struct Serve {}

impl Serve {
    pub(super) fn run(&self, config: &Config) -> Result<(), Failure> {
        install_crypto();
        trace_to_stderr(
            config.settings.tracing_format,
            &config.settings.tracing_filter,
        );
        let runtime = super::runtime()?;
        let served = runtime.block_on(serve(config));
        // A name that is being looked up for a notice blocks its thread, and nobody waits for the answer.
        runtime.shutdown_timeout(STRAGGLERS);
        served
    }
}

/// How long threads that block may go on once all tasks have ended: a resolver may wait for longer than
/// whoever stops the broker.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// What the system wants.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|e| Failure::new(format!("signals cannot be listened for: {e}")))
        };
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }
}

async fn serve(config: &Config) -> Result<(), Failure> {
    // Before anything else, so that a signal during the start is not the end without a word.
    let mut signals = Signals::listen()?;
    let entropy = SystemEntropy::open().map_err(|e| Failure::new(e.to_string()))?;
    let clock = Arc::new(SystemClock::start());
    let running = Broker::start(config, clock, Arc::new(entropy)).await?;
    let addresses = running.addresses();
    tracing::info!(
        version = VERSION,
        grpc = %addresses.grpc,
        web = %addresses.web,
        metrics = %addresses.metrics,
        "serving"
    );
    system::ready();
    let fallen = until_told(config, &mut signals, &running).await;
    system::stopping();
    tracing::info!("stopping: what was accepted is answered first");
    running.shutdown().await;
    tracing::info!("stopped");
    match fallen {
        Some(what) => Err(Failure::new(what).then("start it again; its tracing says why")),
        None => Ok(()),
    }
}

/// Reloads when it is told to, and answers when it is told to stop, or what has fallen.
async fn until_told(config: &Config, signals: &mut Signals, running: &Running) -> Option<String> {
    let mut number = 0;
    let mut watchdog = system::Watchdog::new();
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return None,
            _ = signals.interrupt.recv() => return None,
            what = running.fallen() => {
                tracing::error!(%what, "the broker cannot go on");
                return Some(what);
            }
            () = watchdog.due() => system::alive(),
            _ = signals.hangup.recv() => {
                number += 1;
                system::reloading();
                tell(config, number, running.reload().await);
                system::ready();
            }
        }
    }
}

/// Says what became of a reload, in the tracing and to whoever asked for it.
fn tell(config: &Config, number: u64, reloaded: Result<String, Failure>) {
    let (ok, text) = match reloaded {
        Ok(text) => (true, text),
        Err(failure) => (false, failure.to_string()),
    };
    match ok {
        true => tracing::info!("{text}"),
        false => tracing::error!("nothing was reloaded, what was in force stays:\n{text}"),
    }
    let told = Reloaded {
        number,
        process: std::process::id(),
        ok,
        text,
    };
    if let Err(error) = told.write(config) {
        tracing::warn!(%error, "what became of the reload cannot be left for `glassd reload`");
    }
}
