//! `glass guard ssh`

use std::{path::PathBuf, time::Duration};

use jiff::SignedDuration;

use crate::{
    commands::{DONE, Seat, length},
    error::Error,
    guard::{
        attend::Post,
        entries::Witnesses,
        ssh::{self, MAX_GRACE, Order},
    },
    verify::Ledger,
};

/// Guard this host's sshd: sessions end when their grant does
///
/// Runs as root beside sshd, usually as the service glass-guard. It learns from a PAM hook which
/// session belongs to which grant, and ends it with everything it started when the grant is over, or
/// when the broker has been out of reach for longer than the target's grace. It keeps the list of
/// revoked certificates that sshd reads. Logins without an emergency certificate are left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass guard ssh --krl /etc/ssh/breakglass/revoked
  systemctl enable --now glass-guard

To set up a host, see deploy/ssh/ and deploy/systemd/glass-guard.service.")]
pub struct Args {
    /// The file sshd reads as RevokedKeys; made if it is not there
    #[arg(long, value_name = "FILE")]
    krl: Option<PathBuf>,
    /// How long access outlives the broker until the broker itself has said so, at most 1h
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    grace: Option<SignedDuration>,
    /// Where the guard keeps the sessions
    #[arg(long, value_name = "FOLDER", env = "STATE_DIRECTORY", hide_env = true, default_value = ssh::STATE)]
    state: PathBuf,
    /// Where logins ring; `glass guard login` has the same flag
    #[arg(long, value_name = "PATH", default_value = ssh::SOCKET)]
    socket: PathBuf,
    #[command(flatten)]
    witnesses: Witnesses,
}

impl Args {
    fn order(self, ledger: Ledger) -> Result<Order, Error> {
        let grace = self.grace.and_then(|grace| Duration::try_from(grace).ok());
        if grace.is_some_and(|grace| grace > MAX_GRACE) {
            return Err(Error::usage("a grace is at most 1h", "--grace 2m"));
        }
        let ledger = self.witnesses.of(ledger)?;
        Ok(Order {
            state: self.state,
            socket: self.socket,
            krl: self.krl,
            grace,
            ledger,
        })
    }
}

/// Guards the host until SIGTERM or Ctrl-C.
///
/// # Errors
/// Where it cannot begin, see [`ssh::run`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::usage(
            "a guard has to be root: it ends other people's processes",
            "sudo systemctl start glass-guard",
        ));
    }
    let post = Post::of(&seat.settings, &seat.printer)?;
    let order = args.order(post.ledger())?;
    let stop = super::stopped()?;
    seat.printer
        .note(format!("the guard of {} begins", post.target()));
    ssh::run(&order, post, &seat.printer, stop).await?;
    Ok(DONE)
}
