//! `glass targets invite`

use zeroize::Zeroizing;

use crate::{
    commands::{DONE, Seat, enrolment::EnrolmentLine},
    error::Error,
    text,
};

/// Make a single-use enrolment line for the guard of a target
///
/// Run the line on the target's host, where only its administrators are: whoever has it first is the
/// guard. A target can have several, for example one on each of two proxies.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass targets invite web-1

The target must be in the policy first (it is a file on the broker's host). Where the guard runs as a
service it reads its settings from a folder of its own, so enrol it there:
  sudo GLASS_CONFIG_DIR=/var/lib/breakglass-guard/glass glass enroll 'https://...'")]
pub struct Args {
    /// Which, by its id in the policy
    #[arg(value_name = "TARGET")]
    target: String,
}

/// Invites it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, or does not know the target.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let target = text::id("the target", &args.target)?;
    let session = seat.session().await?;
    let invited = session.invite_target(&target).await?;
    let line = EnrolmentLine {
        whose: ("target", target),
        line: Zeroizing::new(invited.enrolment),
        expires_at: invited.expires_at,
    };
    line.answer(seat, session.now(), |target, until| {
        format!("For the guard of {target} alone, on its host; works once, until {until}:")
    })?;
    Ok(DONE)
}
