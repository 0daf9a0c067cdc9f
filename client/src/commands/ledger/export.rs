//! `glass ledger export`

use std::path::{Path, PathBuf};

use breakglass_proto::v1;
use serde_json::json;
use tonic::Streaming;

use crate::{
    audit::Report,
    commands::{DONE, Seat},
    error::Error,
    export::Writer,
    session::Session,
};

/// Take a copy of the whole ledger away, checked
///
/// That you did is recorded in the ledger.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger export ./ledger-2026-11
  glass ledger verify --from ./ledger-2026-11")]
pub struct Args {
    /// A new or empty folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Exports it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person, [`Error::Unverified`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    Writer::demand_empty(&args.folder)?;
    let session = seat.session().await?;
    let spinner = seat.printer.spinner("Exporting the ledger");
    // Before the copy is made, so that it is of no more than is in it.
    let (_, cosigned) = session.heads().await?;
    let stream = session.export().await?;
    let report = copy(&session, &args.folder, (stream, cosigned), |count| {
        spinner.say(format!("Exporting the ledger: {count} entries"));
    })
    .await?;
    drop(spinner);
    let view = json!({ "folder": args.folder, "report": report });
    seat.printer.answer(&view, |printer| {
        printer.good(format!(
            "{} entries of {} are in {}, checked.",
            report.entries,
            report.origin,
            args.folder.display()
        ));
    });
    Ok(DONE)
}

async fn copy(
    session: &Session,
    folder: &Path,
    (mut stream, cosigned): (Streaming<v1::ExportEntriesResponse>, Option<String>),
    progress: impl Fn(u64),
) -> Result<Report, Error> {
    let mut begun: Option<(Writer, String)> = None;
    let mut count = 0;
    while let Some(part) = stream
        .message()
        .await
        .map_err(|status| session.explain(&status))?
    {
        // Nothing is made here for an export that is refused.
        let (writer, _) = match &mut begun {
            Some(begun) => begun,
            None => {
                session.accept_checkpoint(&part.checkpoint).await?;
                let writer = Writer::begin(folder, session.trust().key(), cosigned.clone())?;
                begun.insert((writer, part.checkpoint))
            }
        };
        for entry in part.entries {
            writer.entry(&entry.line)?;
            count += 1;
        }
        progress(count);
    }
    let (writer, checkpoint) = begun.ok_or_else(|| Error::broken_answer("the export is empty"))?;
    writer.finish(&checkpoint)
}
