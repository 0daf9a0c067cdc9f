//! Ending sessions: sshd's process of the login and everybody below it, wherever they went.
//!
//! Many sessions that are to end at once are ended together, so that `/proc` is read a handful of
//! times and not once for each of them. The order:
//!
//! 1. who belongs to them is looked up, see [`Roster`];
//! 2. one line goes to each of their terminals: who closed what, and why;
//! 3. SIGHUP and SIGTERM to everybody but sshd's own processes, which carry the line to the other end
//!    and leave by themselves when their session is dead. Where they do not within [`LAST_WORDS`]
//!    (`ssh -N`) they get SIGTERM, of which they tidy up (utmp, PAM);
//! 4. [`GRACE`] after the first signal SIGKILL to those who are left, to the control group as a
//!    whole where there is one, until two looks in a row find nobody.
//!
//! A process is held by its pidfd (pidfd_open(2)) and looked at again before a signal goes to it,
//! so that an id that was used again meets nobody else. Process 1, the guard itself and those above
//! it are never touched, whoever's child they seem to be.

use std::{collections::HashSet, os::fd::OwnedFd, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal},
};
use tokio::time::Instant;

use super::{
    kin::Crowd,
    limits::{FORCE_PAUSE, FORCE_ROUNDS, GRACE, LAST_WORDS},
    roster::{Roster, look_for_marked},
    screen,
};
use crate::processes::{self, ProcessId};

/// A session that is to end.
#[derive(Debug, Clone)]
pub(super) struct Condemned {
    /// Which.
    pub(super) key: u64,
    /// Who belongs to it.
    pub(super) roster: Roster,
    /// The line for its screens.
    pub(super) text: String,
    /// When we heard that it is to end.
    pub(super) heard: Instant,
    /// Somebody of it lived through the last try.
    pub(super) lived: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Which.
    pub(super) key: u64,
    /// How it went.
    pub(super) fate: Fate,
}

/// How a session went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody was left of it to end.
    Gone,
    /// Its last process was dead so long after we heard.
    Killed(Duration),
    /// These still live: SIGKILL does not reach who hangs in the kernel.
    Survives(Vec<String>),
}

/// Ends these sessions and nobody of the `others`.
pub(super) async fn cut(condemned: Vec<Condemned>, others: Vec<Roster>) -> Vec<Outcome> {
    let mut sweep = Sweep {
        cases: condemned.into_iter().map(Case::new).collect(),
        others,
        crowd: Crowd::of(Vec::new()),
    };
    sweep.look();
    sweep.ask().await;
    let mut quiet = 0;
    for _ in 0..FORCE_ROUNDS {
        sweep.look();
        if sweep.is_over() {
            // Somebody may have been forked while we looked, by one who is dead by now.
            quiet += 1;
            if quiet == 2 {
                break;
            }
        } else {
            quiet = 0;
            sweep.force().await;
        }
    }
    sweep.outcomes()
}

struct Sweep {
    cases: Vec<Case>,
    others: Vec<Roster>,
    /// Everybody at the last look.
    crowd: Crowd,
}

struct Case {
    condemned: Condemned,
    /// Whether anybody was found alive, ever.
    lived: bool,
    /// When the last of those found so far was dead.
    dead_at: Instant,
}

impl Case {
    fn new(condemned: Condemned) -> Self {
        // Whoever lived through the last try and is dead by now died in between.
        let dead_at = match condemned.lived {
            true => Instant::now(),
            false => condemned.heard,
        };
        Self {
            dead_at,
            lived: condemned.lived,
            condemned,
        }
    }

    fn living(&self) -> impl Iterator<Item = ProcessId> {
        self.condemned.roster.kin.living().iter().copied()
    }

    /// Whether it is sshd's process of the login, or the one without rights that this has forked
    /// for it, rather than one of the session's own.
    fn is_of_sshd(&self, id: ProcessId, crowd: &Crowd) -> bool {
        let root = self.condemned.roster.kin.root();
        let (Some(one), Some(sshd)) = (crowd.process(id), crowd.process(root)) else {
            return id == root;
        };
        id == root || (one.parent == Some(sshd.pid) && one.name == sshd.name)
    }

    /// Takes hold of those who still live.
    fn hold(&mut self) -> Vec<(ProcessId, Held)> {
        let living: Vec<_> = self.living().collect();
        let held: Vec<_> = living
            .iter()
            .filter_map(|id| Some((*id, Held::of(*id)?)))
            .collect();
        if held.len() < living.len() {
            self.dead_at = Instant::now();
        }
        held
    }

    fn is_over(&self) -> bool {
        self.living().next().is_none()
    }
}

