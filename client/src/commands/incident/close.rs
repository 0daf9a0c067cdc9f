//! `glass incident close`

use serde_json::json;

use crate::{
    commands::{
        DONE, Seat,
        incident::{self, kills},
        reason,
    },
    error::Error,
    grant, text,
    view::{self, IncidentView},
};

/// End an incident, and every access and request under it, at once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident close -m \"reverted to 41f, queue is draining\"
  glass incident close INC-12 -m \"false alarm\"

Everybody who still works under it is told who closed it and why, and their commands are ended.
Sessions at targets are cut and roles dropped; what became of each is told, and what nobody can cut
is told with the time until which it lasts.")]
pub struct Args {
    /// The incident; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// What ended it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Closes it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, or it is closed already.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let typed = args.reason.as_deref().map(text::reason).transpose()?;
    let session = seat.session().await?;
    let id = incident::chosen(seat, &session, args.id.as_deref(), "glass incident close").await?;
    let why = reason(seat, typed.as_deref())?;
    let closed = session.close_incident(&id, &why).await?;
    let incident = closed
        .incident
        .as_ref()
        .ok_or_else(|| Error::broken_answer("it has no incident"))?;
    let kills = kills::settled(seat, &session, &closed).await?;
    let now = session.now();
    let view = json!({
        "incident": IncidentView::from(incident),
        "ended": view::grants(&closed.ended),
        "kills": kills.all(),
        "slowest_ms": kills.slowest_ms(),
        "settled": kills.is_settled(),
    });
    seat.printer.answer(&view, |printer| {
        printer.heading(format!("{} is closed.", incident.id));
        for ended in &closed.ended {
            printer.line(format!(
                "  {}  {} can no longer {}",
                ended.id,
                ended.person,
                text::plain(&ended.sentence)
            ));
        }
        if closed.ended.is_empty() {
            printer.line("  no access was live under it");
        } else {
            let ids: Vec<_> = closed.ended.iter().map(|ended| ended.id.clone()).collect();
            printer.line(format!("Ended with it: {}.", grant::listed(&ids, "and")));
        }
        kills::show(seat, &kills, &closed.ended, now);
    });
    Ok(DONE)
}
