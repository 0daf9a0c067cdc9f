//! The running command: its process group, its terminal, its end.

use std::{
    ffi::OsString,
    future::Future,
    io,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_current_process_group, waitid};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    family::{Family, Member},
    limits::{FORCE_PAUSE, FORCE_ROUNDS, GRACE, SUSPEND_PAUSE},
    place::Environment,
    shim::{BECOME, Shim},
    terminal::{self, Terminal},
};

/// What to run, and with what.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    /// Program and arguments.
    pub(super) command: &'a [OsString],
    /// How its environment differs from ours.
    pub(super) environment: &'a Environment,
    /// Our other child, which is no part of the command.
    pub(super) keeper: Option<Pid>,
    /// Whether its output goes to standard error.
    pub(super) aside: bool,
}

/// A command that was started and is not known to have ended.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    group: Pid,
    family: Family,
    deaths: tokio::signal::unix::Signal,
    terminal: Option<Terminal>,
    /// Whether the command's group has the terminal from us.
    lent: bool,
}

/// How the command came to its end.
#[derive(Debug)]
pub(super) struct Over {
    /// Its own exit code, or 128 + the signal that killed it.
    pub(super) code: u8,
    /// Those that could not be ended; they belong to another user, or hang in the kernel.
    pub(super) survivors: Vec<Member>,
}

