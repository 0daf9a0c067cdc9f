//! `glass freeze`

use serde_json::json;

use super::left;
use crate::{
    commands::{DONE, Seat, copies::Copies, incident::kills, reason},
    error::Error,
    grant::ended_line,
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
    let frozen = session.freeze(&person, &why).await?;
    let ended = &frozen.ended;
    // Who is frozen themselves is not told any more what comes of it.
    let is_oneself = person == session.person();
    let (kills, copies) = match is_oneself {
        false => (
            kills::of_person(seat, &session, frozen.receipt.as_ref(), &frozen.doomed).await?,
            Copies::of(&session, ended).await,
        ),
        true => (
            kills::at_entry(frozen.receipt.as_ref(), &frozen.doomed)?,
            Copies::unasked(ended, session.now()),
        ),
    };
    let view = json!({
        "person": person,
        "frozen": true,
        "ended": view::grants(ended),
        "kills": kills.all(),
        "slowest_ms": kills.slowest_ms(),
        "settled": kills.is_settled(),
        "kept": copies.kept(),
        "left_waiting": view::grants(&frozen.left_waiting),
        "withdrawn": frozen.withdrawn,
    });
    seat.printer.answer(&view, |printer| {
        printer.heading(format!("{person} is frozen."));
        for grant in ended {
            printer.line(format!("  {}", ended_line(grant)));
        }
        kills::show(printer, &kills);
        copies.say(printer, session.now());
        left::say(printer, &person, &frozen.withdrawn, &frozen.left_waiting);
        let lifts = match is_oneself {
            true => "Somebody else lifts it",
            false => "To lift it",
        };
        printer.line(format!("{lifts}: glass freeze {person} --lift -m \"why\""));
    });
    Ok(DONE)
}
