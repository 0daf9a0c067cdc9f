//! `glass ledger show`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    commands::{DONE, Seat},
    error::Error,
    text,
};

/// One entry in full, with the proof that it is in the ledger
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger show 42
  glass ledger show 42 -o json   with inclusion proof and signed checkpoint")]
pub struct Args {
    /// Its place, counted from 0
    #[arg(value_name = "ENTRY")]
    index: u64,
}

/// Shows it, after checking the proof, and then compares what its signer had seen of the ledger.
///
/// # Errors
/// [`Error::Refused`] where there is none, [`Error::Unverified`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let (receipt, read) = session.entry_alone(args.index).await?;
    let entry: Value = serde_json::from_slice(&receipt.entry)
        .map_err(|error| Error::broken_answer(&format!("the entry: {error}")))?;
    let inclusion: Vec<_> = receipt
        .inclusion
        .iter()
        .map(|hash| STANDARD.encode(hash))
        .collect();
    let view = json!({
        "entry": entry,
        "line": String::from_utf8_lossy(&receipt.entry),
        "inclusion": inclusion,
        "checkpoint": receipt.checkpoint,
    });
    seat.printer.answer(&view, |printer| {
        printer.line(text::safe_json(&pretty(&entry)));
        if let Some(signed) = &read.signed {
            printer.line("");
            printer.heading("What was signed");
            for line in signed.text.lines() {
                printer.line(format!("  {}", text::plain(line)));
            }
        }
        printer.line("");
        printer.good("In the ledger: proof and checkpoint verify.");
    });
    session.compare_seen([&read]).await.map(|()| DONE)
}

fn pretty(entry: &Value) -> String {
    // A parsed value can always be written again.
    serde_json::to_string_pretty(entry).unwrap_or_default()
}
