//! The commands. A noun is a folder, a verb a file: its arguments, its help, and one `run`.

pub mod context;
pub mod credential;
pub mod drill;
pub mod grant;
pub mod guard;
pub mod incident;
pub mod ledger;
pub mod me;
pub mod people;
pub mod policy;
pub mod review;
pub mod shell;
pub mod targets;
pub mod witness;

mod copies;
mod enrolment;
mod typed;

pub use typed::{length, more, no_such_kind, reason, warn_of_the_unheard_of};

use crate::{
    cli::Command,
    config::Settings,
    error::Error,
    exec::keeper,
    output::{Format, Printer},
    session::Session,
};

/// The exit code of a command that did what it was asked.
pub const DONE: u8 = 0;

/// Where somebody sits who gives a command: settings on one side, the printer on the other.
#[derive(Clone)]
pub struct Seat {
    /// Flags, environment, files.
    pub settings: Settings,
    /// The printer.
    pub printer: Printer,
}

impl Seat {
    /// Opens the session of the chosen context.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn session(&self) -> Result<Session, Error> {
        Session::open(&self.settings, &self.printer).await
    }
}

/// Runs a command; its exit code is returned.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    need_format(&command, seat.printer.format())?;
    match command {
        Command::Enroll(args) => me::enroll::run(args, seat).await,
        Command::Whoami(args) => me::whoami::run(args, seat).await,
        Command::Can(args) => me::can::run(args, seat).await,
        Command::Status(args) => me::status::run(args, seat).await,
        Command::Doctor(args) => me::doctor::run(args, seat).await,
        Command::Context(command) => context::run(command, seat),
        Command::Incident(command) => incident::run(command, seat).await,
        Command::Note(args) => incident::note::run(args, seat).await,
        Command::Watch(args) => me::watch::run(args, seat).await,
        Command::Request(args) => grant::request::run(args, seat).await,
        Command::Exec(args) => grant::exec::run(args, seat).await,
        Command::Ssh(args) => grant::ssh::run(args, seat).await,
        Command::Agent(args) => grant::agent::run(args, seat).await,
        Command::Credential(command) => credential::run(command, seat).await,
        Command::Grants(args) => grant::list::run(args, seat).await,
        Command::Extend(args) => grant::extend::run(args, seat).await,
        Command::Handover(args) => grant::handover::run(args, seat).await,
        Command::Drop(args) => grant::drop::run(args, seat).await,
        Command::Approve(args) => grant::approve::run(args, seat).await,
        Command::Deny(args) => grant::deny::run(args, seat).await,
        Command::Call(args) => grant::call::run(args, seat).await,
        Command::Revoke(args) => grant::revoke::run(args, seat).await,
        Command::Veto(args) => grant::veto::run(args, seat).await,
        Command::SelfGrant(args) => grant::self_grant::run(args, seat).await,
        Command::Drill(command) => drill::run(command, seat).await,
        Command::Freeze(args) => people::freeze::run(args, seat).await,
        Command::Ledger(command) => ledger::run(command, seat).await,
        Command::People(command) => people::run(command, seat).await,
        Command::Policy(command) => policy::run(command, seat).await,
        Command::Review(args) => review::run(args, seat).await,
        Command::Guard(command) => guard::run(command, seat).await,
        Command::Targets(command) => targets::run(command, seat).await,
        Command::Witness(command) => witness::run(command, seat).await,
        Command::Completions(args) => shell::completions::run(args, seat),
        Command::Man(args) => shell::man::run(args, seat),
        // Done before anything else is set up, see `crate::main`.
        Command::Become(_) => Ok(DONE),
        Command::Keep(args) => keeper::keep(&args, &seat.printer).await.map(|()| DONE),
    }
}

/// Few commands have more to give than words and JSON.
fn need_format(command: &Command, format: Format) -> Result<(), Error> {
    let takes = match command {
        Command::Review(args) => args.takes(format),
        _ => format.is_usual(),
    };
    if takes {
        return Ok(());
    }
    Err(Error::usage(
        format!("this command does not answer as {}", format.word()),
        "-o text or -o json; csv and markdown are for: glass review access",
    ))
}
