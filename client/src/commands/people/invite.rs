//! `glass people invite`

use zeroize::Zeroizing;

use crate::{
    commands::{DONE, Seat, enrolment::EnrolmentLine},
    error::Error,
    text,
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
    let invited = session.invite(&person).await?;
    let line = EnrolmentLine {
        whose: ("person", person),
        line: Zeroizing::new(invited.enrolment),
        expires_at: invited.expires_at,
    };
    line.answer(seat, session.now(), |person, until| {
        format!("For {person} alone; works once, until {until}:")
    })?;
    Ok(DONE)
}
