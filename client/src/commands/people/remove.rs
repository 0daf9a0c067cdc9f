//! `glass people remove`

use serde_json::json;

use crate::{
    commands::{DONE, Seat, reason},
    error::Error,
    show, text, view,
};

/// End every key, token, request and access of somebody, at once
///
/// For somebody who leaves, or a laptop that is lost. Take them out of the policy too, or they can
/// be invited again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass people remove leon -m \"left on Friday\"

To stop somebody only for now: glass freeze leon -m \"why\"")]
pub struct Args {
    /// Who
    #[arg(value_name = "PERSON")]
    person: String,
    /// Why
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Removes them.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let person = text::id("the person", &args.person)?;
    let why = reason(seat, args.reason.as_deref())?;
    if !args.yes {
        let otherwise = format!("if you are sure: glass people remove {person} --yes -m \"why\"");
        let question = format!("End every key, token and access of {person}?");
        if !seat.printer.confirm(&question, &otherwise)? {
            return Ok(DONE);
        }
    }
    let session = seat.session().await?;
    let removed = match session.remove(&person, &why).await {
        // The proof that the ledger only grew is refused too: this laptop has no key any more.
        Err(error) if person == session.person() && error.reason() == "NOT_ENROLLED" => {
            let view = json!({ "person": person });
            seat.printer.answer(&view, |printer| {
                printer.heading(format!("{person} is out, and so is this laptop."));
            });
            return Ok(DONE);
        }
        removed => removed?,
    };
    let view = json!({
        "person": person,
        "ended": view::grants(&removed.ended),
        "keys": removed.keys,
        "tokens": removed.tokens,
    });
    seat.printer.answer(&view, |printer| {
        printer.heading(format!("{person} is out."));
        printer.line(format!(
            "Ended: {}, {}, {}.",
            show::counted(removed.keys, "key"),
            show::counted(removed.tokens, "enrolment token"),
            show::counted(removed.ended.len() as u64, "grant")
        ));
    });
    Ok(DONE)
}
