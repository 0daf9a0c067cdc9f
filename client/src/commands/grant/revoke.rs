//! `glass revoke`

use breakglass_proto::v1::GrantBasis;

use crate::{
    commands::{DONE, Seat, copies::Copies, reason},
    error::Error,
    show::drill_mark,
    text,
    view::GrantView,
};

/// End somebody's access now
///
/// The holder's `glass exec` is told who and why, and ends its command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass revoke G-45 -m \"wrong database\"

To stop a person from everything at once: glass freeze PERSON -m \"why\"")]
pub struct Args {
    /// The grant
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Why; the holder reads it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Revokes it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, or it is over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let why = reason(seat, args.reason.as_deref())?;
    let session = seat.session().await?;
    let grant = session.revoke(&id, &why).await?;
    let copies = Copies::of(&session, std::slice::from_ref(&grant)).await;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        printer.line(format!(
            "{}{} is revoked: {} {} {}.",
            drill_mark(grant.drill),
            grant.id,
            grant.person,
            match grant.basis() {
                GrantBasis::Unspecified => "no longer asks to",
                _ => "can no longer",
            },
            text::plain(&grant.sentence)
        ));
        copies.say(printer, session.now());
    });
    Ok(DONE)
}
