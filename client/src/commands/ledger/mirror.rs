//! `glass ledger mirror`

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    mirror::{self, Kept, Place, Reach},
    output::Printer,
    show,
};

/// Keep a copy of the whole ledger in a folder, checked as it comes
///
/// Fetches what the folder does not have yet and checks every file before it is written: the signed
/// checkpoint, that it goes on from the one in the folder and from what this laptop has seen, the hash
/// tiles under it, and each entry. Stopped at any point, the next run goes on from there. The folder is
/// in the C2SP tlog-tiles layout: any web server that serves it is a complete mirror.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger mirror /srv/ledger
  glass ledger mirror -q /srv/ledger          for cron: says nothing while all is well
  glass ledger mirror --recheck /srv/ledger   looks at every file again, and mends what is damaged
  glass ledger verify /srv/ledger             checks what the entries say, too

The folder holds who did what: everything in it is as readable as the folder itself (0700 where it
is new). Exit code 86: what is served was changed, went back, or is another history, and nothing of
it is kept.")]
pub struct Args {
    /// A new or empty folder, or the one of an earlier run
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Look at every file of the folder again, and fetch those that are missing or damaged
    #[arg(long)]
    recheck: bool,
    /// Say nothing where all is well
    #[arg(short, long)]
    quiet: bool,
}

/// Brings the folder up to date.
///
/// # Errors
/// [`Error::Unverified`], [`Error::Unreachable`], [`Error::Setup`] where another run is at work.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let place = Place::open(&args.folder, &session.trust().keys())?;
    let spinner = (!args.quiet).then(|| seat.printer.spinner("Mirroring the ledger"));
    let reach = match args.recheck {
        true => Reach::Everything,
        false => Reach::New,
    };
    let progress = |done, all| {
        if let Some(spinner) = &spinner {
            spinner.say(format!("Mirroring the ledger: {done} of {all} entries"));
        }
    };
    let kept = mirror::keep(&session, session.trust(), &place, reach, progress).await?;
    drop(spinner);
    for file in &kept.mended {
        seat.printer.warn(format!(
            "{} was damaged in {}, and is mended",
            file,
            args.folder.display()
        ));
    }
    if !args.quiet {
        let folder = args.folder;
        let view = View { folder, kept };
        seat.printer.answer(&view, |printer| say(printer, &view));
    }
    Ok(DONE)
}

/// What was done, and where.
#[derive(Serialize)]
struct View {
    folder: PathBuf,
    #[serde(flatten)]
    kept: Kept,
}

fn say(printer: &Printer, view: &View) {
    let kept = &view.kept;
    let new = match kept.new {
        0 => "none of them new".to_owned(),
        new => format!("{new} of them new"),
    };
    printer.good(format!(
        "{} entries of {} are in {}, {new}.",
        kept.entries,
        kept.origin,
        view.folder.display()
    ));
    show::fact(printer, "root", &format!("{}, as signed", kept.root));
}
