//! `glass note`, and `glass incident note`

use std::io::Read;

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
  glass note \"worker queue at 40k, growing\"
  tail -20 app.log | glass note -
  glass note --incident INC-12 \"it was the index\"

Within `glass exec` it goes to the incident of that access. On a host that `glass ssh` leads
to there is no glass: note from another window of this laptop.
`glass incident note TEXT` is the same.

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
        "-" => {
            let (text, had_colours) = text::without_colours(&whole(std::io::stdin())?);
            if had_colours {
                seat.printer.note("colours were left out");
            }
            text::note(&text)?
        }
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

fn whole(input: impl Read) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let read = input.take(limits::MAX_NOTE_INPUT).read_to_end(&mut bytes);
    let read = read.map_err(|error| Error::file("read", "standard input", error))?;
    // What is cut off may be half a character, and how much more there is nobody knows.
    if read as u64 == limits::MAX_NOTE_INPUT {
        return Err(Error::usage(
            format!(
                "the note is longer than {0} bytes; at most {0} are kept",
                limits::MAX_NOTE_BYTES
            ),
            "shorten it, or make two notes of it",
        ));
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::usage(
            "standard input is not UTF-8 text",
            "send text, for example with `strings`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_too_long_is_not_called_something_else() {
        // Three bytes each, so that the limit is in the middle of one.
        let endless = std::io::repeat(b'x');
        for input in [
            Box::new(endless) as Box<dyn Read>,
            Box::new("日".repeat(1 << 20).leak().as_bytes()),
        ] {
            let error = whole(input).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the note is longer than 4000 bytes; at most 4000 are kept"
            );
            assert_eq!(error.exit_code(), 2);
        }
        assert_eq!(whole("日\n".as_bytes()).unwrap(), "日\n");
        let error = whole(&b"\xff"[..]).unwrap_err();
        assert!(error.to_string().contains("not UTF-8"), "{error}");
    }
}
