//! One drill, step by step. Whatever becomes of it, it is closed, and how it went is recorded.

use std::time::{Duration, Instant};

use breakglass_proto::v1;
use jiff::SignedDuration;
use tokio::{
    sync::mpsc::unbounded_channel,
    time::{sleep, timeout},
};

use super::{
    pace::{
        APPROVE, ASK, Budgets, CLOSE, CREDENTIAL, ENDED, KILL, OPEN, Taken, USE, VERIFY, millis,
    },
    said,
};
use crate::{
    commands::{Seat, incident::kills},
    error::{Error, exit},
    exec::{self, Drilling, Milestone, Order, Task, signals::Signals},
    grant::ending_sentence,
    kill::{Fate, Kill, Kills},
    limits::{FIRST_RETRY, LONGEST_RETRY},
    session::{Session, Went},
    text,
};

/// How long a broker that does not answer is asked to close, so that whoever pressed Ctrl-C gets their
/// prompt: the drill closes by itself within the hour.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the index may take until it lists what has just been recorded.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// What is to be walked.
pub(super) struct Plan {
    pub(super) right: v1::Verdict,
    pub(super) title: String,
    pub(super) length: SignedDuration,
    pub(super) task: Task,
    pub(super) budgets: Budgets,
}

/// A drill that is open.
pub(super) struct Walk<'a> {
    seat: &'a Seat,
    session: Session,
    plan: &'a Plan,
    incident: String,
    grant: Option<String>,
    steps: Vec<Taken>,
    failed: Option<String>,
    /// The broker turned out to be untrue.
    untrue: Option<Error>,
    signals: Signals,
    kills: Vec<Kill>,
}

/// The step that is being taken, and since when.
struct Now {
    step: &'static str,
    since: Instant,
}

/// A drill that is over.
pub(super) struct Walked {
    pub(super) incident: String,
    pub(super) right: String,
    pub(super) good: bool,
    pub(super) failed: Option<String>,
    pub(super) steps: Vec<Taken>,
    pub(super) kills: Vec<Kill>,
    /// The entry that says how it went; nothing where it could not be recorded.
    pub(super) recorded: Option<u64>,
    pub(super) untrue: Option<Error>,
}

impl<'a> Walk<'a> {
    /// Opens it.
    ///
    /// # Errors
    /// Why it is not open.
    pub(super) async fn begin(
        seat: &'a Seat,
        session: Session,
        plan: &'a Plan,
    ) -> Result<Self, Error> {
        for step in [
            OPEN, ASK, APPROVE, CREDENTIAL, USE, CLOSE, KILL, ENDED, VERIFY,
        ] {
            plan.budgets.of_step(step)?;
        }
        let signals = hear_signals()?;
        let since = Instant::now();
        let (opened, _) = session.open_drill(&plan.title).await?;
        said::opened(seat, &opened, &plan.right);
        let mut walk = Self {
            seat,
            session,
            plan,
            incident: opened.id,
            grant: None,
            steps: Vec::new(),
            failed: None,
            untrue: None,
            signals,
            kills: Vec::new(),
        };
        walk.takes(OPEN, since.elapsed());
        Ok(walk)
    }

    /// All the rest.
    ///
    /// # Errors
    /// None but what nobody can go on after: the outcome says what failed.
    pub(super) async fn walked(mut self) -> Result<Walked, Error> {
        self.access().await;
        if let Some(receipt) = self.close().await
            && self.failed.is_none()
        {
            self.ended().await;
            self.verify(receipt).await;
        }
        if self.is_stopped().await {
            self.fails("it was stopped".to_owned());
        }
        let slow = self.steps.iter().find(|step| step.is_slow());
        if let Some(slow) = slow.map(Taken::sentence) {
            self.fails(slow);
        }
        let recorded = self.record().await;
        Ok(Walked {
            incident: self.incident,
            right: self.plan.right.right.clone(),
            good: self.failed.is_none(),
            failed: self.failed,
            steps: self.steps,
            kills: self.kills,
            recorded,
            untrue: self.untrue,
        })
    }

    /// From asking to the end of the command, as `glass exec` does it.
    async fn access(&mut self) {
        let (milestones, mut passed) = unbounded_channel();
        let Ok(patience) = self.plan.budgets.of_step(APPROVE) else {
            return;
        };
        let order = Order {
            right: self.plan.right.clone(),
            incident: self.incident.clone(),
            reason: self.plan.title.clone(),
            length: self.plan.length,
            task: self.plan.task.clone(),
            no_wait: false,
            self_grant_if_nobody: false,
            handed: None,
            drill: Some(Drilling {
                milestones,
                patience,
            }),
        };
        let printer = self.seat.printer.clone();
        let run = exec::run(self.session.clone(), order, &printer);
        tokio::pin!(run);
        let mut now = Now {
            step: ASK,
            since: Instant::now(),
        };
        let outcome = loop {
            tokio::select! {
                biased;
                Some(milestone) = passed.recv() => self.passes(&mut now, milestone),
                outcome = &mut run => break outcome,
            }
        };
        while let Ok(milestone) = passed.try_recv() {
            self.passes(&mut now, milestone);
        }
        self.access_is_over(&now, outcome).await;
    }

