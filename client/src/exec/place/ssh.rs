//! Hosts: the agent inside `glass` holds key and certificate in memory, and no file holds either.

use std::path::PathBuf;

use super::Laid;

/// Where the agent listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// Its socket.
    pub socket: PathBuf,
}

impl Ssh {
    pub(super) fn lay(&self) -> Laid {
        let mut laid = Laid::default();
        laid.set("SSH_AUTH_SOCK", &self.socket);
        // With it ssh-add and ssh could kill the agent of the person's own session.
        laid.environment.removed.push("SSH_AGENT_PID");
        laid
    }
}
