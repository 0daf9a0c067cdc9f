//! `glass people invite`

use serde_json::json;
use zeroize::Zeroize as _;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    invitation::Invitation,
    show, text, view,
};

/// Make a single-use enrolment line for somebody in the policy
///
/// Give it to them over a channel you both trust: whoever has it first becomes them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass people invite leon

They must be in the policy first (it is a file on the broker's host).")]
pub struct Args {
    /// Who, by their id in the policy
    #[arg(value_name = "PERSON")]
    person: String,
}

/// Invites them.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, or does not know the other.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let person = text::person_id(&args.person)?;
    let session = seat.session().await?;
    let mut invited = session.invite(&person).await?;
    // It is printed for copying, so it has to be exactly what `glass enroll` reads.
    Invitation::parse(&invited.enrolment)
        .map_err(|_| Error::broken_answer("it has no enrolment line"))?;
    let view = json!({
        "person": person,
        "enrolment": invited.enrolment,
        "expires_at": view::at(invited.expires_at.as_ref()),
    });
    seat.printer.answer(&view, |printer| {
        let until = show::when(invited.expires_at.as_ref(), session.now());
        printer.note(format!("For {person} alone; works once, until {until}:"));
        printer.line(format!("glass enroll '{}'", invited.enrolment));
    });
    invited.enrolment.zeroize();
    Ok(DONE)
}
