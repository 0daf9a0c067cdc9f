//! `glass people remove`

use breakglass_proto::v1;
use serde_json::json;

use super::{inviting, left};
use crate::{
    commands::{DONE, Seat, copies::Copies, incident::kills, reason},
    error::Error,
    grant::ended_line,
    kill::Kills,
    output::Printer,
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
    let session = seat.session().await?;
    if inviting::is_last(&session, &person).await? {
        seat.printer.warn(format!(
            "nobody else who is there may invite people: when {person} is out, a new line comes from the broker's \
             host alone, while the broker is stopped: systemctl stop glassd, then glassd invite PERSON"
        ));
    }
    if !args.yes {
        let otherwise = format!("if you are sure: glass people remove {person} --yes -m \"why\"");
        let question = format!("End every key, token and access of {person}?");
        if !seat.printer.confirm(&question, &otherwise)? {
            return Ok(DONE);
        }
    }
    let removed = session.remove(&person, &why).await?;
    // Who is out themselves is not told any more what comes of it, nor anything else.
    let is_oneself = person == session.person();
    let (kills, copies) = match is_oneself {
        false => (
            kills::of_person(seat, &session, removed.receipt.as_ref(), &removed.doomed).await?,
            Copies::of(&session, &removed.ended).await,
        ),
        true => (
            kills::at_entry(removed.receipt.as_ref(), &removed.doomed)?,
            Copies::unasked(&removed.ended, session.now()),
        ),
    };
    let view = json!({
        "person": person,
        "ended": view::grants(&removed.ended),
        "keys": removed.keys,
        "tokens": removed.tokens,
        "kills": kills.all(),
        "slowest_ms": kills.slowest_ms(),
        "settled": kills.is_settled(),
        "kept": copies.kept(),
        "left_waiting": view::grants(&removed.left_waiting),
        "withdrawn": removed.withdrawn,
    });
    seat.printer.answer(&view, |printer| {
        let laptop = if is_oneself { ", and so is this laptop" } else { "" };
        printer.heading(format!("{person} is out{laptop}."));
        say(printer, &removed, &kills);
        copies.say(printer, session.now());
        left::say(printer, &person, &removed.withdrawn, &removed.left_waiting);
        // Who is not in the policy cannot be removed.
        printer.line(format!(
            "The policy still names {person}, who can be invited again: take them out of it too, and run \
             glassd reload"
        ));
    });
    Ok(DONE)
}

/// The receipt: everything of theirs that ended.
fn say(printer: &Printer, removed: &v1::RemovePersonResponse, kills: &Kills) {
    printer.line(format!(
        "Ended: {}, {}, {}.",
        show::counted(removed.keys, "key"),
        show::counted(removed.tokens, "enrolment token"),
        show::counted(removed.ended.len() as u64, "grant")
    ));
    for ended in &removed.ended {
        printer.line(format!("  {}", ended_line(ended)));
    }
    kills::show(printer, kills);
}
