//! Incidents: nothing is issued without an open one.

pub mod close;
pub mod hold;
pub(super) mod kills;
pub mod list;
pub mod note;
pub mod open;
pub mod show;
pub mod watch;

use breakglass_proto::v1;

use super::Seat;
use crate::{error::Error, grant::listed, session::Session, text::plain, view::severity_word};

/// Open, close and follow incidents
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Open(open::Args),
    Note(note::Args),
    Close(close::Args),
    Hold(hold::Args),
    Show(show::Args),
    List(list::Args),
    Watch(watch::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Open(args) => open::run(args, seat).await,
        Command::Note(args) => note::run(args, seat).await,
        Command::Close(args) => close::run(args, seat).await,
        Command::Hold(args) => hold::run(args, seat).await,
        Command::Show(args) => show::run(args, seat).await,
        Command::List(args) => list::run(args, seat).await,
        Command::Watch(args) => watch::run(args, seat).await,
    }
}

/// The incident to act under: the one named, else the only open one, else the one chosen on the
/// terminal.
///
/// `by` is what an id is typed behind, for the hint: `--incident`, or `glass incident show`.
///
/// # Errors
/// [`Error::NoOpenIncident`] where none is open, [`Error::Usage`] where several are and nobody is
/// there to choose.
pub async fn chosen(
    seat: &Seat,
    session: &Session,
    typed: Option<&str>,
    by: &str,
) -> Result<String, Error> {
    if let Some(incident) = seat.settings.incident(typed)? {
        return Ok(incident);
    }
    let open = session.list_incidents(false, MOST_OPEN).await?;
    // Nobody is led into a drill by leaving something out.
    let (drills, open): (Vec<_>, Vec<_>) = open.into_iter().partition(|it| it.drill);
    match open.as_slice() {
        [] => Err(none_open(&drills, by)),
        [only] => Ok(only.id.clone()),
        several => {
            let lines: Vec<_> = several
                .iter()
                .map(|incident| {
                    let severity = severity_word(incident.severity());
                    format!("{}  {severity}  {}", incident.id, plain(&incident.title))
                })
                .collect();
            let ids: Vec<_> = several.iter().map(|incident| incident.id.clone()).collect();
            let missing = format!("{} are open", listed(&ids, "and"));
            let otherwise = format!("say which: {by} {}", several[0].id);
            let choice =
                seat.printer
                    .choose("Under which incident", &lines, &missing, &otherwise)?;
            Ok(several[choice].id.clone())
        }
    }
}

fn none_open(drills: &[v1::Incident], by: &str) -> Error {
    let what = match drills {
        [] => "there is no open incident".to_owned(),
        [drill, ..] => format!(
            "there is no open incident; {} is a drill, and is meant only where it is named: {by} {}",
            drill.id, drill.id
        ),
    };
    Error::NoOpenIncident {
        what,
        next: "open one: glass incident open \"what is broken\"".to_owned(),
    }
}

/// More are never open at once: fifty, and five drills.
pub(super) const MOST_OPEN: usize = 55;