impl Running {
    /// Starts it in a process group of its own, which gets the terminal if we have it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(shim: &Shim, launch: &Launch<'_>) -> io::Result<Self> {
        super::family::adopt_orphans()?;
        let deaths = signal(SignalKind::child())?;
        let terminal = Terminal::of_stdin();
        let lent = terminal::wanted_at_once() && terminal.as_ref().is_some_and(Terminal::is_ours);
        let mut command = shim.command(BECOME);
        command.arg(format!(
            "--parent={}",
            rustix::process::getpid().as_raw_nonzero()
        ));
        if lent {
            command.arg("--terminal");
        }
        launch.environment.apply_to(command.as_std_mut());
        let child = command
            .arg("--")
            .args(launch.command)
            .stdin(Stdio::inherit())
            .stdout(match launch.aside {
                true => Stdio::from(io::stderr()),
                false => Stdio::inherit(),
            })
            .process_group(0)
            // Only where we unwind: an ordinary end has seen to it before.
            .kill_on_drop(true)
            .spawn()?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .ok_or_else(|| io::Error::other("the new process has no id"))?;
        let family = Family::new(group, launch.keeper.into_iter().collect());
        Ok(Self {
            child,
            group,
            family,
            deaths,
            terminal,
            lent,
        })
    }

    /// Its process group.
    pub(super) fn group(&self) -> Pid {
        self.group
    }

    /// Waits until it ends by itself, and meanwhile does the job control a shell would. Can be
    /// dropped and called again.
    pub(super) async fn exited(&mut self) -> io::Result<ExitStatus> {
        loop {
            tokio::select! {
                status = self.child.wait() => return status,
                _ = self.deaths.recv() => {
                    self.family.bury_adopted();
                    if let Some(by) = self.stopped_by() {
                        self.stopped(by).await;
                    }
                }
            }
        }
    }

    /// Passes a signal on to everybody in its group.
    pub(super) fn pass_on(&self, signal: Signal) {
        let _ = rustix::process::kill_process_group(self.group, signal);
    }

    /// `glass` goes on after it was stopped, and may have been brought to the foreground.
    pub(super) fn continued(&mut self) {
        if !self.lent && terminal::wanted_at_once() {
            self.lend();
        }
        self.pass_on(Signal::CONT);
    }

    /// Ends it: SIGTERM to everybody, SIGKILL after the grace or as soon as `force` is ready.
    pub(super) async fn end(mut self, force: impl Future<Output = ()>) -> io::Result<Over> {
        self.family.signal(Signal::TERM);
        if self.terminal.is_some() {
            // An interactive shell ignores SIGTERM, and takes this as its terminal's end.
            self.family.signal(Signal::HUP);
        }
        // Whoever is stopped can only hear it awake.
        self.family.signal(Signal::CONT);
        self.wait_out(Instant::now() + GRACE, force).await;
        self.kill().await;
        // Only a process that hangs in the kernel survives SIGKILL; its code is then what it would
        // be.
        let status = match timeout(GRACE, self.child.wait()).await {
            Ok(status) => status?,
            Err(_) => ExitStatus::from_raw(Signal::KILL.as_raw()),
        };
        Ok(self.leave(status))
    }

    /// It has ended by itself: ends what it left behind, and leaves the terminal as it was.
    pub(super) async fn clear_up(mut self, status: ExitStatus) -> Over {
        if !self.left_behind().is_empty() {
            self.family.signal(Signal::TERM);
            self.family.signal(Signal::CONT);
            self.wait_out(Instant::now() + GRACE, std::future::pending())
                .await;
            self.kill().await;
        }
        self.leave(status)
    }

    /// Who still runs of its family.
    pub(super) fn left_behind(&self) -> Vec<Member> {
        self.family.alive()
    }

    /// Until nobody is left, or it is time.
    async fn wait_out(&mut self, until: Instant, force: impl Future<Output = ()>) {
        tokio::pin!(force);
        // A death anywhere in the family is heard here sooner or later: orphans become our
        // children, dead or alive, and the kernel tells us of both. The leader's is told by `wait`
        // too, but that may come first and swallow nothing: signals are only counted.
        while !self.family.alive().is_empty() {
            tokio::select! {
                _ = self.deaths.recv() => self.family.bury_adopted(),
                () = sleep_until(until) => return,
                () = &mut force => return,
            }
        }
    }

    async fn kill(&mut self) {
        for _ in 0..FORCE_ROUNDS {
            if self.family.alive().is_empty() {
                break;
            }
            self.family.signal(Signal::KILL);
            sleep(FORCE_PAUSE).await;
        }
        self.family.bury_adopted();
    }

    fn leave(&mut self, status: ExitStatus) -> Over {
        if let Some(terminal) = self.terminal.take() {
            if self.lent {
                // A terminal that is gone needs nothing back.
                let _ = terminal.take_back();
            }
            if status.signal().is_some() && terminal.is_ours() {
                let _ = terminal.restore_modes();
            }
        }
        Over {
            code: exit_code(status),
            survivors: self.family.alive(),
        }
    }

    /// The signal that stopped the command since the last time this was asked.
    fn stopped_by(&self) -> Option<i32> {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        waitid(WaitId::Pid(self.group), options)
            .ok()
            .flatten()?
            .stopping_signal()
    }

    /// The command was stopped: it wants the terminal, or somebody wants it to pause (Ctrl-Z).
    async fn stopped(&mut self, by: i32) {
        let Some(terminal) = &self.terminal else {
            return;
        };
        let wants_terminal = by == Signal::TTIN.as_raw() || by == Signal::TTOU.as_raw();
        if wants_terminal && !self.lent {
            terminal.await_turn();
            if terminal.is_ours() {
                self.lend();
                self.pass_on(Signal::CONT);
                return;
            }
        }
        if self.lent {
            let _ = terminal.take_back();
            self.lent = false;
        }
        suspend().await;
        self.lend();
        self.pass_on(Signal::CONT);
    }

    /// Gives the terminal to the command if it is ours to give.
    fn lend(&mut self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|terminal| terminal.is_ours()) {
            self.lent = terminal.lend_to(self.group).is_ok();
        }
    }
}

/// Stops our own process group, as the shell that started it expects of a job whose command was
/// stopped, until somebody continues it.
async fn suspend() {
    let go_on = signal(SignalKind::from_raw(Signal::CONT.as_raw()));
    let _ = kill_current_process_group(Signal::TSTP);
    if let Ok(mut go_on) = go_on {
        // The time runs while we are stopped, so this ends at once after it.
        let _ = timeout(SUSPEND_PAUSE, go_on.recv()).await;
    }
}

/// As a shell tells it: the code, or 128 + the signal.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(crate::error::exit::OTHER)
}
