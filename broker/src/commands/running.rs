//! The broker that runs on a data folder, as seen from another process.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::config::Config;

/// The process that holds the lock of the ledger; `None` where nobody does.
pub(super) fn process(config: &Config) -> Option<Pid> {
    let mut file = File::open(config.ledger_dir().join("lock")).ok()?;
    match file.try_lock_shared() {
        // Nobody: our own lock goes with the file.
        Ok(()) => return None,
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(_)) => return None,
    }
    let mut text = String::new();
    file.by_ref().take(32).read_to_string(&mut text).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

/// Whether a process listens on a TCP port; `None` where this user may not see what it has open.
pub(super) fn listens(process: Pid, port: u16) -> Option<bool> {
    let folder = PathBuf::from(format!("/proc/{}", process.as_raw_nonzero()));
    let open: HashSet<String> = fs::read_dir(folder.join("fd"))
        .ok()?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|to| socket(to.to_str()?))
        .collect();
    let tables = ["net/tcp", "net/tcp6"].map(|name| fs::read_to_string(folder.join(name)).ok());
    if tables.iter().all(Option::is_none) {
        return None;
    }
    let mut lines = tables.iter().flatten().flat_map(|table| table.lines());
    Some(lines.any(|line| listener(line, port).is_some_and(|inode| open.contains(inode))))
}

/// The inode in `socket:[12345]` (proc_pid_fd(5)).
fn socket(link: &str) -> Option<String> {
    let inode = link.strip_prefix("socket:[")?.strip_suffix(']')?;
    Some(inode.to_owned())
}

/// The inode in a line of `/proc/PID/net/tcp` about a listener on a port (proc_pid_net(5)): local
/// address and port in hex, the remote ones, the state (0A listens), five more, the inode.
fn listener(line: &str, port: u16) -> Option<&str> {
    let words: Vec<_> = line.split_whitespace().collect();
    let (_, local) = words.get(1)?.rsplit_once(':')?;
    let is_it = u16::from_str_radix(local, 16) == Ok(port) && *words.get(3)? == "0A";
    is_it.then(|| words.get(9).copied()).flatten()
}

/// Asks a running broker to load its policy and its keys again.
///
/// # Errors
/// [`Failure`] where this user may not.
pub(super) fn tell_to_reload(process: Pid) -> Result<(), Failure> {
    kill_process(process, Signal::HUP).map_err(|e| {
        let what = format!(
            "process {} cannot be told to reload: {e}",
            process.as_raw_nonzero()
        );
        Failure::new(what).then("run it as the user the broker runs as, or as root")
    })
}

/// What became of a reload. The broker writes it where `glassd reload` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reloaded {
    /// Counts reloads of one process.
    pub(super) number: u64,
    /// The process.
    pub(super) process: u32,
    /// Whether everything was taken.
    pub(super) ok: bool,
    /// What is in force now, or what is wrong.
    pub(super) text: String,
}

impl Reloaded {
    /// The newest, where there is one.
    pub(super) fn read(config: &Config) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::file(config)).ok()?).ok()
    }

    /// Says what became of it. Whoever waits for it sees all of it or nothing.
    pub(super) fn write(&self, config: &Config) -> std::io::Result<()> {
        let file = Self::file(config);
        let beside = file.with_extension("new");
        let written = fs::write(&beside, serde_json::to_vec(self)?);
        let written = written.and_then(|()| fs::rename(&beside, &file));
        if written.is_err() {
            // On a full disk it would only be in the way.
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn file(config: &Config) -> PathBuf {
        config.data_dir.join("reloaded.json")
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn whose_port_it_is_can_be_seen() {
        let ours = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = ours.local_addr().unwrap().port();
        let this = rustix::process::getpid();
        assert_eq!(listens(this, port), Some(true));
        drop(ours);
        assert_eq!(listens(this, port), Some(false));
    }

    #[test]
    fn only_listeners_count() {
        let line = "   0: 0100007F:1D13 00000000:0000 0A 00000000:00000000 00:00000000 00000000  \
                    1000        0 4242 1 0000000000000000 100 0 0 10 0";
        assert_eq!(listener(line, 0x1d13), Some("4242"));
        assert_eq!(listener(line, 7_444), None);
        assert_eq!(listener(&line.replace(" 0A ", " 01 "), 0x1d13), None);
        assert_eq!(listener("  sl  local_address rem_address   st", 1), None);
    }

    #[test]
    fn an_answer_that_could_not_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("glass");
        let words = ["glassd", "init", data.to_str().unwrap()];
        let mut printer = super::super::Printer::to(std::io::sink(), std::io::sink());
        use clap::Parser as _;
        let made = super::super::Arguments::try_parse_from(words).unwrap();
        super::super::run(&made, &mut printer).unwrap();
        let config = Config::load(&data).unwrap();
        fs::create_dir(data.join("reloaded.json")).unwrap();
        let reloaded = Reloaded {
            number: 1,
            process: 1,
            ok: true,
            text: String::new(),
        };
        reloaded.write(&config).unwrap_err();
        assert!(!data.join("reloaded.new").exists());
    }
}
