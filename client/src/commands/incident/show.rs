//! `glass incident show`

use serde_json::json;

use crate::{
    commands::{DONE, Seat, incident},
    error::Error,
    show,
    view::{self, IncidentView},
};

/// One incident: its notes, and everything that was asked for under it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident show
  glass incident show INC-12")]
pub struct Args {
    /// The incident; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Shows it.
///
/// # Errors
/// [`Error::Refused`] for an unknown incident.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let id = incident::chosen(seat, &session, args.id.as_deref(), "glass incident show").await?;
    let answer = session.incident(&id).await?;
    let incident = answer
        .incident
        .as_ref()
        .ok_or_else(|| Error::broken_answer("it has no incident"))?;
    let view = json!({
        "incident": IncidentView::from(incident),
        "grants": view::grants(&answer.grants),
    });
    seat.printer.answer(&view, |printer| {
        show::incident(printer, incident, &answer.grants, session.now());
    });
    Ok(DONE)
}
