//! `glass credential jwt`

use breakglass_proto::v1;
use serde_json::json;
use zeroize::Zeroize as _;

use super::{compact, live, warn_of_screen};
use crate::{
    commands::{
        DONE, Seat,
        grant::{Asking, until_begun},
    },
    error::Error,
    grant::waiting_error,
    session::{Asked, Session},
    text, view,
};

/// Print a token under your live grant; where you have none, ask for one first
///
/// Only the token goes to standard output. It lives 15 minutes or less; the grant lives on until
/// its end or `glass drop`. A request that waits already is waited for, and none is made beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass credential jwt --grant G-45
  TOKEN=$(glass credential jwt deploy-shop -m \"revert the worker\")
  glass credential jwt --grant G-45 -o json | jq -r .expires_at

`glass exec` is safer: it renews the token, keeps it out of your shell's history, and gives the
access back by itself.")]
pub struct Args {
    /// The right: your live grant for it is used, else it is asked for; see `glass can`
    #[arg(
        value_name = "RIGHT",
        required_unless_present = "grant",
        conflicts_with = "grant"
    )]
    right: Option<String>,
    /// This live grant
    #[arg(long, value_name = "GRANT", conflicts_with_all = ["incident", "reason", "length", "no_wait"])]
    grant: Option<String>,
    /// Incident, reason, length.
    #[command(flatten)]
    asking: Asking,
}

/// Gets the token and prints it.
///
/// # Errors
/// [`Error::Refused`], [`Error::Denied`], [`Error::Waiting`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    args.asking.check()?;
    let grant = args.grant.as_deref().map(text::grant_id).transpose()?;
    let session = seat.session().await?;
    let (grant, mut credential) = match grant {
        Some(grant) => {
            let credential = session.issue(&grant).await?;
            (grant, credential)
        }
        None => ask(&args, seat, &session).await?,
    };
    compact(&credential)?;
    if !seat.printer.is_json() {
        seat.printer.note(format!(
            "{grant} is live; to give it back: glass drop {grant}"
        ));
    }
    warn_of_screen(seat);
    if seat.printer.is_json() {
        seat.printer.json(&json!({
            "grant": grant,
            "token": credential.value,
            "id": credential.id,
            "audience": credential.audience,
            "not_before": view::at(credential.not_before.as_ref()),
            "expires_at": view::at(credential.expires_at.as_ref()),
        }));
    } else {
        seat.printer.verbatim(&credential.value);
    }
    credential.value.zeroize();
    Ok(DONE)
}

/// A token for a right: under the live grant there is, or one that is asked for.
async fn ask(
    args: &Args,
    seat: &Seat,
    session: &Session,
) -> Result<(String, v1::Credential), Error> {
    let right = text::right_id(args.right.as_deref().unwrap_or_default())?;
    let incident = seat.settings.incident(args.asking.incident.as_deref())?;
    // The place first: what begins it afterwards comes as an event.
    let from = session.next_index().await?;
    let (grant, from) = match live::of_right(session, &right, incident.as_deref()).await? {
        Some(grant) => (grant, from),
        None => {
            let answer = request(args, seat, session, &right).await?;
            let grant = answer
                .grant
                .ok_or_else(|| Error::broken_answer("it has no grant"))?;
            if let Some(credential) = answer.credential {
                return Ok((grant.id, credential));
            }
            (grant, answer.receipt.map_or(from, |it| it.index + 1))
        }
    };
    if args.asking.no_wait && grant.state() == v1::GrantState::Waiting {
        return Err(waiting_error(&grant, session.now()));
    }
    let grant = until_begun(session, &seat.printer, grant, from).await?;
    let credential = session.issue(&grant.id).await?;
    Ok((grant.id, credential))
}

async fn request(
    args: &Args,
    seat: &Seat,
    session: &Session,
    right: &str,
) -> Result<v1::RequestGrantResponse, Error> {
    let asked = args.asking.look_up(seat, session, right).await?;
    session
        .request(&Asked {
            right: &asked.right,
            incident: &asked.incident,
            reason: &asked.reason,
            length: asked.length,
            held: false,
            credential: v1::CredentialKind::Jwt,
        })
        .await
}
