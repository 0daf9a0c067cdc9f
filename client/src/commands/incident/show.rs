//! `glass incident show`

use serde_json::json;

use crate::{
    commands::{DONE, Seat, incident},
    error::Error,
    show, timeline,
    view::{self, IncidentView},
};

/// One incident as one timeline, and what access there was under it
///
/// In order of time: its opening and closing, notes, requests, answers and refusals, access that
/// began, grew and ended, credentials, sessions and roles at targets, and what became of them, also
/// long after the closing. Everybody in the policy may read it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident show
  glass incident show INC-12
  glass incident show INC-12 --before 4711      what was before that entry of the ledger
  glass incident show INC-12 -o json | jq -r '.timeline[] | \"\\(.at) \\(.text)\"'

With -o json each thing that happened has the `index` of its entry: glass ledger show INDEX.")]
pub struct Args {
    /// The incident; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// The same, as other commands take it
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    incident: Option<String>,
    /// At most this much of the timeline, the newest
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only what was before this entry of the ledger
    #[arg(long, value_name = "ENTRY")]
    before: Option<u64>,
}

/// Shows it.
///
/// # Errors
/// [`Error::Refused`] for an unknown incident.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let id = incident::chosen(
        seat,
        &session,
        args.id.as_deref().or(args.incident.as_deref()),
        "glass incident show",
    )
    .await?;
    let answer = session.incident(&id).await?;
    let incident = answer
        .incident
        .as_ref()
        .ok_or_else(|| Error::broken_answer("it has no incident"))?;
    let page = timeline::newest(&session, &id, args.before, args.limit as usize).await?;
    let view = json!({
        "incident": IncidentView::from(incident),
        "grants": view::grants(&answer.grants),
        "timeline": page.items,
        "before": page.before,
    });
    seat.printer.answer(&view, |printer| {
        let now = session.now();
        show::incident(printer, incident, now);
        printer.line("");
        if let Some(before) = page.before {
            printer.aside(format!(
                "There is more before this: glass incident show {id} --before {before}"
            ));
        }
        page.items.iter().for_each(|item| item.say(printer, now));
        if page.items.is_empty() {
            printer.line("Nothing was before that.");
        }
        if args.before.is_none() && !answer.grants.is_empty() {
            printer.line("");
            show::grants(printer, &answer.grants, now);
        }
    });
    Ok(DONE)
}