    fn passes(&mut self, now: &mut Now, milestone: Milestone) {
        self.takes(now.step, now.since.elapsed());
        let step = match milestone {
            Milestone::Asked(grant) => {
                self.grant = Some(grant);
                APPROVE
            }
            Milestone::Begun => CREDENTIAL,
            Milestone::Received => USE,
        };
        let since = Instant::now();
        *now = Now { step, since };
    }

    async fn access_is_over(&mut self, now: &Now, outcome: Result<exec::Ended, Error>) {
        let step = now.step;
        if step == USE {
            self.takes(step, now.since.elapsed());
        }
        if self.is_stopped().await {
            return self.fails(format!("it was stopped in `{step}`"));
        }
        match outcome {
            Ok(ended) if ended.code == 0 && step == USE => {}
            Ok(ended) => {
                let why = match (ended.code, &self.grant) {
                    (exit::ENDED, Some(grant)) => ended_from_outside(&self.session, grant).await,
                    _ => None,
                };
                let why = why.unwrap_or_else(|| format!("the command ended with {}", ended.code));
                self.fails(format!("`{step}`: {why}"));
            }
            Err(why) => self.fails_by(step, why),
        }
    }

    /// Whether somebody pressed Ctrl-C since it began, or told `glass` to end.
    async fn is_stopped(&mut self) -> bool {
        timeout(Duration::ZERO, self.signals.next_end())
            .await
            .is_ok()
    }

    /// Closes it and waits until everything under it is over; the place of the closing in the ledger.
    async fn close(&mut self) -> Option<u64> {
        let reason = match &self.failed {
            None => "the drill is over".to_owned(),
            Some(why) => text::cut(&format!("the drill is over: {why}")),
        };
        let since = Instant::now();
        let closed = match closed(&self.session, &self.incident, &reason).await {
            Ok(closed) => closed,
            Err(why) => {
                if !is_closed(&why) {
                    said::still_open(self.seat, &self.incident);
                }
                self.fails_by(CLOSE, why);
                return None;
            }
        };
        if self.failed.is_none() {
            self.takes(CLOSE, since.elapsed());
        }
        let receipt = closed.receipt.as_ref();
        let place = receipt.map(|receipt| receipt.index);
        let since = Instant::now();
        let settled = kills::settled(self.seat, &self.session, Kills::of(&closed), receipt);
        match unless_stopped(&mut self.signals, settled).await {
            Ok(kills) => {
                if self.failed.is_none() {
                    self.takes(KILL, since.elapsed());
                }
                self.kills = kills.all().to_vec();
                let left = |kill: &&Kill| !matches!(kill.fate, Fate::Over { .. });
                if let Some(left) = kills.all().iter().find(left) {
                    self.fails(format!("`kill`: {}", left.sentence()));
                }
            }
            Err(why) => self.fails_by(KILL, why),
        }
        place
    }

    /// The broker says that the grant is over, and counts it nowhere as live.
    async fn ended(&mut self) {
        let since = Instant::now();
        let Some(id) = self.grant.clone() else {
            return;
        };
        let asked = still_live(&self.session, &id);
        match unless_stopped(&mut self.signals, asked).await {
            Ok(false) => self.takes(ENDED, since.elapsed()),
            Ok(true) => self.fails(format!("`{ENDED}`: the broker still counts {id} as live")),
            Err(why) => self.fails_by(ENDED, why),
        }
    }

    /// Every entry of it is in the ledger, marked, and the ledger only grew.
    async fn verify(&mut self, until: u64) {
        if self.failed.is_some() {
            return;
        }
        let since = Instant::now();
        let proven = proven(&self.session, &self.incident, until);
        match unless_stopped(&mut self.signals, proven).await {
            Ok(()) => self.takes(VERIFY, since.elapsed()),
            Err(why) => self.fails_by(VERIFY, why),
        }
    }