impl Sweep {
    fn look(&mut self) {
        self.crowd = Crowd::of(processes::all());
        let crowd = &self.crowd;
        let mut rosters: Vec<&mut Roster> = self
            .cases
            .iter_mut()
            .map(|case| &mut case.condemned.roster)
            .collect();
        for roster in self
            .others
            .iter_mut()
            .chain(rosters.iter_mut().map(|r| &mut **r))
        {
            roster.look(crowd);
        }
        look_for_marked(&mut rosters, &self.others, crowd);
        let untouchable = untouchable(crowd);
        for roster in rosters {
            roster.kin.spare(&untouchable);
        }
        for case in &mut self.cases {
            if !case.is_over() {
                case.lived = true;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.cases.iter().all(Case::is_over)
    }

    /// Tells them, asks everybody to end, and waits a little: first for those whom sshd started, so
    /// that sshd carries our words to the other end, then for sshd.
    async fn ask(&mut self) {
        let mut held = Vec::new();
        for (number, case) in self.cases.iter_mut().enumerate() {
            let terminals: HashSet<i32> = case
                .living()
                .filter_map(|id| Some(self.crowd.process(id)?.terminal))
                .collect();
            screen::tell(terminals, &case.condemned.text);
            for (id, process) in case.hold() {
                if !case.is_of_sshd(id, &self.crowd) {
                    process.signal(Signal::HUP);
                    process.signal(Signal::TERM);
                    // Whoever is stopped can only hear it awake.
                    process.signal(Signal::CONT);
                }
                held.push((number, process));
            }
        }
        self.wait(held, LAST_WORDS).await;
        let mut held = Vec::new();
        for (number, case) in self.cases.iter_mut().enumerate() {
            for (id, process) in case.hold() {
                if case.is_of_sshd(id, &self.crowd) {
                    process.signal(Signal::TERM);
                    process.signal(Signal::CONT);
                }
                held.push((number, process));
            }
        }
        self.wait(held, GRACE - LAST_WORDS).await;
    }

    /// Kills whoever is left, and waits until they are dead.
    async fn force(&mut self) {
        let mut held = Vec::new();
        for (number, case) in self.cases.iter_mut().enumerate() {
            let still = case.hold();
            if let Some(group) = &case.condemned.roster.group {
                group.kill();
            }
            for (_, process) in still {
                process.signal(Signal::KILL);
                held.push((number, process));
            }
        }
        self.wait(held, FORCE_PAUSE).await;
    }

    /// Until all of them are dead, or it is time; takes note of when.
    async fn wait(&mut self, held: Vec<(usize, Held)>, most: Duration) {
        let deadline = Instant::now() + most;
        let dead = tokio::task::spawn_blocking(move || await_deaths(held, deadline)).await;
        // It does not panic, and is not cancelled; if it were, the next look would tell.
        for (number, at) in dead.unwrap_or_default() {
            if let Some(case) = self.cases.get_mut(number) {
                case.dead_at = case.dead_at.max(at);
            }
        }
    }

    fn outcomes(self) -> Vec<Outcome> {
        let fate = |case: &Case| match (case.is_over(), case.lived) {
            (true, false) => Fate::Gone,
            (true, true) => Fate::Killed(case.dead_at - case.condemned.heard),
            (false, _) => {
                let names = case.living().filter_map(|id| self.crowd.process(id));
                Fate::Survives(
                    names
                        .map(|p| format!("{} ({})", p.name, p.pid.as_raw_nonzero()))
                        .collect(),
                )
            }
        };
        let outcome = |case: &Case| Outcome {
            key: case.condemned.key,
            fate: fate(case),
        };
        self.cases.iter().map(outcome).collect()
    }
}

/// Process 1, this one, and those above it.
fn untouchable(crowd: &Crowd) -> HashSet<Pid> {
    let mut found: HashSet<Pid> = [Pid::INIT, getpid()].into();
    let mut next = crowd.parent(getpid());
    while let Some(pid) = next.filter(|pid| found.insert(*pid)) {
        next = crowd.parent(pid);
    }
    found
}

/// A process that cannot become another one under our hands.
#[derive(Debug)]
struct Held(OwnedFd);

impl Held {
    /// Takes hold of it; `None` where it is gone.
    fn of(id: ProcessId) -> Option<Self> {
        let fd = pidfd_open(id.pid()?, PidfdFlags::empty()).ok()?;
        // Only now: until the process is held, its id could go to another one.
        processes::lives(id).then_some(Self(fd))
    }

    fn signal(&self, signal: Signal) {
        // Gone already is as good; who cannot be signalled shows up at the next look.
        let _ = pidfd_send_signal(&self.0, signal);
    }
}

/// Waits for all of these to die, in one `poll(2)` for all; tells when each did, or the deadline of
/// those that did not.
fn await_deaths(mut held: Vec<(usize, Held)>, deadline: Instant) -> Vec<(usize, Instant)> {
    let mut dead = Vec::with_capacity(held.len());
    while !held.is_empty() {
        let now = Instant::now();
        let left = Timespec::try_from(deadline.saturating_duration_since(now)).ok();
        let mut polled: Vec<PollFd<'_>> = held
            .iter()
            .map(|(_, process)| PollFd::new(&process.0, PollFlags::IN))
            .collect();
        // A pidfd becomes readable when its process is dead, and not before.
        let came = poll(&mut polled, left.as_ref());
        let at = Instant::now();
        let is_time = came == Ok(0) || at >= deadline;
        if is_time || came.is_err_and(|why| why != Errno::INTR) {
            dead.extend(held.iter().map(|(number, _)| (*number, at)));
            return dead;
        }
        let lives: Vec<bool> = polled.iter().map(|fd| fd.revents().is_empty()).collect();
        let mut lives = lives.into_iter();
        held.retain(|(number, _)| {
            let lives = lives.next().unwrap_or(true);
            if !lives {
                dead.push((*number, at));
            }
            lives
        });
    }
    dead
}
