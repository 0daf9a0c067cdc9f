//! `glass exec` with real processes and a desk that does what the test says.
//!
//! The test program itself stands in for `glass` where one has to be started: see
//! [`stand_in_for_glass`].

use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use clap::Parser as _;
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, PidfdFlags, pidfd_open},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::unix::pipe,
};

use super::{
    Ended, Order,
    fake::FakeDesk,
    folder::Base,
    keeper::{self, Keep},
    shim::{self, Become, Shim},
    visit::Prepared,
    voice::Voice,
};
use crate::{
    error::Error,
    output::{Format, Printer},
};

mod child;
mod crash;
mod papers;
mod story;
mod terminal;

/// What the stand-in can be told to be.
#[derive(clap::Parser)]
enum Role {
    #[command(name = shim::BECOME)]
    Become(Become),
    #[command(name = shim::KEEP)]
    Keep(Keep),
    /// What a terminal's window starts: leads a session on this terminal and becomes the command.
    Window {
        pts: PathBuf,
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// A whole `glass exec`, at a desk where requests begin at once or wait for ever.
    Visit {
        place: PathBuf,
        #[arg(long)]
        waiting: bool,
        #[arg(last = true)]
        command: Vec<String>,
    },
}

/// Not a test but the program the tests start in place of `glass`: what stands behind the first
/// `--` is its command line.
#[test]
#[ignore = "the tests start it themselves"]
#[allow(clippy::exit)] // it is a program of its own
fn stand_in_for_glass() {
    let line = std::env::args_os().skip_while(|word| word != "--");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let printer = Printer::new(Format::Text);
    let code = match Role::parse_from(line) {
        Role::Become(order) => shim::become_command(&order).exit_code(),
        Role::Keep(order) => {
            let kept = runtime.block_on(keeper::keep(&order, &printer));
            kept.map_or_else(
                |why| {
                    printer.error(&why);
                    why.exit_code()
                },
                |()| 0,
            )
        }
        Role::Window { pts, command } => terminal::become_on(&pts, &command),
        Role::Visit {
            place,
            waiting,
            command,
        } => {
            let command: Vec<_> = command.iter().map(String::as_str).collect();
            let desk = if waiting {
                FakeDesk::waiting()
            } else {
                FakeDesk::active()
            };
            let ended = runtime.block_on(visit(
                &desk,
                &super::fake::order(&command),
                &place,
                &printer,
            ));
            printer.note(desk.diary().join(", "));
            ended.unwrap().code
        }
    };
    std::process::exit(code.into());
}

fn stand_in() -> Shim {
    let first = [
        "exec::tests::stand_in_for_glass",
        "--exact",
        "--ignored",
        "--nocapture",
        "--",
    ];
    Shim {
        program: "/proc/self/exe".into(),
        first: first.into_iter().map(OsString::from).collect(),
    }
}

async fn visit(
    desk: &Arc<FakeDesk>,
    order: &Order,
    place: &Path,
    printer: &Printer,
) -> Result<Ended, Error> {
    let base = Base::open(place).unwrap();
    let shim = stand_in();
    let desk = desk.clone();
    Prepared {
        desk,
        order,
        shim: &shim,
        voice: Voice(printer),
        base: &base,
    }
    .visit()
    .await
}

/// A folder of the test's own, with a wire over which its commands talk.
struct Scene {
    dir: tempfile::TempDir,
    said: Arc<Mutex<Vec<u8>>>,
    wire: Lines<BufReader<pipe::Receiver>>,
    go: pipe::Sender,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    fn set() -> Self {
        let alone = crate::fixtures::alone();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("place")).unwrap();
        let fifo = |name| {
            let path = dir.path().join(name);
            mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            (path, pipe::OpenOptions::new().read_write(true).clone())
        };
        let (path, options) = fifo("wire");
        let wire = BufReader::new(options.open_receiver(path).unwrap()).lines();
        let (path, options) = fifo("go");
        let go = options.open_sender(path).unwrap();
        Self {
            dir,
            said: Arc::default(),
            wire,
            go,
            _alone: alone,
        }
    }

    /// A shell script for a command: `W` is the wire to the test, `GO` the one back.
    fn script(&self, script: &str) -> [String; 3] {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        // In one pass: the random part of a path may itself hold a `W`.
        let pieces = script
            .split("GO")
            .map(|piece| piece.replace('W', &path("wire")));
        let script = pieces.collect::<Vec<_>>().join(&path("go"));
        ["sh".to_owned(), "-c".to_owned(), script]
    }

    fn order(&self, script: &str) -> Order {
        let script = self.script(script);
        super::fake::order(&script.each_ref().map(String::as_str))
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("place")
    }

    fn printer(&self) -> Printer {
        Printer::to_buffers(Format::Text, Arc::default(), self.said.clone())
    }

    /// What was said on standard error so far.
    fn said(&self) -> String {
        String::from_utf8(self.said.lock().unwrap().clone()).unwrap()
    }

    /// How many private folders there are.
    fn folders(&self) -> usize {
        std::fs::read_dir(self.place()).unwrap().count()
    }
}

/// The next line on the wire.
async fn word(wire: &mut Lines<BufReader<pipe::Receiver>>) -> String {
    wire.next_line().await.unwrap().unwrap()
}

async fn pid(wire: &mut Lines<BufReader<pipe::Receiver>>) -> Pid {
    Pid::from_raw(word(wire).await.parse().unwrap()).unwrap()
}

async fn go(go: &mut pipe::Sender) {
    go.write_all(b"go\n").await.unwrap();
}

/// Holds on to a process, to hear of its death whoever its parent is.
struct Mourner(Option<OwnedFd>);

impl Mourner {
    fn of(pid: Pid) -> Self {
        Self(pidfd_open(pid, PidfdFlags::empty()).ok())
    }

    /// Until it is dead.
    async fn mourn(self) {
        let Some(process) = self.0 else { return };
        let wait = move || poll(&mut [PollFd::new(&process, PollFlags::IN)], None).map(drop);
        tokio::task::spawn_blocking(wait).await.unwrap().unwrap();
    }
}

/// Lets everybody else act until it is so.
async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::task::yield_now().await;
    }
}
