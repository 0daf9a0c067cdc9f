//! Somebody at a terminal of the test's own (a pseudo-terminal), with one command on it.

use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::Instant;

use breakglass_tests::Playground;
use breakglass_tests::wait::PATIENCE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

pub(crate) const CTRL_C: &str = "\u{3}";
pub(crate) const CTRL_D: &str = "\u{4}";

/// Somebody at a terminal, with one command on it.
pub(crate) struct Sitting {
    keyboard: OwnedFd,
    /// Held, so that the terminal outlives the command and can be looked at.
    _screen: std::fs::File,
    glass: Child,
    seen: String,
}

impl Sitting {
    /// Runs a command of somebody there; `ahead` is typed before it begins.
    pub(crate) fn down(playground: &Playground, who: &str, words: &[&str], ahead: &str) -> Self {
        Self::before(playground, who, words, ahead, (80, 24), &[])
    }

    /// The same before a terminal of so many columns and rows, with variables of one's own.
    pub(crate) fn before(
        playground: &Playground,
        who: &str,
        words: &[&str],
        ahead: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let open = || {
            let mut options = std::fs::File::options();
            options.read(true).write(true);
            options.open(name.to_str().unwrap()).unwrap()
        };
        let screen = open();
        resize(&keyboard, size);
        let mut command = playground.glass_command(who, words);
        command.envs(variables.iter().copied());
        command
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()));
        rustix::io::write(&keyboard, ahead.as_bytes()).unwrap();
        let glass = command.spawn().unwrap();
        Self {
            keyboard,
            _screen: screen,
            glass,
            seen: String::new(),
        }
    }

    /// Waits for a question after what was seen so far, and types.
    pub(crate) fn answers(&mut self, question: &str, keys: &str) {
        self.sees(question);
        self.types(keys);
    }

    pub(crate) fn types(&self, keys: &str) {
        rustix::io::write(&self.keyboard, keys.as_bytes()).unwrap();
    }

    /// Waits for something that was not seen so far.
    pub(crate) fn sees(&mut self, what: &str) {
        let from = self.seen.len();
        // A screen is drawn again and again, so that something always comes.
        let until = Instant::now() + PATIENCE;
        while !self.seen[from..].contains(what) {
            assert!(self.reads(), "it ended without `{what}`:\n{}", self.seen);
            let is_late = Instant::now() > until;
            assert!(!is_late, "it does not say `{what}`:\n{}", self.seen);
        }
    }

    /// Makes the terminal another size.
    pub(crate) fn resizes(&self, size: (u16, u16)) {
        resize(&self.keyboard, size);
        self.signal(Signal::WINCH);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.glass), signal).unwrap();
    }

    /// Whether the terminal gives lines and shows what is typed, as a shell wants it.
    pub(crate) fn is_as_a_shell_wants_it(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Waits for the end; the exit code and all that was seen.
    pub(crate) fn ends(mut self) -> (i32, String) {
        let code = self.over();
        (code, std::mem::take(&mut self.seen))
    }

    /// The same, with the terminal still there to be looked at.
    pub(crate) fn over(&mut self) -> i32 {
        // What is on its way is read as it comes: a full terminal would hold the command up.
        let until = Instant::now() + PATIENCE;
        loop {
            while self.has_more(50) {
                self.reads();
            }
            if let Some(status) = self.glass.try_wait().unwrap() {
                while self.has_more(0) {
                    self.reads();
                }
                return status.code().unwrap();
            }
            let is_late = Instant::now() > until;
            assert!(!is_late, "it does not end after:\n{}", self.seen);
        }
    }

    pub(crate) fn seen(&self) -> &str {
        &self.seen
    }

    fn has_more(&self, milliseconds: i64) -> bool {
        let mut there = [PollFd::new(&self.keyboard, PollFlags::IN)];
        let patience = Timespec {
            tv_sec: 0,
            tv_nsec: milliseconds * 1_000_000,
        };
        poll(&mut there, Some(&patience)).unwrap() > 0
    }

    /// Reads what comes next; `false` at the end (Linux: EIO once nobody has the terminal open).
    fn reads(&mut self) -> bool {
        let mut there = [PollFd::new(&self.keyboard, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).unwrap();
        let is_there = poll(&mut there, Some(&patience)).unwrap() > 0;
        assert!(is_there, "it says nothing more after:\n{}", self.seen);
        let mut bytes = [0; 4096];
        match rustix::io::read(&self.keyboard, &mut bytes) {
            Ok(length) => self.seen += &String::from_utf8_lossy(&bytes[..length]),
            Err(rustix::io::Errno::IO) => return false,
            Err(why) => panic!("{why}"),
        }
        true
    }
}

fn resize(keyboard: &OwnedFd, (columns, rows): (u16, u16)) {
    let size = Winsize {
        ws_col: columns,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(keyboard, size).unwrap();
}

impl Drop for Sitting {
    fn drop(&mut self) {
        // Nothing is left running; one that has ended already is no trouble.
        let _ = self.glass.kill();
        let _ = self.glass.wait();
    }
}
