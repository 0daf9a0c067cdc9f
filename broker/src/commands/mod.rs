//! What an operator can do, a command a file. The only place that puts the parts together; nothing
//! but `main` names it back.

mod authority;
mod check;
mod check_targets;
mod completions;
mod databases;
mod failure;
mod fsck;
mod host_certificate;
mod hosts;
mod init;
mod invite;
mod notices;
mod people;
mod policy;
mod printer;
mod recover;
mod reload;
mod rotate;
mod rotate_ledger;
mod rotate_target;
mod running;
pub mod serve;
mod sources;
mod ssh_ca;
mod stores;
mod streams;
mod target_keys;
mod targets_ca;
mod vkey;
mod who_signs;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::config::{Config, DEFAULT_PATH};

pub use failure::Failure;
use failure::typed;
pub use printer::Printer;
pub use serve::{Addresses, Broker, Running};

/// What stands behind every entry and answer as the broker's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Issues short-lived credentials against an open incident, and records every grant first.
#[derive(Debug, Parser)]
#[command(
    name = "glassd",
    version,
    after_help = "Begin with:\n  glassd init /var/lib/breakglass --invite YOU\n  glassd serve \
                  --config /var/lib/breakglass/glassd.toml"
)]
pub struct Arguments {
    /// The config file, or a folder with `glassd.toml` in it [default: /etc/breakglass/glassd.toml]
    #[arg(
        short,
        long,
        global = true,
        env = "GLASSD_CONFIG",
        hide_env_values = true,
        value_name = "PATH"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(Box<init::Init>),
    Serve(serve::Serve),
    Check(check::Check),
    Fsck(fsck::Fsck),
    Invite(invite::Invite),
    Unfreeze(people::Unfreeze),
    Recover(recover::Recover),
    Rotate(rotate::Rotate),
    Reload(reload::Reload),
    #[command(name = "notify-test")]
    NotifyTest(notices::NotifyTest),
    #[command(name = "stream-test")]
    StreamTest(streams::StreamTest),
    Policy(policy::PolicyCommand),
    Vkey(vkey::Vkey),
    Authority(authority::Authority),
    #[command(name = "ssh-ca")]
    SshCa(ssh_ca::SshCaCommand),
    TargetsCa(targets_ca::TargetsCa),
    HostCertificate(host_certificate::HostCertificate),
    #[command(hide = true)]
    Completions(completions::Completions),
    #[command(hide = true)]
    Man(completions::Man),
}

impl Arguments {
    fn config_path(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| DEFAULT_PATH.into())
    }

    fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.config_path())?)
    }
}

/// Runs the command this process was started with: 0 where it did what it was asked, 2 where it was
/// asked in the wrong way, 1 for everything else.
#[must_use]
pub fn main() -> ExitCode {
    keep_files_private();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(asked) => {
            // Help and version are answers, a mistake is told; where nobody can read it, so be it.
            let _ = asked.print();
            return ExitCode::from(if asked.use_stderr() { 2 } else { 0 });
        }
    };
    let mut printer = Printer::to_standard();
    match run(&arguments, &mut printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Runs a command.
///
/// # Errors
/// [`Failure`] says what happened, why, and the next command.
pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<(), Failure> {
    keep_memory_private()?;
    dispatch(arguments, printer).map_err(|failure| failure.with_config(&arguments.config_path()))
}

fn dispatch(arguments: &Arguments, printer: &mut Printer) -> Result<(), Failure> {
    match &arguments.command {
        Command::Init(init) => init.run(arguments.config.as_deref(), printer),
        Command::Serve(serve) => serve.run(&arguments.config()?),
        Command::Check(check) => check.run(&arguments.config_path(), printer),
        Command::Fsck(fsck) => fsck.run(&arguments.config()?, printer),
        Command::Invite(invite) => invite.run(&arguments.config()?, printer),
        Command::Unfreeze(unfreeze) => unfreeze.run(&arguments.config()?, printer),
        Command::Recover(recover) => recover.run(&arguments.config()?, printer),
        Command::Rotate(rotate) => rotate.run(&arguments.config()?, printer),
        Command::Reload(reload) => reload.run(&arguments.config()?, printer),
        Command::NotifyTest(test) => test.run(&arguments.config()?, printer),
        Command::StreamTest(test) => test.run(&arguments.config()?, printer),
        Command::Policy(policy) => policy.run(|| arguments.config(), printer),
        Command::Vkey(vkey) => vkey.run(&arguments.config()?, printer),
        Command::Authority(authority) => authority.run(&arguments.config()?, printer),
        Command::SshCa(ssh_ca) => ssh_ca.run(&arguments.config()?, printer),
        Command::TargetsCa(targets_ca) => targets_ca.run(&arguments.config()?, printer),
        Command::HostCertificate(host) => host.run(&arguments.config()?, printer),
        Command::Completions(completions) => completions.run(printer),
        Command::Man(man) => man.run(printer),
    }
}

/// What this process writes, by itself or through a library, is for its own user alone, whatever it
/// was started with; the first thing it does, while there is no other thread.
fn keep_files_private() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Keys are in this process's memory: it leaves no core dump, and others cannot attach to it.
fn keep_memory_private() -> Result<(), Failure> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(|e| Failure::new(format!("core dumps cannot be switched off: {e}")))
}

/// A runtime for commands that wait for something.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("the system gives no threads: {e}")))
}

#[cfg(test)]
mod tests;
