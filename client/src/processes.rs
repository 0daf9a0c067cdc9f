//! The processes of this machine, as `/proc` shows them (Linux; elsewhere there are none to see).

use std::{fmt, fs::File, io::Read as _, str::FromStr};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

/// Most bytes of that line: 52 numbers of at most 20 digits each, and a name of at most 64 bytes.
const MAX_STAT: usize = 2 * 1024;

/// One process, as a line of `/proc/PID/stat` has it (proc_pid_stat(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) pid: Pid,
    /// `None` for the first one, and for one whose parent is outside of our PID namespace.
    pub(crate) parent: Option<Pid>,
    /// `None` for the kernel's own, and for one whose group's leader is outside of our namespace.
    pub(crate) group: Option<Pid>,
    state: char,
    /// The device number of its terminal, 0 for none.
    pub(crate) terminal: i32,
    /// When it began, in ticks since the machine started.
    pub(crate) started: u64,
    /// The name of its program, as the kernel keeps it: at most 15 bytes, chosen by itself.
    pub(crate) name: String,
}

/// A process and no other: an id alone is used again, but never within the same tick.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    pid: i32,
    started: u64,
}

impl ProcessId {
    /// The process of this id that began at that tick; `None` where the id cannot be one.
    #[must_use]
    pub fn new(pid: i32, started: u64) -> Option<Self> {
        (pid > 0).then_some(Self { pid, started })
    }

    /// Its id; `None` only where a damaged file said so.
    #[must_use]
    pub fn pid(self) -> Option<Pid> {
        Some(self.pid)
            .filter(|pid| *pid > 0)
            .and_then(Pid::from_raw)
    }

    /// When it began, in ticks since the machine started.
    #[must_use]
    pub fn started(self) -> u64 {
        self.started
    }
}

/// As `PID-START`, which is read back.
impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.pid, self.started)
    }
}

impl fmt::Debug for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no process")]
pub struct NotOne;

impl FromStr for ProcessId {
    type Err = NotOne;

    fn from_str(text: &str) -> Result<Self, NotOne> {
        let (pid, started) = text.split_once('-').ok_or(NotOne)?;
        let pid = pid.parse().map_err(|_| NotOne)?;
        let started = started.parse().map_err(|_| NotOne)?;
        Self::new(pid, started).ok_or(NotOne)
    }
}

impl Process {
    /// Which process it is.
    pub(crate) fn id(&self) -> ProcessId {
        ProcessId {
            pid: self.pid.as_raw_nonzero().get(),
            started: self.started,
        }
    }

    /// Whether it only waits for its parent to take note of its death.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Reads `PID (NAME) STATE PPID PGRP SESSION TTY ...`; the name may itself hold `) R 1`, so it
    /// ends at the last parenthesis.
    pub(crate) fn parse(stat: &str) -> Option<Self> {
        /// Between the terminal's and the start's: tpgid, flags, four counts of faults, four
        /// times, priority, nice, threads, itrealvalue.
        const FIELDS_BETWEEN: usize = 14;
        let (pid, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        Some(Self {
            pid: as_pid(pid)?,
            name: name.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: as_pid(fields.next()?),
            group: as_pid(fields.next()?),
            terminal: fields.nth(1)?.parse().ok()?,
            started: fields.nth(FIELDS_BETWEEN)?.parse().ok()?,
        })
    }
}

/// A process id in decimal; `None` for anything that cannot be one.
pub(crate) fn as_pid(text: &str) -> Option<Pid> {
    text.parse()
        .ok()
        .filter(|raw| *raw > 0)
        .and_then(Pid::from_raw)
}

/// Those that come and go while we read may be missing; callers look again.
pub(crate) fn all() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| as_pid(entry.file_name().to_str()?))
        .filter_map(of)
        .collect()
}

/// One of them; `None` where there is none.
pub(crate) fn of(pid: Pid) -> Option<Process> {
    let mut stat = [0; MAX_STAT];
    // The kernel gives the whole line to one read that has room for it. A thousand of these are read
    // while somebody is being cut off, so not one call more than it takes.
    let mut file = File::open(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let length = file.read(&mut stat).ok()?;
    Process::parse(&String::from_utf8_lossy(stat.get(..length)?))
}

/// Whether this very process lives, dead ones that nobody took note of left out.
pub(crate) fn lives(id: ProcessId) -> bool {
    id.pid()
        .and_then(of)
        .is_some_and(|process| process.id() == id && !process.is_dead())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_cannot_hide_behind_its_name() {
        let stat =
            "42 (a) Z 1 (b) S 7 40 40 34816 40 4194560 704 294 3 0 1 0 0 0 20 0 1 0 138968 9";
        let process = Process::parse(stat).unwrap();
        assert_eq!(process.pid.as_raw_nonzero().get(), 42);
        assert_eq!(process.name, "a) Z 1 (b");
        assert_eq!(process.parent, Pid::from_raw(7));
        assert_eq!(process.group, Pid::from_raw(40));
        assert_eq!((process.terminal, process.started), (34_816, 138_968));
        assert!(!process.is_dead());
        assert!(Process::parse("nonsense").is_none());
        assert!(Process::parse("2 (kthreadd) S 0 0 0").is_none(), "cut off");
    }

    #[test]
    fn we_find_ourselves_in_the_list() {
        let me = of(rustix::process::getpid()).unwrap();
        assert!(all().iter().any(|process| process.id() == me.id()));
        assert!(lives(me.id()));
        let before = ProcessId::new(me.id().pid, me.started - 1).unwrap();
        assert!(!lives(before), "another one that had our id");
        assert_eq!(me.id().to_string().parse(), Ok(me.id()));
        for none in ["", "7", "-7-8", "0-8", "7-", "x-8"] {
            assert_eq!(none.parse::<ProcessId>(), Err(NotOne), "{none}");
        }
    }
}
