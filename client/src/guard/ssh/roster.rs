//! Everybody who belongs to a session, found three ways at once: below sshd's process of the login
//! ([`Kin`]), in its control group ([`Cgroup`]), and by the marker in the environment.
//!
//! The marker is `SSH_CONNECTION`, the addresses and ports of one TCP connection: sshd puts it into
//! the environment of all it starts (ssh(1), ENVIRONMENT) and tells PAM the same. It finds who left
//! both others (`systemd-run --scope`, then a dead parent) unless they emptied their environment;
//! and it counts only for processes younger than the login that belong to no other session.

use std::{collections::HashSet, fs::File, io::Read as _};

use super::{
    cgroup::Cgroup,
    kin::{Crowd, Kin},
    limits::MAX_ENVIRON_BYTES,
};
use crate::processes::ProcessId;

/// How the processes of one session are found.
#[derive(Debug, Clone)]
pub(super) struct Roster {
    /// Those below sshd's process of the login.
    pub(super) kin: Kin,
    /// Its control group, where it has one.
    pub(super) group: Option<Cgroup>,
    /// `SSH_CONNECTION` of the login; empty where PAM was not told.
    pub(super) marker: String,
}

impl Roster {
    /// Looks again, without the marker.
    pub(super) fn look(&mut self, crowd: &Crowd) {
        if let Some(group) = &self.group {
            let members = group.members();
            self.kin
                .take_in(members.into_iter().filter_map(|pid| crowd.id(pid)));
        }
        self.kin.look(crowd);
    }
}

/// Looks for marked processes that nobody has, and gives them to whom their marker names. `others`
/// are the sessions that are not asked about: theirs is theirs.
pub(super) fn look_for_marked(rosters: &mut [&mut Roster], others: &[Roster], crowd: &Crowd) {
    let taken: HashSet<ProcessId> = rosters
        .iter()
        .map(|roster| &roster.kin)
        .chain(others.iter().map(|roster| &roster.kin))
        .flat_map(|kin| kin.living().iter().copied())
        .collect();
    let Some(oldest) = rosters.iter().map(|r| r.kin.root().started()).min() else {
        return;
    };
    for process in crowd.processes() {
        let id = process.id();
        if id.started() < oldest || taken.contains(&id) {
            continue;
        }
        let Some(marker) = marker_of(id) else {
            continue;
        };
        let named = rosters
            .iter_mut()
            .find(|roster| roster.marker == marker && roster.kin.root().started() <= id.started());
        if let Some(roster) = named {
            roster.kin.take_in([id]);
            roster.kin.look(crowd);
        }
    }
}

/// The marker a process carries.
fn marker_of(id: ProcessId) -> Option<String> {
    let file = File::open(format!("/proc/{}/environ", id.pid()?.as_raw_nonzero())).ok()?;
    let mut environ = Vec::new();
    file.take(MAX_ENVIRON_BYTES)
        .read_to_end(&mut environ)
        .ok()?;
    let marker = environ
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="))?;
    let marker = std::str::from_utf8(marker).ok()?;
    (!marker.is_empty()).then(|| marker.to_owned())
}
