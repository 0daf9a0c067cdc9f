//! `glass witness show`

use std::path::PathBuf;

use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    text::plain,
    witness::Folder,
};

/// Show what a witness is called, and what it has signed; not while it serves
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass witness show --dir ./witness")]
pub struct Args {
    /// The folder of the witness
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Shows it.
///
/// # Errors
/// [`Error::Setup`] where anything in the folder is damaged.
pub fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let folder = Folder::open(&args.dir)?;
    let (vkey, logs) = (folder.vkey()?.to_string(), folder.logs()?);
    let shown: Vec<_> = logs
        .iter()
        .map(|log| json!({ "origin": log.origin(), "vkey": log.vkey(), "size": log.size() }))
        .collect();
    let view = json!({ "vkey": vkey, "logs": shown });
    seat.printer.answer(&view, |printer| {
        printer.line(&vkey);
        let row = |log: &crate::witness::Known| vec![plain(log.origin()), log.size().to_string()];
        let rows: Vec<_> = logs.iter().map(row).collect();
        printer.table(&["LEDGER", "COSIGNED UP TO"], &rows);
    });
    Ok(DONE)
}