    /// Says how it went; where the broker does not take it as good, as not good.
    async fn record(&mut self) -> Option<u64> {
        loop {
            let steps = self.steps.iter();
            let steps = steps.map(|it| format!("{} {}/{}", it.step, it.took_ms, it.budget_ms));
            let went = Went {
                good: self.failed.is_none(),
                steps: steps.collect::<Vec<_>>().join(", "),
                failed: self.failed.clone().unwrap_or_default(),
            };
            let recorded = self.session.record_drill(&self.incident, &went);
            let why = match timeout(CLOSE_TIMEOUT, recorded).await {
                Ok(Ok(index)) => return Some(index),
                Ok(Err(why)) => why,
                Err(_) => Error::broken_answer("it does not answer"),
            };
            let was_good = self.failed.is_none();
            self.fails(text::cut(&why.to_string()));
            if !was_good || !matches!(why, Error::Refused(_)) {
                said::not_recorded(self.seat, &self.incident, &why);
                return None;
            }
        }
    }

    fn takes(&mut self, step: &'static str, took: Duration) {
        let budget = self.plan.budgets.of_step(step).unwrap_or_default();
        let taken = Taken {
            step,
            took_ms: millis(took),
            budget_ms: millis(budget),
        };
        said::step(self.seat, &taken);
        self.steps.push(taken);
    }

    fn fails_by(&mut self, step: &str, why: Error) {
        self.fails(text::cut(&format!("`{step}`: {why}")));
        if matches!(why, Error::Unverified { .. }) {
            self.untrue = Some(why);
        }
    }

    /// The first reason counts.
    fn fails(&mut self, why: String) {
        if self.failed.is_none() {
            said::failed(self.seat, &why);
            self.failed = Some(text::cut(&why));
        }
    }
}

/// Closes it. A broker that is away for a moment is asked again for as long as one is that says nothing.
async fn closed(
    session: &Session,
    incident: &str,
    reason: &str,
) -> Result<v1::CloseIncidentResponse, Error> {
    let until = Instant::now() + CLOSE_TIMEOUT;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let why = match timeout(left, session.close_incident(incident, reason)).await {
            Ok(Ok(closed)) => return Ok(closed),
            Ok(Err(why)) => why,
            Err(_) => return Err(Error::broken_answer("it does not answer")),
        };
        if !matches!(why, Error::Unreachable { .. }) || left < LONGEST_RETRY {
            return Err(why);
        }
        sleep(FIRST_RETRY).await;
    }
}

/// Whether somebody else closed it before.
fn is_closed(why: &Error) -> bool {
    why.reason() == "INCIDENT_CLOSED"
}

/// How access ended that the command did not give back: somebody closed, revoked, removed.
async fn ended_from_outside(session: &Session, grant: &str) -> Option<String> {
    let grant = session.grant(grant).await.ok()?;
    let is_over = grant.state() == v1::GrantState::Ended;
    let by_itself = grant.ending() == v1::GrantEnding::Dropped;
    (is_over && !by_itself).then(|| ending_sentence(&grant))
}

async fn still_live(session: &Session, id: &str) -> Result<bool, Error> {
    let grant = session.grant(id).await?;
    let status = session.status().await?;
    let mut counted = status.active.iter().chain(&status.waiting);
    Ok(grant.state() != v1::GrantState::Ended || counted.any(|it| it.id == id))
}

async fn proven(session: &Session, incident: &str, until: u64) -> Result<(), Error> {
    let since = Instant::now();
    loop {
        match session.prove_drill(incident, until).await {
            // What was recorded just now may not be listed yet.
            Err(Error::Setup { .. } | Error::Unreachable { .. })
                if since.elapsed() < LISTED_WITHIN =>
            {
                sleep(FIRST_RETRY).await;
            }
            proven => return proven.map(drop),
        }
    }
}

/// What comes of `work`, where nobody presses Ctrl-C first.
async fn unless_stopped<T>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        _ = signals.next_end() => Err(Error::setup(
            "it was stopped",
            "glass drill access, and let it come to its end",
        )),
        done = work => done,
    }
}

/// Hears Ctrl-C and its like from here on, so that a drill is closed and recorded whatever happens.
fn hear_signals() -> Result<Signals, Error> {
    Signals::hear().map_err(|why| {
        Error::setup(
            format!("this system does not let us hear signals: {why}"),
            "see: glass doctor",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[tokio::test]
    async fn ctrl_c_ends_the_waiting_for_a_broker_that_does_not_answer() {
        let mut signals = hear_signals().unwrap();
        let done = unless_stopped(&mut signals, async { Ok(7) }).await;
        assert_eq!(done.unwrap(), 7);
        kill_process(getpid(), Signal::INT).unwrap();
        let stopped = unless_stopped(&mut signals, pending::<Result<(), Error>>()).await;
        assert_eq!(stopped.unwrap_err().to_string(), "it was stopped");
    }
}
