//! `glass incident close`

use breakglass_proto::v1;
use serde_json::json;

use crate::{
    commands::{
        DONE, Seat,
        incident::{self, kills},
        reason,
    },
    error::Error,
    kill::Kills,
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
    let kills = kills::settled(seat, &session, Kills::of(&closed), closed.receipt.as_ref()).await?;
    let now = session.now();
    let kept = kills::kept(&session, &closed.ended, now).await;
    let view = json!({
        "incident": IncidentView::from(incident),
        "ended": view::grants(&closed.ended),
        "kills": kills.all(),
        "slowest_ms": kills.slowest_ms(),
        "settled": kills.is_settled(),
        "kept": kept,
    });
    seat.printer.answer(&view, |printer| {
        printer.heading(format!("{} is closed.", incident.id));
        for ended in &closed.ended {
            printer.line(format!("  {}", line(ended)));
        }
        if closed.ended.is_empty() {
            printer.line("  no access was live under it");
        }
        kills::show(seat, &kills, &closed.ended, &kept, now);
    });
    Ok(DONE)
}

/// What ended with it: access, or a request that never began.
fn line(ended: &v1::Grant) -> String {
    let (id, person, what) = (&ended.id, &ended.person, text::plain(&ended.sentence));
    match ended.basis() {
        v1::GrantBasis::Unspecified => format!("{id}  {person} no longer asks to {what}"),
        _ => format!("{id}  {person} can no longer {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_not_called_access() {
        let mut ended = v1::Grant {
            id: "G-1".into(),
            person: "mia".into(),
            sentence: "deploy the shop app".into(),
            ..v1::Grant::default()
        };
        assert_eq!(
            line(&ended),
            "G-1  mia no longer asks to deploy the shop app"
        );
        ended.set_basis(v1::GrantBasis::FastPath);
        assert_eq!(line(&ended), "G-1  mia can no longer deploy the shop app");
    }
}
