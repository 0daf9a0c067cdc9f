//! `glass guard ssh`: runs beside sshd on a target, knows which session belongs to which grant, and
//! ends a session with everything it started when its grant is over.
//!
//! ```text
//!  ssh mia's laptop --> sshd --+-- PAM --> glass guard login --- the doorbell ---+
//!                              |           (who is it? the certificate's key id)  |
//!                              +-- session S-7: shell, tmux, nohup ...            v
//!                                        ^                                  glass guard ssh
//!                                        |  SIGHUP, SIGTERM, SIGKILL              |  ^
//!                                        +----------------------------------------+  | standing,
//!                                                                                    | tick, KRL
//!                                                                  broker -----------+
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | [`broker`] | what is needed of the broker, as a trait |
//! | [`presented`] | the certificate somebody showed sshd |
//! | `demanded` | the certificates that have to prove that they were recorded |
//! | [`login`], [`doorbell`] | the hook PAM runs, and the socket it rings at |
//! | [`sessions`], `reports` | the sessions, on disk; what is still to be told |
//! | [`attend`] | what follows from what the broker said: pure |
//! | `kin`, `cgroup`, `roster` | who belongs to a session |
//! | `cut`, `screen` | ending them |
//! | [`krl`] | the list of revoked certificates sshd reads |
//! | `watch` | the one task that decides |
//! | `wire` | the real broker |
//!
//! What it cannot reach: what a session had somebody else start (`systemctl`, `at`, a container
//! daemon) belongs to whoever started it, not to the session; and who is root on the host can end
//! the guard. What it reaches and one may not expect: a daemon started by hand in the session, or
//! by an init script without systemd, ends with it. Start services through the service manager.

pub mod attend;
pub mod broker;
mod cgroup;
mod cut;
mod demanded;
pub mod doorbell;
mod kin;
pub mod krl;
mod limits;
pub mod login;
pub mod presented;
mod reports;
mod roster;
mod screen;
pub mod sessions;
mod watch;
mod wire;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

pub use self::{
    limits::{DEFAULT_GRACE, MAX_GRACE, MAX_KRL_BYTES},
    sessions::Session,
    watch::run,
};
pub use crate::processes::ProcessId;
use crate::verify::Ledger;

/// Where the guard listens, unless it is told otherwise.
pub const SOCKET: &str = "/run/breakglass-guard/guard.sock";

/// Where its state is, unless it is told otherwise.
pub const STATE: &str = "/var/lib/breakglass-guard";

/// How to guard this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The folder of the state, 0700.
    pub state: PathBuf,
    /// The socket for logins.
    pub socket: PathBuf,
    /// The file sshd reads as `RevokedKeys`; without it the list is not kept here.
    pub krl: Option<PathBuf>,
    /// How long access outlives the contact until the broker has said so itself.
    pub grace: Option<Duration>,
    /// The ledger that certificates prove their entry in, where the login's hook demands it.
    pub ledger: Ledger,
}
