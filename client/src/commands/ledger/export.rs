//! `glass ledger export`

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::{
    taking::{Asked, Way, take},
    when::When,
};
use crate::{
    audit::Report,
    commands::{DONE, Seat},
    error::Error,
    export::{About, Writer, archive, verifier_sha256},
};

/// Take a copy of the ledger away, checked
///
/// The folder says everything by itself, also in ten years: entries as JSON lines and as a table, the
/// policies in force, the public keys, signed checkpoints at both ends, proofs, and a verifier in one file
/// of plain Python. A period brings those earlier entries along that one has to know, each proven to stand
/// where it says. That you took it is recorded in the ledger.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger export ./ledger-2026-11
  glass ledger export --since 2026-11-01 --until 2026-12-01 --archive ./ledger-2026-11
  glass ledger verify ./ledger-2026-11
  glass ledger report ./ledger-2026-11")]
pub struct Args {
    /// A new or empty folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// From this time on: 90d, 3h, or a date and time; without a zone, this laptop's
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// Also as one file beside it, FOLDER.tar.zst
    #[arg(long)]
    archive: bool,
}

/// Exports it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, [`Error::Unverified`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    Writer::demand_empty(&args.folder)?;
    let archive = args.archive.then(|| archive::beside(&args.folder));
    let archive = archive.transpose()?;
    if let Some(archive) = archive.as_deref().filter(|archive| archive.exists()) {
        return Err(Error::usage(
            format!("there is {} already", archive.display()),
            "name another folder",
        ));
    }
    let session = seat.session().await?;
    let asked = period(args.since, args.until, session.now())?;
    let spinner = seat.printer.spinner("Exporting the ledger");
    let report = take(&session, &args.folder, asked, Way::Export, |count| {
        spinner.say(format!("Exporting the ledger: {count} entries"));
    })
    .await?;
    let about = about(&args.folder)?;
    if let Some(archive) = &archive {
        spinner.say("Packing the archive".to_owned());
        pack(&args.folder, archive, &about, &report)?;
    }
    drop(spinner);
    let view = json!({
        "folder": args.folder,
        "archive": archive,
        "from": about.from,
        "to": about.to,
        "verifier_sha256": verifier_sha256(),
        "report": report,
    });
    seat.printer.answer(&view, |printer| {
        printer.good(format!(
            "{} entries of {} are in {}, checked.",
            about.to - about.from,
            report.origin,
            args.folder.display()
        ));
        if let Some(archive) = &archive {
            printer.line(format!("The same in one file: {}", archive.display()));
        }
        printer.aside(format!("verify.py has the SHA-256 {}", verifier_sha256()));
    });
    Ok(DONE)
}

/// The times of a period, which has to have a length.
pub(super) fn period(
    since: Option<When>,
    until: Option<When>,
    now: Timestamp,
) -> Result<Asked, Error> {
    // Entries have milliseconds, and a period ends where an entry can.
    let time = |when: When| {
        let time = when.time(now);
        time.round(jiff::Unit::Millisecond).unwrap_or(time)
    };
    let (since, until) = (since.map(time), until.map(time));
    match (since, until) {
        (Some(since), Some(until)) if since >= until => Err(Error::usage(
            format!("the period from {since} to {until} has no length"),
            "--since is before --until",
        )),
        _ => Ok(Asked { since, until }),
    }
}

fn about(folder: &Path) -> Result<About, Error> {
    About::of(folder)?.ok_or_else(|| Error::broken_answer("the export was removed meanwhile"))
}

fn pack(folder: &Path, archive: &Path, about: &About, report: &Report) -> Result<(), Error> {
    let name = format!("ledger-{}-{}", about.from, about.to);
    let at = report.last_at.as_deref().and_then(|at| at.parse().ok());
    archive::write(folder, archive, &name, at.unwrap_or(Timestamp::UNIX_EPOCH))
}
