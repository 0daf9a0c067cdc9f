//! `glass ledger list`

use breakglass_proto::v1;
use jiff::Timestamp;

use super::when::When;
use crate::{
    commands::{DONE, Seat, warn_of_the_unheard_of},
    entry::Entry,
    error::Error,
    limits::MAX_ID_BYTES,
    session::Listed,
    show,
    spinner::Spinner,
    text::{self, plain},
};

/// List entries, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger list
  glass ledger list --incident INC-12 --oldest-first
  glass ledger list --person leon --since 2d
  glass ledger list --kind grant.ended --since 2026-11-23T00:00:00Z
  glass ledger list --target web-1 --outcome killed
  glass ledger list --outcome NOT_ALLOWED --person sam
  glass ledger list --text 'black friday' --since 90d
  glass ledger list --limit 100 --after 4211
  glass ledger list --limit 1000 -o json | jq 'select(.kind == \"refused\")'

What came out: on whose word a grant began, how it or a session ended, why somebody was refused, whether
a drill was good. Each page but the last says how to ask for the next.

With -o json: the entries as they were written, one a line; --after with the index of the last of them
goes on behind it.")]
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
    /// Only what names this target, or is by its guard
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Only what came out so: approved, self-granted, denied, expired, killed, NOT_ALLOWED, good ...
    #[arg(long, value_name = "WORD")]
    outcome: Option<String>,
    /// Only what holds this, in whatever case, in a title, a reason, a note or a laptop's name.
    ///
    /// There is no index of words: entries that hold something typed are read one after the other, so
    /// narrow it with --since or another filter where the ledger is large.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// From this time on: 2d, 3h, or a date and time; without a zone, this laptop's
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// Oldest first
    #[arg(long)]
    oldest_first: bool,
    /// Go on behind this entry, the last of the page before
    #[arg(long, value_name = "ENTRY")]
    after: Option<u64>,
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
        target: args.target.unwrap_or_default(),
        outcome: outcome(args.outcome)?,
        text: looked_for(args.text)?,
        cursor: args.after.map(|last| last.to_string()).unwrap_or_default(),
        since: args.since.map(|when| when.to_proto(now)),
        until: args.until.map(|when| when.to_proto(now)),
        oldest_first: args.oldest_first,
        ..v1::ListEntriesRequest::default()
    };
    let looking = Looking::for_text(seat, &request);
    let tell = |read, at: &str| looking.say(read, at);
    let listed = session.list_entries_telling(request.clone(), limit, tell);
    let Listed { entries, has_more } = listed.await?;
    drop(looking);
    if entries.is_empty() && args.after.is_none() {
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
    match entries.last() {
        None => seat.printer.line("No such entry."),
        Some(last) if has_more => seat.printer.note(format!(
            "There are more: the same with --after {}",
            last.index
        )),
        Some(_) => {}
    }
    session.compare_listed(&entries).await.map(|()| DONE)
}

/// A word as it stands in an entry.
fn outcome(typed: Option<String>) -> Result<String, Error> {
    let typed = typed.unwrap_or_default().trim().to_owned();
    let proper = |b: u8| b.is_ascii_alphabetic() || b"-_".contains(&b);
    if typed.len() <= MAX_ID_BYTES && typed.bytes().all(proper) {
        return Ok(typed);
    }
    Err(Error::usage(
        format!("`{}` is no outcome", plain(&text::cut(&typed))),
        "the word in the entry: approved, self-granted, denied, expired, killed, NOT_ALLOWED, good",
    ))
}

/// A text to look for, checked as the broker does.
fn looked_for(typed: Option<String>) -> Result<String, Error> {
    let Some(typed) = typed else {
        return Ok(String::new());
    };
    text::looked_for(&typed)
}

/// What is said while entries are read to look for a text.
struct Looking(Option<Spinner>);

impl Looking {
    fn for_text(seat: &Seat, request: &v1::ListEntriesRequest) -> Self {
        let looks = !request.text.is_empty();
        Self(looks.then(|| seat.printer.spinner("Looking through what was typed")))
    }

    fn say(&self, read: u64, at: &str) {
        if let Some(spinner) = &self.0 {
            spinner.say(format!(
                "Looked through {read} entries that hold something typed, as far as entry {at}"
            ));
        }
    }
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
