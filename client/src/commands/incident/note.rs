//! `glass incident note`

use std::io::Read as _;

use serde_json::json;

use crate::{
    commands::{DONE, Seat, incident},
    error::Error,
    limits, text,
};

/// Add a note to an incident; everybody in the policy may
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident note \"worker queue at 40k, growing\"
  tail -20 app.log | glass incident note -

A note has up to 4000 bytes and may have several lines. It stays in the ledger for ever: put no
secrets into it.")]
pub struct Args {
    /// What to note; `-` reads standard input
    #[arg(value_name = "TEXT")]
    text: String,
    /// The incident; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
}

/// Notes it.
///
/// # Errors
/// [`Error::Refused`] for an unknown incident.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let text = match args.text.as_str() {
        "-" => text::note(&standard_input()?)?,
        typed => text::note(typed)?,
    };
    let session = seat.session().await?;
    let incident = incident::chosen(seat, &session, args.incident.as_deref(), "--incident").await?;
    let index = session.note_incident(&incident, &text).await?;
    seat.printer.answer(
        &json!({ "incident": incident, "entry": index }),
        |printer| {
            printer.line(format!("Noted in {incident} (entry {index})."));
        },
    );
    Ok(DONE)
}

fn standard_input() -> Result<String, Error> {
    let mut bytes = Vec::new();
    let read = std::io::stdin()
        .take(limits::MAX_NOTE_INPUT)
        .read_to_end(&mut bytes);
    read.map_err(|error| Error::file("read", "standard input", error))?;
    String::from_utf8(bytes).map_err(|_| {
        Error::usage(
            "standard input is not UTF-8 text",
            "send text, for example with `strings`",
        )
    })
}
