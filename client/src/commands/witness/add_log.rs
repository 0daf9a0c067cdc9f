//! `glass witness add-log`

use std::path::PathBuf;

use breakglass_tlog::{VerifierKey, succession::from_text};
use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    files,
    text::plain,
    witness::Folder,
};

/// Witness another ledger, from its first checkpoint on
///
/// The witness must not be serving meanwhile. A ledger it knows already stays as it is. Where the key of
/// one was rotated, --successions shows that the new key follows the one this witness knows.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass witness add-log 'glass.example/ledger+1a2b3c4d+AQ...' --dir ./witness
  glass witness add-log 'glass.example/ledger+5e6f7081+AQ...' --dir ./witness --successions ./successions")]
pub struct Args {
    /// The ledger's verifier key
    #[arg(value_name = "VKEY", value_parser = super::parse_key)]
    vkey: VerifierKey,
    /// The folder of the witness
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// How its keys follow each other: `successions` of a mirror, an export or a laptop, or
    /// `keys/ledger.successions` of the broker
    #[arg(long, value_name = "FILE")]
    successions: Option<PathBuf>,
}

/// Takes it in.
///
/// # Errors
/// [`Error::Usage`] for another key of a ledger that is known, [`Error::Setup`].
pub fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let origin = args.vkey.name().to_string();
    let successions = match &args.successions {
        Some(file) => {
            let text = files::read_text(file)?;
            let text = text.ok_or_else(|| unreadable(file, "it is not there"))?;
            from_text(&text).map_err(|why| unreadable(file, &why.to_string()))?
        }
        None => Vec::new(),
    };
    let folder = Folder::open(&args.dir)?;
    folder.add(args.vkey, successions)?;
    let view = json!({ "dir": args.dir, "origin": origin });
    seat.printer.answer(&view, |printer| {
        printer.good(format!(
            "The witness in {} knows {origin}.",
            args.dir.display()
        ));
    });
    Ok(DONE)
}

fn unreadable(file: &std::path::Path, why: &str) -> Error {
    Error::usage(
        format!("{} shows nobody's keys: {}", file.display(), plain(why)),
        "name `successions` of a mirror, an export or a laptop's context",
    )
}
