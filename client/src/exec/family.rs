//! Everybody a command brought into the world: its process group, and its descendants that left it.
//!
//! On Linux `glass` is a child subreaper (`PR_SET_CHILD_SUBREAPER`, prctl(2)): a process whose
//! parent dies becomes ours instead of init's, so even one that called `setsid` and forked twice
//! stays a descendant and is found by walking `/proc`. Elsewhere only the process group is reached.

#[cfg(target_os = "linux")]
use std::collections::HashSet;
use std::io;

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process, kill_process_group},
};

#[cfg(target_os = "linux")]
use crate::processes::{self, Process};

/// The processes of one command.
#[derive(Debug)]
pub(super) struct Family {
    group: Pid,
    /// Children of ours that do not belong to it.
    apart: Vec<Pid>,
}

/// One living process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its id.
    pub(super) pid: Pid,
    /// The name of its program, as the kernel keeps it: at most 15 bytes, chosen by itself.
    pub(super) name: String,
}

impl Family {
    /// The family of the process that leads `group`; `apart` are other children of ours.
    pub(super) fn new(group: Pid, apart: Vec<Pid>) -> Self {
        Self { group, apart }
    }

    /// Sends a signal to the whole group and to every descendant outside it.
    pub(super) fn signal(&self, signal: Signal) {
        // Gone already is as good; what we may not signal shows up in `alive`.
        let _ = kill_process_group(self.group, signal);
        for process in self.processes() {
            if process.group != Some(self.group) {
                let _ = kill_process(process.pid, signal);
            }
        }
    }

    /// Who still runs.
    pub(super) fn alive(&self) -> Vec<Member> {
        self.processes()
            .into_iter()
            .filter(|process| !process.is_dead())
            .map(|process| Member {
                pid: process.pid,
                name: process.name,
            })
            .collect()
    }

    /// Takes note of the deaths of those who became our children, so that they do not stay behind
    /// as zombies. The leader is left alone: whoever spawned it waits for it.
    pub(super) fn bury_adopted(&self) {
        let me = rustix::process::getpid();
        for process in self.processes() {
            if process.parent == Some(me) && process.pid != self.group && process.is_dead() {
                let _ = waitpid_now(process.pid);
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn processes(&self) -> Vec<Process> {
        let me = rustix::process::getpid();
        let mut rest = processes::all();
        let mut known: HashSet<Pid> = HashSet::from([me]);
        let mut family = Vec::new();
        rest.retain(|process| process.pid != me && !self.apart.contains(&process.pid));
        loop {
            let (ours, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|process| {
                process.group == Some(self.group)
                    || process.parent.is_some_and(|p| known.contains(&p))
            });
            if ours.is_empty() {
                return family;
            }
            known.extend(ours.iter().map(|process| process.pid));
            family.extend(ours);
            rest = others;
        }
    }

    /// Without `/proc` there is only the group, known by its leader.
    #[cfg(not(target_os = "linux"))]
    fn processes(&self) -> Vec<Leader> {
        let lives = rustix::process::test_kill_process_group(self.group).is_ok();
        let leader = Leader {
            pid: self.group,
            parent: None,
            group: Some(self.group),
            name: "the command".to_owned(),
        };
        lives.then_some(leader).into_iter().collect()
    }
}

/// What is known of a group without `/proc`.
#[cfg(not(target_os = "linux"))]
struct Leader {
    pid: Pid,
    parent: Option<Pid>,
    group: Option<Pid>,
    name: String,
}

#[cfg(not(target_os = "linux"))]
impl Leader {
    fn is_dead(&self) -> bool {
        false
    }
}

/// From now on orphans among our descendants become our children.
///
/// # Errors
/// What the system says.
pub(super) fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

fn waitpid_now(pid: Pid) -> Result<(), Errno> {
    rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG).map(|_| ())
}
