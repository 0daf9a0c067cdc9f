//! The signals sent to `glass` itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What somebody wants of `glass`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Ctrl-C or Ctrl-\, where the command does not have the terminal: SIGINT, SIGQUIT.
    Interrupt,
    /// End now: SIGTERM, or SIGHUP because the terminal is gone.
    Terminate,
    /// We were stopped and go on: SIGCONT.
    Continue,
}

/// Hears signals from its making on, instead of dying of them.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Option<Signal>,
    quit: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    go_on: Option<Signal>,
}

impl Signals {
    /// A signal that is ignored stays ignored (`nohup glass exec ...`).
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn hear() -> io::Result<Self> {
        let ignored = ignored();
        let hear = |kind: SignalKind| {
            let is_ignored = ignored & (1 << (kind.as_raw_value() - 1)) != 0;
            (!is_ignored).then(|| signal(kind)).transpose()
        };
        Ok(Self {
            interrupt: hear(SignalKind::interrupt())?,
            quit: hear(SignalKind::quit())?,
            terminate: hear(SignalKind::terminate())?,
            hangup: hear(SignalKind::hangup())?,
            go_on: hear(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next one. Nothing is lost where this is not awaited to its end.
    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            () = next(&mut self.interrupt) => Wish::Interrupt,
            () = next(&mut self.quit) => Wish::Interrupt,
            () = next(&mut self.terminate) => Wish::Terminate,
            () = next(&mut self.hangup) => Wish::Terminate,
            () = next(&mut self.go_on) => Wish::Continue,
        }
    }

    /// The next one that means an end.
    pub(crate) async fn next_end(&mut self) -> Wish {
        loop {
            match self.next().await {
                Wish::Continue => {}
                wish => return wish,
            }
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        // `None` comes only when the runtime ends.
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The set of signals this process ignores, bit N-1 for signal N (proc_pid_status(5)).
#[cfg(target_os = "linux")]
fn ignored() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(line.trim(), 16).ok()
        })
        .unwrap_or(0)
}

/// Elsewhere this cannot be asked without unsafe code.
#[cfg(not(target_os = "linux"))]
fn ignored() -> u64 {
    0
}
