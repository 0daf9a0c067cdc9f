//! One process: what it says is read as it says it, and it does not outlive the story.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::Output;
use crate::wait::PATIENCE;

/// A program of ours, built before.
///
/// # Panics
/// Where it is not: `cargo test` builds no binaries of other packages.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a test is a program");
    // target/PROFILE/deps/stories-0123 and, for a binary of ours, target/PROFILE/bench.
    let folders = this.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "there is no `{name}` beside {}; build it first: cargo build --bins",
            this.display()
        )
    })
}

/// A program that runs.
pub struct Process {
    child: Child,
    pid: Pid,
    /// Behind a lock, so that several threads may share what holds the process.
    heard: Mutex<Receiver<Line>>,
    out: String,
    err: String,
}

enum Line {
    Out(String),
    Err(String),
}

impl Process {
    /// Starts it.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|why| panic!("{command:?}: {why}"));
        let (say, heard) = channel();
        let out = child.stdout.take().expect("it is piped");
        let err = child.stderr.take().expect("it is piped");
        listen(out, say.clone(), Line::Out);
        listen(err, say, Line::Err);
        let pid = Pid::from_child(&child);
        Self {
            child,
            pid,
            heard: Mutex::new(heard),
            out: String::new(),
            err: String::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has said something, on either side; the line.
    ///
    /// # Panics
    /// Where it ends without, or does not in time.
    pub fn says(&mut self, what: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = match self.next(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not say `{what}`, only:\n{}{}", self.out, self.err)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended without `{what}`, with:\n{}{}", self.out, self.err)
                }
            };
            let text = self.keep(line);
            if text.contains(what) {
                return text;
            }
        }
    }

    /// What it has said so far on standard error, as far as it was waited for.
    #[must_use]
    pub fn err_so_far(&self) -> &str {
        &self.err
    }

    /// Writes to its standard input, which must be piped.
    ///
    /// # Panics
    /// Where it does not read.
    pub fn hears(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("its input is piped");
        input
            .write_all(text.as_bytes())
            .and_then(|()| input.flush())
            .expect("it reads");
    }

    /// Sends it a signal; one that is gone hears nothing.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Waits for its end; everything it said.
    ///
    /// # Panics
    /// Where it does not end in time.
    #[must_use]
    pub fn finishes(self) -> Output {
        self.finishes_within(PATIENCE)
    }

    /// The same for what has a lot to do.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn finishes_within(mut self, patience: Duration) -> Output {
        drop(self.child.stdin.take());
        let status = self.ends(patience);
        // Somebody it started may still hold its output: what is there is read, not more.
        while let Ok(line) = self.next(Duration::from_secs(5)) {
            self.keep(line);
        }
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal));
        Output {
            code: code.unwrap_or(-1),
            out: std::mem::take(&mut self.out),
            err: std::mem::take(&mut self.err),
        }
    }

    fn ends(&mut self, patience: Duration) -> ExitStatus {
        let handle = pidfd_open(self.pid, PidfdFlags::empty()).expect("it is our child");
        let mut events = [PollFd::new(&handle, PollFlags::IN)];
        let patience = Timespec::try_from(patience).expect("it fits");
        let ready = poll(&mut events, Some(&patience)).expect("we can wait");
        if ready == 0 {
            while let Ok(line) = self.next(Duration::ZERO) {
                self.keep(line);
            }
            panic!("it does not end; it said:\n{}{}", self.out, self.err);
        }
        self.child.wait().expect("it is our child")
    }

    fn next(&mut self, within: Duration) -> Result<Line, RecvTimeoutError> {
        let heard = self.heard.get_mut().unwrap_or_else(PoisonError::into_inner);
        heard.recv_timeout(within)
    }

    fn keep(&mut self, line: Line) -> String {
        let (all, text) = match line {
            Line::Out(text) => (&mut self.out, text),
            Line::Err(text) => (&mut self.err, text),
        };
        all.push_str(&text);
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left running; one that has ended already is no trouble.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(from: impl Read + Send + 'static, say: Sender<Line>, side: fn(String) -> Line) {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            if say.send(side(text)).is_err() {
                return;
            }
        }
    });
}
