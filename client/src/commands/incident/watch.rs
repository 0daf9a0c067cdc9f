//! `glass incident watch`

use breakglass_proto::v1;

use crate::{
    commands::{DONE, Seat, incident},
    error::{Error, exit},
    grant::by_whom,
    session::Session,
    stream::{News, Resumed},
    text::plain,
    time,
    view::EventView,
    watching::Watching,
};

/// Follow an incident as things happen, until it closes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident watch
  glass incident watch INC-12 --from-start
  glass incident watch -o json          one JSON object a line

A broken connection is opened again by itself and nothing is left out. When the incident closes,
the exit code is 83.")]
pub struct Args {
    /// The incident; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Begin with what has happened so far
    #[arg(long)]
    from_start: bool,
}

/// Follows it.
///
/// # Errors
/// [`Error::Refused`] for an unknown incident, [`Error::Ended`] for one that is closed already.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let id = incident::chosen(seat, &session, args.id.as_deref(), "glass incident watch").await?;
    // The place first: what closes it afterwards comes as an event.
    let from = if args.from_start {
        0
    } else {
        session.next_index().await?
    };
    let incident = session.incident(&id).await?.incident.unwrap_or_default();
    if incident.state() == v1::IncidentState::Closed && !args.from_start {
        return Err(closed_error(&incident));
    }
    let watching = Watching {
        incident: id,
        ..Watching::default()
    };
    if !seat.printer.is_json() {
        let id = &watching.incident;
        seat.printer
            .note(format!("following {id} until it closes; Ctrl-C to stop"));
    }
    let mut stream = Resumed::new(&session, watching, Some(from));
    let mut is_lost = false;
    loop {
        match stream.next().await? {
            News::Came(event) => {
                is_lost = false;
                say(seat, &session, &event);
                if seat.printer.is_cut_off() {
                    return Ok(DONE);
                }
                if event.kind == "incident.closed" {
                    return Ok(exit::ENDED);
                }
            }
            News::Lost(error) if !is_lost => {
                is_lost = true;
                seat.printer.warn(format!("{error}; trying again"));
            }
            News::Lost(_) => {}
        }
    }
}

/// Nothing more happens under it.
fn closed_error(incident: &v1::Incident) -> Error {
    let (id, by) = (&incident.id, by_whom(&incident.closed_by));
    let what = match incident.closing_reason.as_str() {
        "" => format!("{by} closed {id}"),
        reason => format!("{by} closed {id}: {reason}"),
    };
    Error::Ended {
        what,
        next: format!("see what happened: glass incident watch {id} --from-start"),
    }
}

fn say(seat: &Seat, session: &Session, event: &v1::WatchResponse) {
    if seat.printer.is_json() {
        return seat.printer.json_line(&EventView::from(event));
    }
    let when = time::from_proto(event.at.as_ref());
    let when = when
        .map(|at| time::local(at, session.now()))
        .unwrap_or_default();
    seat.printer.line(format!("{when}  {}", plain(&event.text)));
}
