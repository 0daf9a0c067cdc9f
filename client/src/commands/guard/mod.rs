//! What runs beside targets.

pub mod http;
#[cfg(target_os = "linux")]
pub mod login;
#[cfg(target_os = "linux")]
pub mod ssh;

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use super::Seat;
use crate::error::Error;

/// Guard a target: nobody is in without a live grant
///
/// Runs beside what accepts credentials, enrolled as a target and not as a person: see `glass targets
/// invite`.
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    #[cfg(target_os = "linux")]
    Ssh(ssh::Args),
    Http(http::Args),
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Login(login::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        #[cfg(target_os = "linux")]
        Command::Ssh(args) => ssh::run(args, seat).await,
        Command::Http(args) => http::run(args, seat).await,
        #[cfg(target_os = "linux")]
        Command::Login(args) => Ok(login::run(&args, seat).await),
    }
}

/// Is ready when somebody ends us: SIGTERM, or Ctrl-C.
///
/// # Errors
/// [`Error::Setup`] where signals cannot be heard.
pub(super) fn stopped() -> Result<impl Future<Output = ()> + Send + use<>, Error> {
    let cannot = |why| Error::setup(format!("signals cannot be heard: {why}"), "try again");
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
