//! The small steps between `fork` and the command, done by `glass` itself under a hidden name.
//!
//! `glass exec` does not start the command but `glass __become ... -- CMD` in a process group of
//! its own, and that becomes the command by `exec`: same process, same group. What has to happen
//! inside the new process thus needs no code between `fork` and `exec`, which could not be safe:
//!
//! - it asks the kernel for SIGHUP when `glass` dies (`PR_SET_PDEATHSIG`, prctl(2); Linux), so
//!   that not even `kill -9` of `glass` and its keeper leaves the command alone with the access;
//! - it takes the terminal for its group, so that the command never runs without it. A parent that
//!   did this would race with the command's first read.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, getppid};

/// The hidden subcommand that becomes the command.
pub const BECOME: &str = "__become";

/// The hidden subcommand that keeps watch over `glass`.
pub const KEEP: &str = "__keep";

/// Exit code where the command cannot be started though it is there (as shells have it).
pub const CANNOT_START: u8 = 126;

/// Exit code where the command is not there (as shells have it).
pub const NOT_FOUND: u8 = 127;

/// How to start `glass` again under one of its hidden names.
#[derive(Debug, Clone)]
pub struct Shim {
    /// The program: this one.
    pub program: PathBuf,
    /// What stands between the program and the hidden name.
    pub first: Vec<OsString>,
}

impl Shim {
    /// The program that runs now.
    ///
    /// # Errors
    /// Where the system does not tell its path.
    pub fn of_this_program() -> io::Result<Self> {
        // The very file that runs, even if another version was installed over it while we waited
        // for the approver: its hidden names might differ.
        let running = Path::new("/proc/self/exe");
        let program = if cfg!(target_os = "linux") && running.exists() {
            running.to_owned()
        } else {
            std::env::current_exe()?
        };
        Ok(Self {
            program,
            first: Vec::new(),
        })
    }

    pub(super) fn command(&self, name: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command.arg0("glass").args(&self.first).arg(name);
        command
    }
}

/// `glass __become`: what [`become_command`] needs.
#[derive(Debug, clap::Args)]
pub struct Become {
    /// The `glass exec` that started this; without it there is nothing to do.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    pub parent: i32,
    /// Take the terminal on standard input.
    #[arg(long)]
    pub terminal: bool,
    /// The command.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Why the shim did not become the command, and the exit code that says so.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {}: {source}", .program.display())]
pub struct NotBecome {
    program: PathBuf,
    source: io::Error,
}

impl NotBecome {
    /// As shells have it: 127 where it is not there, else 126.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.source.kind() == io::ErrorKind::NotFound {
            NOT_FOUND
        } else {
            CANNOT_START
        }
    }
}

/// Becomes the command. Returns only if that fails.
#[must_use]
pub fn become_command(order: &Become) -> NotBecome {
    let (program, arguments) = match order.command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => (OsString::new(), &[][..]),
    };
    let source = match prepare(order) {
        Err(why) => why,
        // Also puts the signal mask and SIGPIPE back to what programs expect.
        Ok(()) => std::process::Command::new(&program).args(arguments).exec(),
    };
    NotBecome {
        program: program.into(),
        source,
    }
}

fn prepare(order: &Become) -> io::Result<()> {
    // The kernel counts the thread that forked as the parent; it lives as long as the runtime of
    // `glass exec`, which outlives the command.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::HUP))?;
    if getppid().map(Pid::as_raw_pid) != Some(order.parent) {
        return Err(io::Error::other("the `glass exec` it belongs to is gone"));
    }
    if order.terminal {
        // It is better to run in the background than not at all.
        let _ = super::terminal::claim();
    }
    Ok(())
}

/// Finds a program as `execvp(3)` will: as it is if there is a slash in its name, else on `PATH`.
/// Asked for before anybody is woken for a command that does not exist.
pub(super) fn find_program(name: &OsStr, search: Option<&OsStr>) -> Option<PathBuf> {
    let path = Path::new(name);
    if name.as_encoded_bytes().contains(&b'/') {
        return runnable(path).then(|| path.to_owned());
    }
    if name.is_empty() {
        return None;
    }
    std::env::split_paths(search?)
        .map(|folder| folder.join(path))
        .find(|path| runnable(path))
}

fn runnable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(parent: i32, command: &[&str]) -> Become {
        let command = command.iter().map(Into::into).collect();
        Become {
            parent,
            terminal: false,
            command,
        }
    }

    #[test]
    fn a_shim_whose_glass_is_gone_starts_nothing() {
        let not = become_command(&order(1_999_999_999, &["true"]));
        assert!(not.to_string().contains("is gone"), "{not}");
        assert_eq!(not.exit_code(), CANNOT_START);
    }

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let search = std::env::join_paths(["/nowhere", "/usr/bin", "/bin"]).unwrap();
        let find = |name: &str| find_program(OsStr::new(name), Some(&search));
        assert!(find("sh").unwrap().ends_with("sh"));
        assert_eq!(find("/bin/sh"), Some("/bin/sh".into()));
        for missing in [
            "no-such-program",
            "/bin/no-such-program",
            "/etc/passwd",
            "/bin",
            "",
        ] {
            assert_eq!(find(missing), None, "{missing}");
        }
        assert_eq!(find_program(OsStr::new("sh"), None), None);
    }
}
