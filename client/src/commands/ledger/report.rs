//! `glass ledger report`

use std::path::{Path, PathBuf};

use breakglass_tlog::VerifierKey;

use super::{
    export::period,
    taking::{Asked, Way, take},
    verify::{keys_for, keys_of, parse_key},
    when::When,
};
use crate::{
    commands::{DONE, Seat},
    error::Error,
    key::random,
    report::{self, Report, Span, Topic, html, markdown},
    trust::Trust,
};

/// Answer an auditor's questions, after verifying what they are answered from
///
/// From an exported folder, which needs no broker, or from the broker's ledger. Is the population complete;
/// a sample of 25 that anybody can draw again; did access end, and how long after; what was refused; who
/// approved and has left; which grants were long; who changed policies, people and keys; when did recording
/// fail; what was practised; which reviews are open. Every finding names the entries it stands on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger report ./ledger-2026-11
  glass ledger report ./ledger-2026-11 --as html > report.html
  glass ledger report ./ledger-2026-11 --only sample -o json
  glass ledger report --since 90d

The key is chosen as for `glass ledger verify`. Exit code 86: it does not verify, and nothing is answered.")]
pub struct Args {
    /// An exported folder, in place of the broker
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// From this time on: 90d, 3h, or a date and time; without a zone, this laptop's
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// Only the answer to one question
    #[arg(long, value_name = "QUESTION", value_enum)]
    only: Option<Topic>,
    /// How it is written; with -o json, as JSON
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Markdown)]
    form: Form,
    /// The ledger's verifier key
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    vkey: Option<VerifierKey>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Text with tables
    Markdown,
    /// One file without scripts, to print or to send
    Html,
}

/// Reports.
///
/// # Errors
/// [`Error::Unverified`], as `glass ledger verify`.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let report = match &args.folder {
        Some(folder) => {
            let asked = period(args.since, args.until, crate::time::now())?;
            let context = seat.settings.context();
            let trust = context.and_then(|context| Trust::of(&context)).ok();
            let keys = keys_for(seat, folder, args.vkey, trust.as_ref())?;
            report::of(folder, keys, span(asked), args.only)?
        }
        None => of_broker(&args, seat).await?,
    };
    seat.printer.answer(&report, |printer| {
        let text = match args.form {
            Form::Markdown => markdown::render(&report),
            Form::Html => html::render(&report),
        };
        printer.verbatim(text.trim_end()); // both escape what people typed
    });
    Ok(DONE)
}

/// Reads what is needed into a folder that is gone afterwards.
async fn of_broker(args: &Args, seat: &Seat) -> Result<Report, Error> {
    let session = seat.session().await?;
    let asked = period(args.since, args.until, session.now())?;
    let spinner = seat.printer.spinner("Reading the ledger");
    let folder = Passing::new()?;
    take(&session, &folder.0, asked, Way::Follow, |count| {
        spinner.say(format!("Reading the ledger: {count} entries"));
    })
    .await?;
    let keys = keys_of(session.trust(), args.vkey.clone());
    let report = report::of(&folder.0, keys, span(asked), args.only);
    drop(spinner);
    report
}

fn span(asked: Asked) -> Span {
    Span {
        since: asked.since,
        until: asked.until,
    }
}

/// A private folder that is removed when it is dropped.
struct Passing(PathBuf);

impl Passing {
    fn new() -> Result<Self, Error> {
        let drawn = u128::from_be_bytes(random()?);
        let name = format!("glass-report-{drawn:032x}");
        Ok(Self(std::env::temp_dir().join(name)))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = remove(&self.0); // it holds what anybody with a certificate may read
    }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(folder)
}
