//! `glass veto`

use breakglass_proto::v1;
use serde::Serialize;

use crate::{
    commands::{DONE, Seat, copies::Copies, reason},
    error::Error,
    grant::ended_line,
    text,
    view::GrantView,
};

/// Stop somebody from having a right alone: anybody on the team can
///
/// Ends a self-granted access at once, and its holder's command with it; or a request that may be
/// begun alone. Whatever else its holder has of that right alone there ends with it. For the rest of the incident its holder needs an approver for that right.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass veto G-45 -m \"wait for leon, he is on his way\"

You need no rights for it, only to be on the team.")]
pub struct Args {
    /// The grant, or the request
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Why; the holder reads it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Vetoes it.
///
/// # Errors
/// [`Error::Refused`] where nobody has it alone or may, it is one's own, or it is over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let why = reason(seat, args.reason.as_deref())?;
    let session = seat.session().await?;
    let ended = session.veto(&id, &why).await?;
    let copies = Copies::of(&session, &ended).await;
    let vetoed = Vetoed::of(&ended);
    seat.printer.answer(&vetoed, |printer| {
        let [grant, others @ ..] = ended.as_slice() else {
            return;
        };
        printer.line(format!(
            "{} is vetoed: for the rest of {}, {} needs an approver to {}.",
            grant.id,
            grant.incident,
            grant.person,
            text::plain(&grant.sentence)
        ));
        for other in others {
            printer.line(format!("  {}", ended_line(other)));
        }
        copies.say(printer, session.now());
    });
    Ok(DONE)
}

/// The grant it names, and what else ended with it.
#[derive(Debug, Serialize)]
struct Vetoed<'a> {
    #[serde(flatten)]
    grant: Option<GrantView<'a>>,
    also_ended: Vec<GrantView<'a>>,
}

impl<'a> Vetoed<'a> {
    fn of(ended: &'a [v1::Grant]) -> Self {
        let mut views = ended.iter().map(GrantView::from);
        Self {
            grant: views.next(),
            also_ended: views.collect(),
        }
    }
}
