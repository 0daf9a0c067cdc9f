//! `glass incident list`

use breakglass_proto::v1;

use crate::{
    commands::{DONE, Seat, more},
    error::Error,
    show::{drill_mark, when},
    view,
};

/// List open incidents, or all of them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident list
  glass incident list --all --limit 200")]
pub struct Args {
    /// Also closed ones, newest first
    #[arg(long)]
    all: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Lists them.
///
/// # Errors
/// As [`Seat::session`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let limit = args.limit as usize;
    // One more says whether there are more.
    let mut incidents = session.list_incidents(args.all, limit + 1).await?;
    let has_more = incidents.len() > limit;
    incidents.truncate(limit);
    let now = session.now();
    seat.printer
        .answer(&view::incidents(&incidents), |printer| {
            let row = |incident: &v1::Incident| {
                vec![
                    format!("{}{}", drill_mark(incident.drill), incident.id),
                    view::severity_word(incident.severity()).to_owned(),
                    view::state_word(incident.state()).to_owned(),
                    when(incident.opened_at.as_ref(), now),
                    incident.opened_by.clone(),
                    incident.title.clone(),
                ]
            };
            let rows: Vec<_> = incidents.iter().map(row).collect();
            printer.table(
                &["INCIDENT", "SEVERITY", "STATE", "OPENED", "BY", "TITLE"],
                &rows,
            );
            if rows.is_empty() {
                printer.line(if args.all {
                    "No incident yet."
                } else {
                    "No open incident."
                });
            }
        });
    if has_more {
        seat.printer.note(more(limit));
    }
    Ok(DONE)
}
