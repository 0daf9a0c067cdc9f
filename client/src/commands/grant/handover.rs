//! `glass handover`

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{
    commands::{DONE, Seat, copies::Copies},
    error::Error,
    grant::{asked_in_turn, ended_error, still_needed, unlocking, waiting_error},
    output::Printer,
    show, text,
    view::GrantView,
};

/// Let somebody else go on with your access, to the same end
///
/// They get a grant of their own, by the rule that gives them the right. Where it begins, yours ends in
/// the same moment, and so does what you run with it. Where their rule asks for a yes and you are one
/// who may say it, this is your yes; where it asks somebody else, yours goes on until they answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass handover G-45 leon
  glass handover G-45 leon -m \"I have to sleep; the index is half built\"

They use it as if they had asked: glass exec RIGHT -- COMMAND
To take back what still waits, drop the new one: glass drop G-46")]
pub struct Args {
    /// Your grant
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Who goes on
    #[arg(value_name = "PERSON")]
    person: String,
    /// What they should know; left out: what you asked for it with
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Signs and hands over.
///
/// # Errors
/// [`Error::Refused`] where it is not the caller's, the receiver may not have it, or has it already.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let person = text::person_id(&args.person)?;
    let said = args.reason.as_deref().map(text::reason).transpose()?;
    let session = seat.session().await?;
    let old = session.grant(&id).await?;
    if let Some(error) = ended_error(&old) {
        return Err(error);
    }
    if old.state() != v1::GrantState::Active {
        return Err(waiting_error(&old, session.now()));
    }
    let reason = said.unwrap_or_else(|| old.reason.clone());
    let new = session.hand_over(&old, &person, &reason).await?;
    let copies = Copies::of_handover(&session, &new).await;
    seat.printer.answer(&GrantView::from(&new), |printer| {
        say(printer, &old, &new, session.now());
        copies.say(printer, session.now());
    });
    Ok(DONE)
}

fn say(printer: &Printer, old: &v1::Grant, new: &v1::Grant, now: Timestamp) {
    let (id, to, what) = (&old.id, &new.person, text::plain(&new.sentence));
    let drill = show::drill_mark(new.drill);
    if new.state() == v1::GrantState::Active {
        let until = show::when(new.ends_at.as_ref(), now);
        printer.good(format!(
            "{drill}{id} is handed over: {to} can {what} until {until}, as {}.",
            new.id
        ));
        return printer.line("You no longer can.");
    }
    printer.line(format!(
        "{drill}{} is asked for: {to} is to {what} in your place.",
        new.id
    ));
    printer.line(match still_needed(new) {
        Some(needed) => format!("Still needed: {needed}. Next: {}", unlocking(new)),
        None => format!(
            "It waits for {} to run: glass approve {}",
            asked_in_turn(new),
            new.id
        ),
    });
    printer.line(format!(
        "Until it begins, {id} stays yours. To take it back: glass drop {}",
        new.id
    ));
}
