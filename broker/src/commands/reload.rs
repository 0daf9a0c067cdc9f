//! `glassd reload`: the policy and the issuing keys again, without a restart.

use std::time::Duration;

use rustix::process::Pid;

use super::running::{self, Reloaded};
use super::stores::read_policy;
use super::{Failure, Printer, typed};
use crate::config::Config;

/// How long a running broker has to say what became of it.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often its answer is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Load the policy and the issuing keys again, in the broker that runs
///
/// The policy is checked here first: a file with a mistake is told with its line, and the broker
/// never sees it. Each load is an entry of the ledger; grants that the new policy no longer gives end
/// at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd reload --config /etc/breakglass/glassd.toml")]
pub(super) struct Reload {}

impl Reload {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        let policy = read_policy(&config.policy_file).map_err(|wrong| match wrong.next() {
            Some(_) => wrong,
            None => wrong.then(
                "nothing was loaded, what is in force stays; correct it, then: glassd reload",
            ),
        })?;
        for warning in policy.warnings() {
            printer.note(format!("warning: {warning}"));
        }
        let Some(process) = running::process(config) else {
            return Err(Failure::new(format!(
                "no broker runs on {}; it loads the policy when it starts",
                config.data_dir.display()
            ))
            .then(format!("glassd serve --config {}", typed(&config.file))));
        };
        printer.line(reload(config, process)?);
        Ok(())
    }
}

/// Tells the broker to reload and waits for what becomes of it.
///
/// # Errors
/// [`Failure`] where it does not take everything, or says nothing in time.
pub(super) fn reload(config: &Config, process: Pid) -> Result<String, Failure> {
    let before = Reloaded::read(config);
    running::tell_to_reload(process)?;
    let answered = super::runtime()?.block_on(async {
        let newer = async {
            let mut look = tokio::time::interval(LOOK_EVERY);
            loop {
                look.tick().await;
                match Reloaded::read(config) {
                    Some(reloaded) if Some(&reloaded) != before.as_ref() => return reloaded,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, newer).await
    });
    match answered {
        Ok(Reloaded { ok: true, text, .. }) => Ok(text),
        Ok(Reloaded { text, .. }) => Err(Failure::new(text)),
        Err(_) => {
            let what = "the broker was told to reload and has not said what became of it";
            Err(Failure::new(what).then(
                "look at its tracing: journalctl -u glassd -n 50, and whether its disk is full: \
                 glassd check",
            ))
        }
    }
}
