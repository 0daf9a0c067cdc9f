//! `glass incident close`

use breakglass_proto::v1;
use serde_json::json;

use crate::{
    commands::{
        DONE, Seat,
        copies::Copies,
        incident::{self, kills},
        reason,
    },
    error::Error,
    grant::ended_line,
    kill::Kills,
    session::Session,
    show::drill_mark,
    text,
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
    /// The same, as other commands take it
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    incident: Option<String>,
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
    let id = incident::chosen(
        seat,
        &session,
        args.id.as_deref().or(args.incident.as_deref()),
        "glass incident close",
    )
    .await?;
    let why = reason(seat, typed.as_deref())?;
    let closed = session.close_incident(&id, &why).await?;
    let incident = closed
        .incident
        .as_ref()
        .ok_or_else(|| Error::broken_answer("it has no incident"))?;
    let kills = kills::settled(seat, &session, Kills::of(&closed), closed.receipt.as_ref()).await?;
    let copies = Copies::of(&session, &all_ended(&session, &closed).await).await;
    let now = session.now();
    let view = json!({
        "incident": IncidentView::from(incident),
        "ended": view::grants(&closed.ended),
        "kills": kills.all(),
        "slowest_ms": kills.slowest_ms(),
        "settled": kills.is_settled(),
        "kept": copies.kept(),
    });
    seat.printer.answer(&view, |printer| {
        let drill = drill_mark(incident.drill);
        printer.heading(format!("{drill}{} is closed.", incident.id));
        for ended in &closed.ended {
            printer.line(format!("  {}", ended_line(ended)));
        }
        if closed.ended.is_empty() {
            printer.line("  no access was live under it");
        }
        kills::show(printer, &kills);
        copies.say(printer, now);
    });
    Ok(DONE)
}

/// Everything under it that is over: what ended with it, and what had ended before, of which a copy may
/// still be taken. Where the broker does not say it any more, what ended with it.
async fn all_ended(session: &Session, closed: &v1::CloseIncidentResponse) -> Vec<v1::Grant> {
    let id = closed.incident.as_ref().map(|incident| &*incident.id);
    match session.incident(id.unwrap_or_default()).await {
        Ok(answer) => answer.grants,
        Err(_) => closed.ended.clone(),
    }
}
