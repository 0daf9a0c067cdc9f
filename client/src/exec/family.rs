//! Everybody a command brought into the world: its process group, and its descendants that left it.
//!
//! On Linux `glass` is a child subreaper (`PR_SET_CHILD_SUBREAPER`, prctl(2)): a process whose
//! parent dies becomes ours instead of init's, so even one that called `setsid` and forked twice
//! stays a descendant and is found by walking `/proc`. Elsewhere only the process group is reached.

use std::{collections::HashSet, io};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process, kill_process_group},
};

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
            if process.group != self.group {
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
        let mut rest = all_processes();
        let mut known: HashSet<Pid> = HashSet::from([me]);
        let mut family = Vec::new();
        rest.retain(|process| process.pid != me && !self.apart.contains(&process.pid));
        loop {
            let (ours, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|process| {
                process.group == self.group || process.parent.is_some_and(|p| known.contains(&p))
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
    fn processes(&self) -> Vec<Process> {
        let lives = rustix::process::test_kill_process_group(self.group).is_ok();
        let leader = Process {
            pid: self.group,
            parent: None,
            group: self.group,
            state: 'R',
            name: "the command".to_owned(),
        };
        lives.then_some(leader).into_iter().collect()
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

/// A process id in decimal; `None` for anything that cannot be one.
pub(super) fn as_pid(text: &str) -> Option<Pid> {
    text.parse()
        .ok()
        .filter(|raw| *raw > 0)
        .and_then(Pid::from_raw)
}

/// A line of `/proc/PID/stat` (proc_pid_stat(5)).
#[derive(Debug)]
struct Process {
    pid: Pid,
    parent: Option<Pid>,
    group: Pid,
    state: char,
    name: String,
}

impl Process {
    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Reads `PID (NAME) STATE PPID PGRP ...`; the name may itself hold `) R 1`, so it ends at the
    /// last parenthesis.
    #[cfg(target_os = "linux")]
    fn parse(stat: &str) -> Option<Self> {
        let (pid, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        Some(Self {
            pid: as_pid(pid)?,
            name: name.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: as_pid(fields.next()?),
            // 0 for the kernel's own, -1 for one that is just vanishing.
            group: as_pid(fields.next()?)?,
        })
    }
}

/// Those that come and go while we read may be missing; callers look again.
#[cfg(target_os = "linux")]
fn all_processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .iter()
                .all(u8::is_ascii_digit)
        })
        .filter_map(|entry| std::fs::read(entry.path().join("stat")).ok())
        .filter_map(|stat| Process::parse(&String::from_utf8_lossy(&stat)))
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_cannot_hide_behind_its_name() {
        let process = Process::parse("42 (a) Z 1 (b) S 7 40 40 0 -1 4194304").unwrap();
        assert_eq!(process.pid.as_raw_nonzero().get(), 42);
        assert_eq!(process.name, "a) Z 1 (b");
        assert_eq!(process.parent, Pid::from_raw(7));
        assert_eq!(process.group.as_raw_nonzero().get(), 40);
        assert!(!process.is_dead());
        assert!(Process::parse("nonsense").is_none());
        assert!(
            Process::parse("2 (kthreadd) S 0 0 0").is_none(),
            "the kernel's own"
        );
    }

    #[test]
    fn we_find_ourselves_in_the_list() {
        let me = rustix::process::getpid();
        assert!(all_processes().iter().any(|process| process.pid == me));
    }
}
