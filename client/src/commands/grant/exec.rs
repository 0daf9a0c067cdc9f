//! `glass exec`

use std::ffi::OsString;

use super::asking::Asking;
use crate::{
    commands::Seat,
    error::Error,
    exec::{self, Order, Placement},
    text,
};

/// Run a command with access, and give the access back when it ends
///
/// Asks, waits for the yes, puts a token into a private file, runs the command, renews the token
/// while the incident is open, and gives everything back: at the end, on Ctrl-C, and if `glass`
/// itself is killed. When the access ends first, so does the command, and you are told who ended
/// it and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass exec deploy-shop -m \"revert the flooded worker\" -- ./deploy --rollback
  glass exec migrate-shop-db -m \"drop the bad index\" --for 10m -- psql shop
  glass exec deploy-shop -m \"revert\" -- sh -c 'curl -H \"Authorization: Bearer \\
      $(cat \"$GLASS_TOKEN_FILE\")\" https://deploy.shop.example/rollback'

The command finds its token in the file that GLASS_TOKEN_FILE names; it is renewed there, so read
it again for each use.

Exit codes: the command's own, or 128 + its signal; 81 waiting (--no-wait), 82 denied or nobody
answered, 83 the access ended first.")]
pub struct Args {
    /// The right, see `glass can`
    #[arg(value_name = "RIGHT")]
    right: String,
    /// Incident, reason, length.
    #[command(flatten)]
    asking: Asking,
    /// Where nobody answers and the rule allows it: begin it yourself, for a shorter time, with
    /// everybody told
    #[arg(long)]
    self_grant: bool,
    /// Program and arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Looks everything up, then hands over to [`exec::run`].
///
/// # Errors
/// As [`exec::run`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    args.asking.check()?;
    let right = text::right_id(&args.right)?;
    let session = seat.session().await?;
    let asked = args.asking.look_up(seat, &session, &right).await?;
    let order = Order {
        right: asked.right,
        incident: asked.incident,
        reason: asked.reason,
        length: asked.length,
        command: args.command,
        placement: Placement::default(),
        no_wait: args.asking.no_wait,
        self_grant_if_nobody: args.self_grant,
    };
    exec::run(session, order, &seat.printer)
        .await
        .map(|ended| ended.code)
}
