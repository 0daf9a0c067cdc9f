//! `glass policy show`

use serde_json::json;

use crate::{
    commands::{DONE, Seat, me::can},
    error::Error,
    show, text,
    view::{self, CanView},
};

/// For each person, what they can and cannot do, in sentences
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass policy show
  glass policy show --text > policy.toml   the file as the broker loaded it

Before a changed file is loaded: glass policy check FILE")]
pub struct Args {
    /// The TOML text as it was loaded
    #[arg(long)]
    text: bool,
}

/// Shows it.
///
/// # Errors
/// As [`Seat::session`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let policy = session.policy().await?;
    if args.text && !seat.printer.is_json() {
        seat.printer.line(text::plain_lines(policy.text.trim_end()));
        return Ok(DONE);
    }
    let people: Vec<_> = policy.people.iter().map(CanView::from).collect();
    let view = json!({
        "sha256": policy.sha256,
        "entry": policy.entry,
        "loaded_at": view::at(policy.loaded_at.as_ref()),
        "people": people,
        "text": policy.text,
    });
    seat.printer.answer(&view, |printer| {
        for person in &policy.people {
            can::say(printer, person);
            printer.line("");
        }
        let loaded = show::when(policy.loaded_at.as_ref(), session.now());
        printer.aside(format!(
            "loaded {loaded} (entry {}), {}",
            policy.entry, policy.sha256
        ));
    });
    Ok(DONE)
}
