//! `glass incident close`

use breakglass_proto::v1;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    commands::{
        DONE, Seat,
        copies::Copies,
        incident::{self, MOST_OPEN, kills},
        reason,
    },
    error::Error,
    grant::ended_line,
    kill::Kills,
    output::Printer,
    session::Session,
    show::drill_mark,
    text,
    view::{self, IncidentView},
};

/// End incidents, and every access and request under them, at once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident close -m \"reverted to 41f, queue is draining\"
  glass incident close INC-12 -m \"false alarm\"
  glass incident close INC-12 INC-13 INC-14 -m \"one cause: the switch in rack 4\"

Everybody who still works under it is told who closed it and why, and their commands are ended.
Sessions at targets are cut and roles dropped; what became of each is told, and what nobody can cut
is told with the time until which it lasts. Of several each is closed under a signature of its own,
and one that cannot be closed keeps none of the others open.")]
pub struct Args {
    /// The incidents; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The same, as other commands take it
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    incident: Option<String>,
    /// What ended it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Closes them.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, or it is closed already; of several, the
/// first.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let typed = args.reason.as_deref().map(text::reason).transpose()?;
    let session = seat.session().await?;
    let ids = which(&args, seat, &session).await?;
    let why = reason(seat, typed.as_deref())?;
    let (mut closed, mut failed) = (Vec::new(), Vec::new());
    // All of them first: nobody's access outlives the wait for another's receipt.
    for id in &ids {
        match session.close_incident(id, &why).await {
            Ok(answer) => closed.push(answer),
            Err(error @ Error::Refused(_)) => failed.push((id, error)),
            Err(error) if closed.is_empty() => return Err(error),
            Err(error) => {
                failed.push((id, error));
                break;
            }
        }
    }
    let mut receipts = Vec::new();
    for answer in &closed {
        receipts.push(Receipt::of(seat, &session, answer).await?);
    }
    say(seat, &ids, &receipts, &failed, session.now());
    match failed.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(DONE),
    }
}

/// Those that are named, each once.
async fn which(args: &Args, seat: &Seat, session: &Session) -> Result<Vec<String>, Error> {
    const BY: &str = "glass incident close";
    if args.ids.len() > MOST_OPEN {
        return Err(Error::usage(
            format!(
                "{} incidents at once; at most {MOST_OPEN} are open",
                args.ids.len()
            ),
            "close them in parts",
        ));
    }
    let mut ids: Vec<String> = Vec::new();
    for typed in &args.ids {
        let id = incident::chosen(seat, session, Some(typed), BY).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        ids.push(incident::chosen(seat, session, args.incident.as_deref(), BY).await?);
    }
    Ok(ids)
}

/// What became of one.
struct Receipt<'a> {
    incident: &'a v1::Incident,
    ended: &'a [v1::Grant],
    kills: Kills,
    copies: Copies,
}

impl<'a> Receipt<'a> {
    async fn of(
        seat: &Seat,
        session: &Session,
        closed: &'a v1::CloseIncidentResponse,
    ) -> Result<Self, Error> {
        let incident = closed.incident.as_ref();
        let receipt = closed.receipt.as_ref();
        let kills = kills::settled(seat, session, Kills::of(closed), receipt).await?;
        Ok(Self {
            incident: incident.ok_or_else(|| Error::broken_answer("it has no incident"))?,
            ended: &closed.ended,
            kills,
            copies: Copies::of(session, &all_ended(session, closed).await).await,
        })
    }

    fn view(&self) -> Value {
        json!({
            "incident": IncidentView::from(self.incident),
            "ended": view::grants(self.ended),
            "kills": self.kills.all(),
            "slowest_ms": self.kills.slowest_ms(),
            "settled": self.kills.is_settled(),
            "kept": self.copies.kept(),
        })
    }

    fn say(&self, printer: &Printer, now: Timestamp) {
        let drill = drill_mark(self.incident.drill);
        printer.heading(format!("{drill}{} is closed.", self.incident.id));
        for ended in self.ended {
            printer.line(format!("  {}", ended_line(ended)));
        }
        if self.ended.is_empty() {
            printer.line("  no access was live under it");
        }
        kills::show(printer, &self.kills);
        self.copies.say(printer, now);
    }
}

/// Of one as of old; of several all together.
fn say(
    seat: &Seat,
    ids: &[String],
    receipts: &[Receipt<'_>],
    failed: &[(&String, Error)],
    now: Timestamp,
) {
    let view = match (ids, receipts) {
        ([_], []) => return,
        ([_], [only]) => only.view(),
        _ => json!({
            "closed": receipts.iter().map(Receipt::view).collect::<Vec<_>>(),
            "failed": failed.iter().map(|(id, error)| json!({
                "incident": id,
                "reason": error.reason(),
                "message": error.to_string(),
            })).collect::<Vec<_>>(),
        }),
    };
    seat.printer.answer(&view, |printer| {
        for receipt in receipts {
            receipt.say(printer, now);
        }
        if ids.len() > 1 {
            let (closed, all) = (receipts.len(), ids.len());
            printer.line(format!("{closed} of {all} closed now."));
            for (id, error) in failed {
                printer.bad(match error.reason() {
                    "INCIDENT_CLOSED" => format!("{id} was closed already"),
                    _ => format!("{id}: {error}"),
                });
            }
        }
    });
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
