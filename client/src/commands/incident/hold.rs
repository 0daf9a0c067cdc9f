//! `glass incident hold`

use serde_json::json;

use crate::{
    commands::{DONE, Seat, incident, reason},
    error::Error,
    text,
    view::IncidentView,
};

/// Keep an incident open that its alert would close
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident hold -m \"errors are gone, the queue is still full\"
  glass incident hold INC-12 -m \"not over yet\"

It stays open to its usual age, whatever becomes of its alert, and counts as confirmed: everything
the policy gives can be asked for under it. Whoever may open incidents may hold one.")]
pub struct Args {
    /// The incident; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// The same, as other commands take it
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    incident: Option<String>,
    /// Why it is not over
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Holds it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, or no alert opened it.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let typed = args.reason.as_deref().map(text::reason).transpose()?;
    let session = seat.session().await?;
    let id = incident::chosen(
        seat,
        &session,
        args.id.as_deref().or(args.incident.as_deref()),
        "glass incident hold",
    )
    .await?;
    let why = reason(seat, typed.as_deref())?;
    let held = session.hold_incident(&id, &why).await?;
    let until = crate::show::when(held.closes_at.as_ref(), session.now());
    let view = json!({ "incident": IncidentView::from(&held) });
    seat.printer.answer(&view, |printer| {
        printer.line(format!("{} stays open until {until}.", held.id));
    });
    Ok(DONE)
}
