//! `glass agent`

use std::path::PathBuf;

use super::asking::Asking;
use crate::{
    commands::Seat,
    error::Error,
    exec::{self, Order, Task},
    text,
};

/// Keep an SSH agent with your certificate, for plain ssh and what calls it
///
/// Asks for the right, waits for the yes, prints where the agent is, and stays until the access
/// ends, renewing the certificate. Ctrl-C gives the access back. The key is in memory only.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass agent --right shell-web -m \"what fills the disk\"
      prints: export SSH_AUTH_SOCK=/run/user/1000/glass-exec-.../agent.sock
      In another window paste that line, then: ssh deploy@web-1.shop.example
  glass agent --right shell-web -m \"look\" --link ~/.ssh/glass.sock
      for a configuration that names it: IdentityAgent ~/.ssh/glass.sock

With -o json: grant, socket and ends_at. Logins that are open are not cut by this: the guard beside
the host does that. `glass ssh` and `glass exec` end what they started.

Exit codes: 0 ended by you; 81 waiting (--no-wait), 82 denied or lapsed, 83 the access ended.")]
pub struct Args {
    /// The right, see `glass can`
    #[arg(long, value_name = "RIGHT")]
    right: String,
    /// Another name for the agent's socket, as a symbolic link; removed in the end
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// Incident, reason, length.
    #[command(flatten)]
    asking: Asking,
    /// Where nobody answers and the rule allows it: begin it yourself, for a shorter time, with
    /// everybody told
    #[arg(long)]
    self_grant: bool,
}

/// Looks everything up, then hands over to [`exec::run`].
///
/// # Errors
/// [`Error::Usage`] where the right leads to no host; and as [`exec::run`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    args.asking.check()?;
    let right = text::right_id(&args.right)?;
    let session = seat.session().await?;
    let asked = args.asking.look_up_to_use(seat, &session, &right).await?;
    let access = asked.right.access.as_ref();
    if access.is_none_or(|access| access.ssh.is_none()) {
        return Err(Error::usage(
            format!("{right} leads to no host, so an agent has nothing to hold"),
            format!("see where it leads: glass can {right}"),
        ));
    }
    let order = Order {
        right: asked.right,
        incident: asked.incident,
        reason: asked.reason,
        length: asked.length,
        handed: asked.handed,
        task: Task::Agent { link: args.link },
        no_wait: args.asking.no_wait,
        self_grant_if_nobody: args.self_grant,
        drill: None,
    };
    let ended = exec::run(session, order, &seat.printer).await?;
    Ok(ended.code)
}
