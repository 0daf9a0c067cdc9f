//! The guard with real processes and a broker that says what the test says.

use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard},
};

use clap::Parser as _;
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, PidfdFlags, pidfd_open},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    net::unix::pipe,
    process::{Child, Command},
};

use super::login;
use crate::{
    output::{Format, Printer},
    processes::{self, ProcessId},
};

mod cut;
mod story;

/// What the stand-in is given.
#[derive(clap::Parser)]
struct Hook {
    #[command(flatten)]
    args: login::Args,
}

/// Not a test but the program that stands in for `glass guard login`: what stands behind the first
/// `--` is its command line.
#[test]
#[ignore = "the tests start it themselves"]
#[allow(clippy::exit)] // it is a program of its own
fn stand_in_for_the_hook() {
    let line = std::env::args_os().skip_while(|word| word != "--");
    let hook = Hook::parse_from(line);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let printer = Printer::new(Format::Text);
    let told = login::Told::of_process();
    let code = runtime.block_on(login::run(&hook.args, &told, &printer));
    std::process::exit(code.into());
}

/// A folder of the test's own, with a wire over which its processes talk.
struct Scene {
    dir: tempfile::TempDir,
    wire: Lines<BufReader<pipe::Receiver>>,
    said: Arc<Mutex<Vec<u8>>>,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    fn set() -> Self {
        let alone = crate::fixtures::alone();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wire");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let wire = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(path);
        Self {
            wire: BufReader::new(wire.unwrap()).lines(),
            dir,
            said: Arc::default(),
            _alone: alone,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn printer(&self) -> Printer {
        Printer::to_buffers(Format::Text, Arc::default(), self.said.clone())
    }

    /// What the guard said so far.
    fn said(&self) -> String {
        String::from_utf8(self.said.lock().unwrap().clone()).unwrap()
    }

    /// `SSH_CONNECTION` of a login, unlike those of other tests that run beside this one.
    fn marker(&self, number: usize) -> String {
        format!("10.0.0.7 {number} {} 22", self.dir.path().display())
    }

    /// A shell in the place of sshd's process of a login; `$W` is the wire to the test, `$HOOK`
    /// the hook.
    fn shell(&self, script: &str, number: usize) -> Login {
        let marker = self.marker(number);
        let child = Command::new("sh")
            .args(["-c", script])
            .envs(self.environment(&marker))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
        Login {
            child,
            marker,
            id: processes::of(pid).unwrap().id(),
        }
    }

    fn environment(&self, marker: &str) -> Vec<(&'static str, OsString)> {
        let program = std::env::current_exe().unwrap();
        let hook = format!(
            "{} guard::ssh::tests::stand_in_for_the_hook --exact --ignored --nocapture -- --socket {}",
            program.display(),
            self.path("guard.sock").display(),
        );
        vec![
            ("W", self.path("wire").into()),
            ("HOOK", hook.into()),
            ("PAM_TYPE", "open_session".into()),
            ("PAM_USER", "deploy".into()),
            ("PAM_RHOST", "10.0.0.7".into()),
            ("SSH_CONNECTION", marker.into()),
            (
                "SSH_AUTH_INFO_0",
                include_str!("../fixtures/auth_info").into(),
            ),
        ]
    }

    /// The next line on the wire.
    async fn word(&mut self) -> String {
        self.wire.next_line().await.unwrap().unwrap()
    }

    async fn mourner(&mut self) -> Mourner {
        Mourner::of(self.word().await.parse().unwrap())
    }
}

struct Login {
    marker: String,
    child: Child,
    id: ProcessId,
}

/// Holds on to a process, to hear of its death whoever its parent is.
struct Mourner(OwnedFd);

impl Mourner {
    fn of(pid: i32) -> Self {
        Self(pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap())
    }

    fn is_dead(&self) -> bool {
        let now = rustix::event::Timespec::default();
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&now)).unwrap() > 0
    }
}

/// Whether there are control groups to make here.
fn cgroups() -> Option<super::cgroup::Cgroups> {
    super::cgroup::Cgroups::find()
}

/// Whether a folder is empty or not there.
fn is_gone(path: &Path) -> bool {
    !path.exists()
}
