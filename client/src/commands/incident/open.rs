//! `glass incident open`

use crate::{
    commands::{DONE, Seat},
    error::Error,
    show, text,
    view::IncidentView,
};

/// How bad.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Severity {
    /// The product is down or data is at risk
    Sev1,
    /// Part of the product does not work
    Sev2,
    /// Something is wrong and can wait for daylight
    Sev3,
}

/// Say that something is broken; access can be asked for from then on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass incident open \"shop: checkout fails since the 14:02 release\"
  glass incident open --severity sev1 \"database is full\"

It closes by itself when it reaches the policy's longest age. Close it as soon as things work:
  glass incident close -m \"reverted\"")]
pub struct Args {
    /// What is broken, in one line
    #[arg(value_name = "TITLE")]
    title: String,
    /// How bad it is
    #[arg(long, value_enum, default_value = "sev2")]
    severity: Severity,
}

/// Opens it.
///
/// # Errors
/// [`Error::Refused`] where the policy does not let this person.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let title = text::title(&args.title)?;
    let severity = match args.severity {
        Severity::Sev1 => "sev1",
        Severity::Sev2 => "sev2",
        Severity::Sev3 => "sev3",
    };
    let session = seat.session().await?;
    let incident = session.open_incident(severity, &title).await?;
    seat.printer
        .answer(&IncidentView::from(&incident), |printer| {
            printer.heading(format!("{} is open.", incident.id));
            let closes = show::when(incident.closes_at.as_ref(), session.now());
            if !closes.is_empty() {
                printer.line(format!("It closes by itself at {closes}."));
            }
            printer.line("See what you may do: glass can");
        });
    Ok(DONE)
}
