//! `glass ledger list`

use breakglass_proto::v1;
use jiff::Timestamp;

use super::when::When;
use crate::{
    commands::{DONE, Seat, no_such_kind, warn_of_the_unheard_of},
    entry::Entry,
    error::Error,
    limits::MAX_ID_BYTES,
    session::{Listed, Session},
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

What came out: on whose word a grant began, how it or a session ended, why somebody was refused,
whether a drill was good. Each page but the last says how to ask for the next.

With -o json: the entries as they were written, one a line; --after with the index of the last of
them goes on behind it.")]
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
    /// Only what came out so: approved, denied, expired, killed, NOT_ALLOWED, good and others
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
    let wanted = wanted(&args)?;
    let session = seat.session().await?;
    let now = session.now();
    let limit = args.limit as usize;
    let request = v1::ListEntriesRequest {
        since: args.since.map(|when| when.to_proto(now)),
        until: args.until.map(|when| when.to_proto(now)),
        ..wanted
    };
    let looking = Looking::for_text(seat, &request);
    let tell = |read, at: &str| looking.say(read, at);
    let listed = session.list_entries_telling(request.clone(), limit, tell);
    let Listed { entries, has_more } = listed.await?;
    drop(looking);
    match args.after {
        None if entries.is_empty() => warn_of_the_unheard_of(seat, &session, &request).await?,
        None => {}
        Some(after) => warn_of_the_end(seat, &session, after).await?,
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

/// What was typed, checked before anybody is asked: what is empty would find everything.
fn wanted(args: &Args) -> Result<v1::ListEntriesRequest, Error> {
    let id = |name: &str, typed: &Option<String>| match typed {
        None => Ok(String::new()),
        Some(typed) => some(name, typed).and_then(|it| of_an_id(name, it)),
    };
    let kind = args.kind.as_deref().map(|kind| some("--kind", kind));
    let kind = kind.transpose()?.unwrap_or_default().trim_end_matches('.');
    let of_kinds = |b: u8| b.is_ascii_lowercase() || b".-".contains(&b);
    if kind.len() > MAX_ID_BYTES || !kind.bytes().all(of_kinds) {
        return Err(no_such_kind(kind));
    }
    Ok(v1::ListEntriesRequest {
        person: id("--person", &args.person)?,
        right: id("--right", &args.right)?,
        incident: id("--incident", &args.incident)?,
        grant: id("--grant", &args.grant)?,
        kind: kind.to_owned(),
        target: id("--target", &args.target)?,
        outcome: outcome(args.outcome.as_deref())?,
        text: looked_for(args.text.clone())?,
        cursor: args.after.map(|last| last.to_string()).unwrap_or_default(),
        oldest_first: args.oldest_first,
        ..v1::ListEntriesRequest::default()
    })
}

fn some<'t>(name: &str, typed: &'t str) -> Result<&'t str, Error> {
    match typed.trim() {
        "" => Err(Error::usage(
            format!("{name} is empty, and would find everything"),
            "leave it out, or say which: glass ledger list --help",
        )),
        typed => Ok(typed),
    }
}

/// An id as it stands in an entry, by the name of its filter.
fn of_an_id(name: &str, typed: &str) -> Result<String, Error> {
    match name {
        "--incident" => text::incident_id(typed),
        "--grant" => text::grant_id(typed),
        "--right" => text::right_id(typed),
        "--person" => named("person", typed, "glass people list"),
        _ => named("target", typed, "glass targets list"),
    }
}

/// An id as the policy has them.
fn named(what: &str, typed: &str, see: &str) -> Result<String, Error> {
    let proper = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if typed.len() <= MAX_ID_BYTES && typed.bytes().all(proper) {
        return Ok(typed.to_owned());
    }
    Err(Error::usage(
        format!("`{}` is no {what}'s id", plain(&text::cut(typed))),
        format!("ids are lower-case words; see them: {see}"),
    ))
}

/// Where somebody goes on behind the last entry there is.
async fn warn_of_the_end(seat: &Seat, session: &Session, after: u64) -> Result<(), Error> {
    let size = session.next_index().await?;
    if after >= size {
        seat.printer.warn(format!(
            "there is no entry {after}: the ledger ends at entry {}",
            size.saturating_sub(1)
        ));
    }
    Ok(())
}

/// A word as it stands in an entry.
fn outcome(typed: Option<&str>) -> Result<String, Error> {
    let Some(typed) = typed else {
        return Ok(String::new());
    };
    let typed = some("--outcome", typed)?.to_owned();
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
