//! `glass people remove`

use breakglass_proto::v1;
use jiff::Timestamp;
use serde_json::json;

use super::left;
use crate::{
    commands::{DONE, Seat, incident::kills::settled, reason},
    entry::Entry,
    error::Error,
    kill::Kills,
    output::Printer,
    session::Session,
    show, text, view,
};

/// End every key, token, request and access of somebody, at once
///
/// For somebody who leaves, or a laptop that is lost. What ended is told one by one, also what became
/// of open sessions at targets, and which requests nobody is left to answer. Take them out of the policy too, or they can
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
    let person = text::person_id(&args.person)?;
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
    let kills = kills_of(seat, &session, &removed).await?;
    let view = json!({
        "person": person,
        "ended": view::grants(&removed.ended),
        "keys": removed.keys,
        "tokens": removed.tokens,
        "kills": kills.all(),
        "slowest_ms": kills.slowest_ms(),
        "settled": kills.is_settled(),
        "left_waiting": view::grants(&removed.left_waiting),
        "withdrawn": removed.withdrawn,
    });
    seat.printer
        .answer(&view, |printer| say(printer, &person, &removed, &kills));
    Ok(DONE)
}

/// What becomes of what they have open at targets, as far as it is said in time.
async fn kills_of(
    seat: &Seat,
    session: &Session,
    removed: &v1::RemovePersonResponse,
) -> Result<Kills, Error> {
    let receipt = removed.receipt.as_ref();
    let entry = receipt.map(|receipt| Entry::parse(&receipt.entry));
    let entry = entry
        .transpose()
        .map_err(|why| Error::broken_answer(&why))?;
    let at = entry.map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
    let kills = Kills::of_removal(at, &removed.doomed);
    settled(seat, session, kills, receipt).await
}

/// The receipt: everything of theirs that ended, and what nobody is left for.
fn say(printer: &Printer, person: &str, removed: &v1::RemovePersonResponse, kills: &Kills) {
    printer.heading(format!("{person} is out."));
    printer.line(format!(
        "Ended: {}, {}, {}.",
        show::counted(removed.keys, "key"),
        show::counted(removed.tokens, "enrolment token"),
        show::counted(removed.ended.len() as u64, "grant")
    ));
    for ended in &removed.ended {
        printer.line(format!("  {}  {}", ended.id, text::plain(&ended.sentence)));
    }
    for kill in kills.all() {
        printer.line(format!("  {}", kill.sentence()));
    }
    if !kills.is_settled() {
        printer.line("What is not confirmed yet is tried again until it is: glass status");
    }
    left::say(printer, person, &removed.withdrawn, &removed.left_waiting);
}
