//! Hosts: the agent inside `glass` holds key and certificate in memory, and no file holds either.

use std::path::{Path, PathBuf};

use super::Laid;

/// The agent's socket within the folder.
pub const SOCKET: &str = "agent.sock";

/// The hosts that are known by their authority.
pub const KNOWN_HOSTS: &str = "known_hosts";

/// Where the agent listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// Its socket.
    pub socket: PathBuf,
    /// What a known hosts file holds of the right's hosts that can show a certificate.
    pub known_hosts: Option<String>,
}

impl Ssh {
    pub(super) fn lay(&self, folder: &Path) -> Laid {
        let mut laid = Laid::default();
        laid.set("SSH_AUTH_SOCK", &self.socket);
        if let Some(lines) = &self.known_hosts {
            let path = laid.file(folder, KNOWN_HOSTS, lines);
            laid.set("GLASS_KNOWN_HOSTS", path);
        }
        // With it ssh-add and ssh could kill the agent of the person's own session.
        laid.environment.removed.push("SSH_AGENT_PID");
        laid
    }
}
