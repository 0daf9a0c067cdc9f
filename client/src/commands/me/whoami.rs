//! `glass whoami`

use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    show, time, view,
};

/// Whom the broker takes this laptop for
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass whoami
  glass whoami -o json | jq -r .person")]
pub struct Args {}

/// Asks, and shows the answer.
///
/// # Errors
/// As [`Seat::session`].
pub async fn run(_: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let (who, context) = (session.who(), session.context());
    let view = json!({
        "person": who.person,
        "name": who.name,
        "job": who.job,
        "key": who.key,
        "certificate_expires_at": view::at(who.certificate_expires_at.as_ref()),
        "broker_time": time::rfc3339(session.now()),
        "context": context.name,
        "server": context.server,
        "device": context.device,
        "issuer": who.issuer,
        "ledger": who.origin,
        "ledger_vkey": who.ledger_vkey,
    });
    seat.printer.answer(&view, |printer| {
        printer.heading(format!("{}  {}, {}", who.person, who.name, who.job));
        show::fact(printer, "broker", &context.server.to_string());
        show::fact(printer, "context", context.name.as_str());
        show::fact(printer, "device", &context.device);
        show::fact(printer, "key", &who.key);
        let expires = show::when(who.certificate_expires_at.as_ref(), session.now());
        show::fact(
            printer,
            "expires",
            &format!("{expires}; renews itself before"),
        );
        show::fact(printer, "ledger", &who.origin);
    });
    Ok(DONE)
}
