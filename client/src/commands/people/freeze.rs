//! `glass freeze`

use serde_json::json;

use super::left;
use crate::{
    commands::{DONE, Seat, reason},
    error::Error,
    text, view,
};

/// Stop somebody, or yourself, from everything until it is lifted
///
/// Ends their access and requests and refuses whatever they call. For a stolen laptop, do this
/// first and ask afterwards.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass freeze leon -m \"laptop stolen\"
  glass freeze leon --lift -m \"laptop is back, key replaced\"

Nobody lifts their own freeze.")]
pub struct Args {
    /// Who
    #[arg(value_name = "PERSON")]
    person: String,
    /// Why
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
    /// Lift the freeze
    #[arg(long)]
    lift: bool,
}

/// Freezes them, or lifts it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let person = text::person_id(&args.person)?;
    let why = reason(seat, args.reason.as_deref())?;
    let session = seat.session().await?;
    if args.lift {
        session.unfreeze(&person, &why).await?;
        seat.printer
            .answer(&json!({ "person": person, "frozen": false }), |printer| {
                printer.line(format!("{person} is no longer frozen."));
            });
        return Ok(DONE);
    }
    let frozen = match session.freeze(&person, &why).await {
        Err(error) if person == session.person() && error.reason() == "PERSON_FROZEN" => {
            return Ok(frozen_oneself(seat, &person));
        }
        frozen => frozen?,
    };
    let view = json!({
        "person": person,
        "frozen": true,
        "ended": view::grants(&frozen.ended),
        "left_waiting": view::grants(&frozen.left_waiting),
        "withdrawn": frozen.withdrawn,
    });
    seat.printer.answer(&view, |printer| {
        printer.heading(format!("{person} is frozen."));
        for grant in &frozen.ended {
            printer.line(format!(
                "  {}  can no longer {}",
                grant.id,
                text::plain(&grant.sentence)
            ));
        }
        left::say(printer, &person, &frozen.withdrawn, &frozen.left_waiting);
        printer.line(format!(
            "To lift it: glass freeze {person} --lift -m \"why\""
        ));
    });
    Ok(DONE)
}

/// Who is frozen may not ask for the proof that the ledger only grew, so there is no more to say:
/// neither what ended, nor that the entry was checked.
fn frozen_oneself(seat: &Seat, person: &str) -> u8 {
    let view = json!({ "person": person, "frozen": true });
    seat.printer.answer(&view, |printer| {
        printer.heading(format!(
            "{person} is frozen, and all access of {person} is over."
        ));
        printer.line(format!(
            "Somebody else lifts it: glass freeze {person} --lift -m \"why\""
        ));
    });
    DONE
}
