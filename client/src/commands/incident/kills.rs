//! Waiting for the kill receipt of a closing, and showing it.

use std::time::Duration;

use breakglass_proto::v1;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::{
    commands::Seat,
    entry::Entry,
    error::Error,
    kill::{Kill, Kills},
    output::Printer,
    session::Session,
    stream::{News, Resumed},
    watching::Following,
};

/// How long the answers are waited for: the broker itself puts it on record after ten seconds that
/// an end could not be confirmed, and that takes a moment to arrive.
const PATIENCE: Duration = Duration::from_secs(12);

/// What became of everything that a closing is to end, as far as it is said in time.
///
/// # Errors
/// Where the broker cannot be trusted; that it cannot be reached only ends the waiting.
pub(in crate::commands) async fn settled(
    seat: &Seat,
    session: &Session,
    mut kills: Kills,
    receipt: Option<&v1::Receipt>,
) -> Result<Kills, Error> {
    if kills.is_said() {
        return Ok(kills);
    }
    seat.printer.note(format!(
        "waiting for the end of {} at their targets",
        counted(kills.all())
    ));
    let after = receipt.map(|receipt| receipt.index + 1);
    let mut entries = Resumed::new(session, Following, after);
    let deadline = Instant::now() + PATIENCE;
    while !kills.is_said() {
        let Ok(news) = timeout_at(deadline, entries.next()).await else {
            break;
        };
        let News::Came(followed) = news? else {
            continue;
        };
        let entry = followed.entry.map(|entry| Entry::parse(&entry.line));
        if let Some(entry) = entry {
            kills.heard(&entry.map_err(|why| Error::broken_answer(&why))?);
        }
    }
    Ok(kills)
}

fn counted(kills: &[Kill]) -> String {
    match kills.len() {
        1 => "what is open".to_owned(),
        many => format!("{many} things that are open"),
    }
}

/// The same for what one person had: what is doomed at the time of the entry that ended it.
///
/// # Errors
/// As [`settled`].
pub(in crate::commands) async fn of_person(
    seat: &Seat,
    session: &Session,
    receipt: Option<&v1::Receipt>,
    doomed: &[v1::Doomed],
) -> Result<Kills, Error> {
    settled(seat, session, at_entry(receipt, doomed)?, receipt).await
}

/// What is doomed, of which nobody has said anything yet.
///
/// # Errors
/// Where the entry cannot be read.
pub(in crate::commands) fn at_entry(
    receipt: Option<&v1::Receipt>,
    doomed: &[v1::Doomed],
) -> Result<Kills, Error> {
    let entry = receipt.map(|receipt| Entry::parse(&receipt.entry));
    let entry = entry
        .transpose()
        .map_err(|why| Error::broken_answer(&why))?;
    let at = entry.map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
    Ok(Kills::of_removal(at, doomed))
}

/// Prints it: each end, and the slowest.
pub(in crate::commands) fn show(printer: &Printer, kills: &Kills) {
    for kill in kills.all() {
        printer.line(format!("  {}", kill.sentence()));
    }
    if let Some(slowest) = kills.slowest_ms() {
        printer.line(format!("The slowest was over after {slowest} ms."));
    }
    if !kills.is_settled() {
        printer.line("What is not confirmed yet is tried again until it is: glass status");
    }
}
