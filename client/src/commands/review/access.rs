//! `glass review access`

use crate::{
    access::{self, Reading},
    commands::{DONE, Seat},
    error::Error,
    output::Format,
    session::Session,
};

/// Who can do what today, what of it nobody uses, and who is named in the policy and gone
///
/// For the schedule: once a quarter somebody looks, and does what it says. It is read by the broker
/// from the policy in force and the ledger, names the checkpoint it was made at, and changes nothing.
/// A right was used when a credential was issued under it, a guard let somebody in, or `glass exec`
/// ran something.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass review access
  glass review access --days 30
  glass review access -o json | jq '.findings[] | select(.kind == \"removed-but-named\")'
  glass review access -o csv > access.csv             for a spreadsheet
  glass review access -o markdown > access-2026-11.md one page for the auditor, with how to check it

-o takes csv and markdown here, beside text and json. The exit code is 0 whatever it finds.")]
pub struct Args {
    /// What was not used for so many days counts as not used
    #[arg(long, value_name = "N", default_value_t = 90,
        value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

/// Reads and shows it.
///
/// # Errors
/// As [`Seat::session`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let reading = read(&session, args.days).await?;
    let printer = &seat.printer;
    match printer.format() {
        Format::Text => access::say(printer, &reading, session.now()),
        Format::Json => printer.json(&access::view(&reading)),
        Format::Markdown => access::page(&reading)
            .iter()
            .for_each(|line| printer.verbatim(line)),
        // RFC 4180 section 2: lines end in CRLF.
        Format::Csv => access::csv(&reading)
            .iter()
            .for_each(|line| printer.verbatim(&format!("{line}\r"))),
    }
    Ok(DONE)
}

async fn read(session: &Session, days: u32) -> Result<Reading, Error> {
    let answer = session.review_access(days).await?;
    let trust = session.trust();
    let checkpoint = trust.verify_checkpoint(&answer.checkpoint)?;
    Ok(Reading {
        origin: trust.origin(),
        vkey: trust.key().to_string(),
        size: checkpoint.size(),
        root: checkpoint.root().to_string(),
        answer,
    })
}
