//! `glass witness add-log`

use std::path::PathBuf;

use breakglass_tlog::VerifierKey;
use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    witness::Folder,
};

/// Witness another ledger, from its first checkpoint on
///
/// The witness must not be serving meanwhile. A ledger it knows already stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass witness add-log 'glass.example/ledger+1a2b3c4d+AQ...' --dir ./witness")]
pub struct Args {
    /// The ledger's verifier key
    #[arg(value_name = "VKEY", value_parser = super::parse_key)]
    vkey: VerifierKey,
    /// The folder of the witness
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Takes it in.
///
/// # Errors
/// [`Error::Usage`] for another key of a ledger that is known, [`Error::Setup`].
pub fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let origin = args.vkey.name().to_string();
    let folder = Folder::open(&args.dir)?;
    folder.add(args.vkey)?;
    let view = json!({ "dir": args.dir, "origin": origin });
    seat.printer.answer(&view, |printer| {
        printer.good(format!(
            "The witness in {} knows {origin}.",
            args.dir.display()
        ));
    });
    Ok(DONE)
}
