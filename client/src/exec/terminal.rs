//! The controlling terminal: lent to the command's process group while it runs, and taken back.
//!
//! A process outside the foreground group that changes the terminal, or writes to it where `stty
//! tostop` is set, is stopped with SIGTTOU, unless that signal is blocked in the calling thread
//! (POSIX.1-2024 section 11.1.4). A handler is no way out: the kernel would restart the call and
//! send the signal again, for ever. So each such call happens under [`undisturbed`].

use std::{
    io::{self, IsTerminal as _},
    os::fd::{AsFd, OwnedFd},
};

use nix::sys::signal::{SigSet, Signal};
use rustix::{
    io::Errno,
    process::Pid,
    termios::{OptionalActions, Termios, tcdrain, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp},
};

/// The terminal on standard input, and how it was before the command.
#[derive(Debug)]
pub(super) struct Terminal {
    tty: OwnedFd,
    modes: Termios,
}

impl Terminal {
    /// The terminal on standard input; `None` where that is something else, or a terminal that is
    /// not this session's own.
    pub(super) fn of_stdin() -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let tty = stdin.as_fd().try_clone_to_owned().ok()?;
        tcgetpgrp(&tty).ok()?;
        let modes = tcgetattr(&tty).ok()?;
        Some(Self { tty, modes })
    }

    /// Whether our own process group has it: false when `glass` was put in the background.
    pub(super) fn is_ours(&self) -> bool {
        tcgetpgrp(&self.tty).is_ok_and(|front| Some(front) == own_group())
    }

    /// Makes `group` the foreground process group.
    pub(super) fn lend_to(&self, group: Pid) -> io::Result<()> {
        Ok(undisturbed(|| tcsetpgrp(&self.tty, group))?)
    }

    /// Makes our own group the foreground process group again.
    pub(super) fn take_back(&self) -> io::Result<()> {
        self.lend_to(own_group().ok_or(Errno::NOTTY)?)
    }

    /// Returns once our group has the terminal, being stopped until then as anybody is who wants it
    /// from the background. We leave looking and stopping to the kernel, which does both in one
    /// step: between our own look and our own stop, `fg` could come and be missed. Draining the
    /// output changes nothing and is checked like every change. Where we cannot be stopped it
    /// returns at once.
    pub(super) fn await_turn(&self) {
        while tcdrain(&self.tty) == Err(Errno::INTR) {}
    }

    /// Puts the modes back that were in force before the command: what a shell does for a program
    /// that was killed and could not do so itself.
    pub(super) fn restore_modes(&self) -> io::Result<()> {
        Ok(undisturbed(|| {
            tcsetattr(&self.tty, OptionalActions::Now, &self.modes)
        })?)
    }
}

/// Makes the caller's own process group the foreground group of the terminal on standard input.
/// For the shim: done by the command's own process before it becomes the command, there is no
/// moment in which the command runs without its terminal.
pub(super) fn claim() -> io::Result<()> {
    let group = own_group().ok_or(Errno::NOTTY)?;
    Ok(undisturbed(|| tcsetpgrp(io::stdin(), group))?)
}

/// The process group of `glass`. `None` where its leader lives outside of our PID namespace: the
/// kernel then answers 0 (pid_namespaces(7)), which `rustix` takes for impossible.
pub(super) fn own_group() -> Option<Pid> {
    Pid::from_raw(nix::unistd::getpgrp().as_raw())
}

/// Whether the command should have the terminal from the start. Not where standard output is a
/// pipe: in `glass exec ... -- CMD | less` the other end may be what reads the keyboard, and it is
/// in our process group. There the command gets the terminal when it first asks for it.
pub(super) fn wanted_at_once() -> bool {
    let stdout = rustix::fs::fstat(io::stdout());
    let kind = stdout.map(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode));
    !matches!(
        kind,
        Ok(rustix::fs::FileType::Fifo | rustix::fs::FileType::Socket)
    )
}

/// Runs `act`, which must not await, with SIGTTOU blocked in this thread.
pub(super) fn undisturbed<T>(act: impl FnOnce() -> T) -> T {
    let only_ttou: SigSet = [Signal::SIGTTOU].into_iter().collect();
    let before = SigSet::thread_get_mask();
    let blocked = only_ttou.thread_block();
    let done = act();
    if let (Ok(before), Ok(())) = (before, blocked) {
        // It was in force a moment ago, so the system takes it.
        let _ = before.thread_set_mask();
    }
    done
}
