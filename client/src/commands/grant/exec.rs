//! `glass exec`

use std::ffi::OsString;

use super::asking::Asking;
use crate::{
    commands::Seat,
    error::Error,
    exec::{self, Order, Task},
    text,
};

/// Run a command with access, and give the access back when it ends
///
/// Asks, waits for the yes, puts what the right gives (a token, a database's role, an SSH or client
/// certificate) where tools look for it, runs the command, renews while the incident is open, and
/// gives everything back: at the end, on Ctrl-C, and if `glass` itself is killed. When the access
/// ends first, so does the command, and you are told who ended it and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass exec deploy-shop -m \"revert the flooded worker\" -- ./deploy --rollback
  glass exec migrate-shop-db -m \"drop the bad index\" --for 10m -- psql
  glass exec shell-web -m \"what fills the disk\" -- rsync -a deploy@web-1:/var/log/shop .
  glass exec read-cluster -m \"why do pods restart\" -- kubectl get pods
  glass exec deploy-shop -m \"revert\" -- sh -c 'curl -H \"Authorization: Bearer \\
      $(cat \"$GLASS_TOKEN_FILE\")\" https://deploy.shop.example/rollback'

A token is in the file that GLASS_TOKEN_FILE names; it is renewed there, so read it again for each
use. Databases: PGHOST, PGUSER and so on. Hosts: SSH_AUTH_SOCK. Clusters: KUBECONFIG. AWS: AWS_ROLE_ARN
and so on. Where a right leads: glass can RIGHT.

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
    let asked = args.asking.look_up_to_use(seat, &session, &right).await?;
    let order = Order {
        right: asked.right,
        incident: asked.incident,
        reason: asked.reason,
        length: asked.length,
        handed: asked.handed,
        task: Task::Run(args.command),
        no_wait: args.asking.no_wait,
        self_grant_if_nobody: args.self_grant,
        drill: None,
    };
    exec::run(session, order, &seat.printer)
        .await
        .map(|ended| ended.code)
}
