//! `glass incident watch`

use breakglass_proto::v1;

use crate::{
    commands::{DONE, Seat, incident},
    error::{Error, exit},
    grant::by_whom,
    session::Session,
    stream::{News, Resumed},
    timeline::{self, Item},
    watching::Watching,
};

/// Follow an incident as things happen, until it closes
///
/// The same lines as those of `glass incident show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident watch
  glass incident watch INC-12 --from-start
  glass incident watch -o json          one JSON object a line

A broken connection is opened again by itself and nothing is left out. When the incident closes,
the exit code is 83. What becomes of sessions and roles after that: glass incident show INC-12.")]
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
    let from = session.next_index().await?;
    let incident = session.incident(&id).await?.incident.unwrap_or_default();
    let is_closed = incident.state() == v1::IncidentState::Closed;
    if is_closed && !args.from_start {
        return Err(closed_error(&incident));
    }
    if !seat.printer.is_json() && !is_closed {
        seat.printer
            .note(format!("following {id} until it closes; Ctrl-C to stop"));
    }
    if args.from_start {
        // What came since then is told as it was heard, or now where nothing else comes.
        let past = timeline::whole(&session, &id).await?;
        let told = past.iter().filter(|item| is_closed || item.index < from);
        told.for_each(|item| say(seat, &session, item));
    }
    if is_closed {
        return Ok(exit::ENDED);
    }
    follow(seat, &session, id, from).await
}

async fn follow(seat: &Seat, session: &Session, incident: String, from: u64) -> Result<u8, Error> {
    let watching = Watching {
        incident,
        ..Watching::default()
    };
    let mut stream = Resumed::new(session, watching, Some(from));
    let mut is_lost = false;
    loop {
        match stream.next().await? {
            News::Came(event) => {
                is_lost = false;
                say(seat, session, &Item::from(&event));
                session.compare_told(event.index, &event.by).await?;
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
        next: format!("see what happened: glass incident show {id}"),
    }
}

fn say(seat: &Seat, session: &Session, item: &Item) {
    match seat.printer.is_json() {
        true => seat.printer.json_line(item),
        false => item.say(&seat.printer, session.now()),
    }
}
