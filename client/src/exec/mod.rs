//! `glass exec RIGHT -- CMD`: asks, waits, runs the command with the credential, and gives back.
//!
//! What holds, whatever happens:
//!
//! - The command runs only while the grant lives. When it ends, or when its known end has come and
//!   the broker cannot be asked, the command's process group and its descendants outside it get
//!   SIGTERM and, `limits::GRACE` later, SIGKILL.
//! - The credential is in a private `folder` only, and wiped at the end: by us; by the [`keeper`]
//!   where `glass` was killed; by the next `glass exec` where both were.
//! - A grant that was asked for here is given back at every end that leaves us time to. `kill -9` does not: then the hold
//!   stream is gone, the broker ends the grant after its grace of a minute, and a credential that
//!   was copied elsewhere lives at most its own 15 minutes.
//! - While `glass` is stopped (Ctrl-Z) so is the command. The broker takes that for absence: after
//!   its grace the grant is over, and `fg` ends the command.

use std::{path::PathBuf, sync::Arc};

use breakglass_proto::v1::{Grant, Verdict};
use jiff::SignedDuration;

use self::{folder::Base, shim::Shim, visit::Prepared, voice::Voice};
use crate::{error::Error, output::Printer, session::Session};

mod child;
mod desk;
mod drilling;
mod ending;
mod family;
mod folder;
mod hold;
pub mod keeper;
mod limits;
mod papers;
pub mod place;
mod plan;
mod question;
pub mod shim;
pub(crate) mod signals;
mod task;
mod terminal;
mod visit;
mod voice;
mod wait;
mod watch;
mod work;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use self::drilling::{Drilling, Milestone};
pub use self::place::Placement;
pub use self::task::{Hop, Task};

/// What was asked for on the command line. The texts are checked before they come here.
#[derive(Debug, Clone)]
pub struct Order {
    /// The right, with the sentence the requester was shown.
    pub right: Verdict,
    /// The incident, for example `INC-12`.
    pub incident: String,
    /// Why.
    pub reason: String,
    /// For how long, counted from the approval.
    pub length: SignedDuration,
    /// What somebody handed over, to use in place of asking; it is not given back at the end.
    pub handed: Option<Grant>,
    /// What is done with the access.
    pub task: Task,
    /// Do not wait for an approver.
    pub no_wait: bool,
    /// Begin the grant oneself as soon as the rule allows, without being asked.
    pub self_grant_if_nobody: bool,
    /// Where it is part of a drill: what that wants beside. Its closing ends the grant, so it is not given
    /// back.
    pub drill: Option<Drilling>,
}

impl Order {
    /// Where it is part of a drill, that it got so far.
    fn pass(&self, milestone: Milestone) {
        if let Some(drill) = &self.drill {
            drill.pass(milestone);
        }
    }
}

/// `glass exec` is over, and everything about it has been said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The exit code to pass on: the command's own, 128 + the signal that ended it, 83 where the
    /// access ended under it, 130 or 143 where the request was taken back.
    pub code: u8,
}

/// Runs the order.
///
/// # Errors
/// Where the command was not begun, why: [`Error::Denied`] where the approver said no or nobody
/// answered, [`Error::Waiting`] with `no_wait`, [`Error::Usage`] where there is no such program,
/// and what the broker or this system says otherwise. [`Error::Unverified`] also after it began.
pub async fn run(session: Session, order: Order, printer: &Printer) -> Result<Ended, Error> {
    let shim = Shim::of_this_program().map_err(|why| {
        Error::setup(
            format!("cannot find the `glass` program itself: {why}"),
            "install it again",
        )
    })?;
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let base = Base::best(runtime_dir).map_err(|(path, why)| Error::file("use", path, why))?;
    let prepared = Prepared {
        desk: Arc::new(session),
        order: &order,
        shim: &shim,
        voice: Voice(printer),
        base: &base,
    };
    prepared.visit().await
}
