//! `glass ledger list`

use breakglass_proto::v1;
use jiff::Timestamp;

use super::when::When;
use crate::{
    commands::{DONE, Seat, warn_of_the_unheard_of},
    entry::Entry,
    error::Error,
    show,
};

/// List entries, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger list
  glass ledger list --incident INC-12 --oldest-first
  glass ledger list --person leon --since 2d
  glass ledger list --kind grant.ended --since 2026-11-23T00:00:00Z
  glass ledger list --limit 1000 -o json | jq 'select(.kind == \"refused\")'

With -o json: the entries as they were written, one a line.")]
pub struct Args {
    /// Who acted, or whom it concerns
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// Only this right's
    #[arg(long, value_name = "RIGHT")]
    right: Option<String>,
    /// Only this incident's
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// Only this grant's
    #[arg(long, value_name = "GRANT")]
    grant: Option<String>,
    /// Only this kind, for example grant.ended, or grant for all of them.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// From this time on: 2d, 3h, or a date and time; without a zone, this laptop's
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// Oldest first
    #[arg(long)]
    oldest_first: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Lists them, and then compares what their signers had seen of the ledger.
///
/// # Errors
/// As [`Seat::session`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let now = session.now();
    let limit = args.limit as usize;
    let request = v1::ListEntriesRequest {
        person: args.person.unwrap_or_default(),
        right: args.right.unwrap_or_default(),
        incident: args.incident.unwrap_or_default(),
        grant: args.grant.unwrap_or_default(),
        kind: args
            .kind
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_owned(),
        since: args.since.map(|when| when.to_proto(now)),
        until: args.until.map(|when| when.to_proto(now)),
        oldest_first: args.oldest_first,
        ..v1::ListEntriesRequest::default()
    };
    let entries = session.list_entries_alone(request.clone(), limit).await?;
    if entries.is_empty() {
        warn_of_the_unheard_of(seat, &session, &request).await?;
    }
    if seat.printer.is_json() {
        entries
            .iter()
            .for_each(|entry| seat.printer.line(String::from_utf8_lossy(&entry.line)));
        return session.compare_listed(&entries).await.map(|()| DONE);
    }
    let rows: Vec<_> = entries.iter().map(|entry| row(entry, now)).collect();
    seat.printer.table(&show::ENTRY_COLUMNS, &rows);
    if rows.is_empty() {
        seat.printer.line("No such entry.");
    }
    session.compare_listed(&entries).await.map(|()| DONE)
}

fn row(entry: &v1::Entry, now: Timestamp) -> Vec<String> {
    match Entry::parse(&entry.line) {
        Ok(read) => show::entry_row(&read, now),
        Err(why) => vec![
            entry.index.to_string(),
            String::new(),
            format!("cannot be read: {why}"),
        ],
    }
}
