//! `glass ledger show`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_tlog::succession::to_text;
use serde_json::{Value, json};

use super::which::Which;
use crate::{
    commands::{DONE, Seat},
    error::Error,
    session::Session,
    story::{
        Story, Voice,
        view::{self, StoryView},
    },
    text,
};

/// One entry in full with its proof, or the story of a grant, checked
///
/// Of a grant: every entry about it from asking to ending, each proven to be in the ledger, every signature
/// checked, and the rules run again. Whether the broker left anything out is seen by
/// reading all of it: glass ledger verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger show 42
  glass ledger show 42 -o json   with inclusion proof and signed checkpoint
  glass ledger show G-45

Exit code 86: it is not in the ledger, or does not hold. With -o json, of a grant: `entries`
(`entry`, `at`, `kind`, `by`, `text`, `policy`), `signatures`, `holds`, `marks` (where a part of the
ledger was lost), and `wrong`.")]
pub struct Args {
    /// An entry, by its place, counted from 0; or a grant (G-45)
    #[arg(value_name = "ENTRY|GRANT", value_parser = Which::parse)]
    which: Which,
}

/// Shows it, after checking the proof, and then compares what its signer had seen of the ledger.
///
/// # Errors
/// [`Error::Refused`] where there is none, [`Error::Unverified`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    match args.which {
        Which::Entry(index) => entry(seat, &session, index).await,
        Which::Grant(grant) => story(seat, &session, &grant).await,
    }
}

async fn story(seat: &Seat, session: &Session, grant: &str) -> Result<u8, Error> {
    let spinner = seat.printer.spinner("Reading its story");
    let story = Story::of_grant(session, grant).await?;
    drop(spinner);
    let voice = Voice::ToPeople(session.now());
    let shown = StoryView::from(&story);
    seat.printer
        .answer(&shown, |printer| view::story(printer, &story, voice));
    story.need_whole().map(|()| DONE)
}

async fn entry(seat: &Seat, session: &Session, index: u64) -> Result<u8, Error> {
    let (receipt, read) = session.entry_alone(index).await?;
    let entry: Value = serde_json::from_slice(&receipt.entry)
        .map_err(|error| Error::broken_answer(&format!("the entry: {error}")))?;
    let inclusion: Vec<_> = receipt
        .inclusion
        .iter()
        .map(|hash| STANDARD.encode(hash))
        .collect();
    let mut view = json!({
        "entry": entry,
        "line": String::from_utf8_lossy(&receipt.entry),
        "inclusion": inclusion,
        "checkpoint": receipt.checkpoint,
    });
    let successions = to_text(session.trust().keys().successions());
    if !successions.is_empty() {
        view["successions"] = successions.into();
    }
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
