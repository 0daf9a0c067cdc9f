//! A process that belongs to a server's own user, and ends with this one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

/// Who runs PostgreSQL: it refuses to run as root.
#[derive(Debug, Clone, Copy)]
pub(super) struct User(Option<(u32, u32)>);

impl User {
    /// Debian's `postgres`, where we are root; ourselves elsewhere.
    pub(super) fn postgres() -> Self {
        if !rustix::process::getuid().is_root() {
            return Self(None);
        }
        let users = fs::read_to_string("/etc/passwd").expect("the list of users");
        let line = users
            .lines()
            .find_map(|line| line.strip_prefix("postgres:"));
        let fields = line.expect("Debian's package `postgresql` makes the user `postgres`");
        let mut numbers = fields.split(':').skip(1).map(|field| field.parse().ok());
        let ids = numbers.next().flatten().zip(numbers.next().flatten());
        Self(Some(ids.expect("a user has ids")))
    }

    /// Its user and group id, where it is not ourselves.
    pub(super) fn ids(self) -> Option<(u32, u32)> {
        self.0
    }

    /// A program of that user, with a clean environment. It is killed where the thread that starts it
    /// ends without having done so.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new("/usr/bin/setpriv");
        if let Some((uid, gid)) = self.0 {
            command
                .arg(format!("--reuid={uid}"))
                .arg(format!("--regid={gid}"));
            command.arg("--init-groups");
        }
        command.args(["--pdeathsig=QUIT", "--"]).arg(program);
        command
            .env_clear()
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }
}

/// A server that runs, until this is dropped.
pub(super) struct Running {
    pid: Pid,
    /// Starts it and waits for it: the thread of a story may end before others have done with it.
    keeper: Option<JoinHandle<()>>,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::null());
        let (tell, told) = channel();
        let keeper = std::thread::spawn(move || {
            let mut child = command.spawn().expect("it starts");
            let _ = tell.send(Pid::from_child(&child));
            let _ = child.wait();
        });
        Self {
            pid: told.recv().expect("it started"),
            keeper: Some(keeper),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An immediate shutdown: the postmaster ends its own processes first.
        let _ = kill_process(self.pid, Signal::QUIT);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}
