//! One `glass exec` from asking to giving back.

use std::{ffi::OsString, io, path::Path, sync::Arc};

use breakglass_proto::v1::{Credential, Grant, GrantState};
use jiff::Timestamp;
use tokio::time::sleep;

use super::{
    Ended, Milestone, Order, Task,
    child::{Launch, Running},
    desk::Desk,
    folder::{Base, Folder},
    hold::Hold,
    keeper::Keeper,
    limits::ISSUE_TRIES,
    papers::{Papers, Wanted},
    place::{Environment, Need, Placement},
    plan::Plan,
    shim::Shim,
    signals::{Signals, Wish},
    voice::{self, Voice},
    wait::{Answer, Waiting},
    work::{Link, Work},
};
use crate::{error::Error, limits::FIRST_RETRY, time};

/// Exit code where Ctrl-C came before the command began: as if by SIGINT.
const INTERRUPTED: u8 = 128 + 2;

/// Exit code where `glass` was told to end before the command began: as if by SIGTERM.
const TERMINATED: u8 = 128 + 15;

/// Everything that stands before anybody is asked.
pub(super) struct Prepared<'a, D> {
    pub(super) desk: Arc<D>,
    pub(super) order: &'a Order,
    pub(super) shim: &'a Shim,
    pub(super) voice: Voice<'a>,
    /// Where the private folder is made.
    pub(super) base: &'a Base,
}

/// Somebody who has asked.
pub(super) struct Visit<'a, D> {
    pub(super) desk: Arc<D>,
    pub(super) order: &'a Order,
    shim: &'a Shim,
    pub(super) voice: Voice<'a>,
    pub(super) signals: Signals,
    pub(super) folder: Folder,
    pub(super) papers: Papers,
    /// As it stood when last heard of.
    pub(super) grant: Grant,
}

impl<D: Desk> Prepared<'_, D> {
    /// Asks, waits, runs, gives back.
    ///
    /// # Errors
    /// Where the command was not begun, why; and where the broker turned out to be untrue.
    pub(super) async fn visit(self) -> Result<Ended, Error> {
        self.order.task.check()?;
        let signals = Signals::hear().map_err(|why| broken("hear signals", &why))?;
        self.base.sweep();
        let folder = Folder::create(self.base).map_err(|why| broken("make a folder", &why))?;
        // What cannot work here is told before anybody is asked.
        let placement = Placement::of_right(&self.order.right, &folder.path())?;
        self.order.task.command(&folder.path())?;
        let mut papers = Papers::new(placement)?;
        let (grant, credential) = match &self.order.handed {
            Some(handed) => (handed.clone(), None),
            None => self.desk.request(self.order, papers.along()).await?,
        };
        papers.of_grant(&grant.person, &grant.id);
        self.order.pass(Milestone::Asked(grant.id.clone()));
        let Self {
            desk,
            order,
            shim,
            voice,
            ..
        } = self;
        let mut visit = Visit {
            desk,
            order,
            shim,
            voice,
            signals,
            folder,
            papers,
            grant,
        };
        let outcome = visit.use_it(credential).await;
        if visit.order.drill.is_none() && !visit.is_over(outcome.as_ref().err()) {
            visit.leave().await;
        }
        if let Some((role, until)) = visit.papers.kept_by_aws() {
            let kept = voice::kept_by_aws(&visit.grant, role, until, visit.desk.now());
            visit.voice.note(kept);
        }
        outcome
    }
}

impl<D: Desk> Visit<'_, D> {
    async fn use_it(&mut self, credential: Option<Credential>) -> Result<Ended, Error> {
        // Everything about it, from its request on.
        let mut hold = Hold::take(self.desk.clone(), self.grant.id.clone(), 0);
        if self.grant.state() == GrantState::Waiting
            && let Some(ended) = self.wait(&mut hold).await?
        {
            return Ok(ended);
        }
        if let Some(why) = Error::of_ended(&self.grant) {
            return Err(why);
        }
        self.voice.note(voice::begun(&self.grant, self.desk.now()));
        self.order.pass(Milestone::Begun);
        let Some(environment) = self.collect(credential).await? else {
            return Ok(self.stopped(Wish::Interrupt));
        };
        // Ctrl-C may have come while nobody listened.
        tokio::select! {
            biased;
            wish = self.signals.next_end() => return Ok(self.stopped(wish)),
            () = std::future::ready(()) => {}
        }
        self.order.pass(Milestone::Received);
        self.run(environment, &mut hold).await
    }

    /// Until it begins; `Some` where it does not because somebody pressed Ctrl-C.
    async fn wait(&mut self, hold: &mut Hold) -> Result<Option<Ended>, Error> {
        if self.order.no_wait {
            return Err(Error::Waiting {
                what: voice::not_waiting(&self.grant),
                next: "run it without `--no-wait`".to_owned(),
            });
        }
        let (desk, order) = (self.desk.as_ref(), self.order);
        let (grant, voice) = (self.grant.clone(), self.voice);
        let waiting = Waiting {
            desk,
            order,
            grant,
            voice,
            lost: None,
            told: voice::needed(&self.grant),
        };
        match waiting.answer(hold, &mut self.signals).await? {
            Answer::Begun(grant) => {
                self.grant = *grant;
                Ok(None)
            }
            Answer::Stopped(wish) => Ok(Some(self.stopped(wish))),
        }
    }

    fn stopped(&self, wish: Wish) -> Ended {
        self.voice.note(voice::stopped(&self.grant));
        let code = if wish == Wish::Interrupt {
            INTERRUPTED
        } else {
            TERMINATED
        };
        Ended { code }
    }

    /// Every credential for the first time, each in its place, and what the command is told of them;
    /// `None` where somebody pressed Ctrl-C meanwhile.
    async fn collect(&mut self, along: Option<Credential>) -> Result<Option<Environment>, Error> {
        if !self.folder.in_memory() {
            let path = self.folder.path();
            self.voice.warn(format!(
                "no memory-backed folder here: the credential is in {} on a disk until the end",
                path.display()
            ));
        }
        let mut environment = Environment::default();
        if let Some(credential) = along {
            environment.extend(self.papers.take(&self.folder, Need::Jwt, credential)?);
        }
        for wanted in self.papers.missing() {
            let Some(credential) = self.issue(&wanted).await? else {
                return Ok(None);
            };
            let taken = self.papers.take(&self.folder, wanted.need, credential);
            environment.extend(taken?);
        }
        Ok(Some(environment))
    }

    /// One of them; `None` where somebody pressed Ctrl-C meanwhile.
    async fn issue(&mut self, wanted: &Wanted) -> Result<Option<Credential>, Error> {
        let mut pause = FIRST_RETRY;
        let mut tries = 0;
        loop {
            match self.desk.issue(&self.grant.id, wanted).await {
                Ok(credential) => return Ok(Some(credential)),
                Err(why) if why.is_passing() && tries < ISSUE_TRIES => tries += 1,
                Err(why) => return Err(why),
            }
            tokio::select! {
                _ = self.signals.next_end() => return Ok(None),
                () = sleep(pause) => pause *= 2,
            }
        }
    }

    async fn run(&mut self, mut environment: Environment, hold: &mut Hold) -> Result<Ended, Error> {
        let ends_at = time::from_proto(self.grant.ends_at.as_ref())
            .ok_or_else(|| Error::broken_answer("an active grant has no end"))?;
        let plan = Plan::new(self.desk.now(), ends_at, self.papers.earliest()?);
        environment.set.extend(told(&self.grant, ends_at));
        environment
            .removed
            .extend((!self.grant.drill).then_some(DRILL));
        let context = self.desk.context().to_owned();
        let context = ("GLASS_CONTEXT".to_owned(), context.into());
        environment.set.push(context);
        let aws_session = self.papers.placement().aws_session();
        let mut keeper = Keeper::start(self.shim, &self.folder, aws_session)
            .map_err(|why| broken("start `glass`", &why))?;
        let outcome = match self.begin(&environment, &mut keeper).await {
            Ok(work) => self.watch(work, plan, hold).await,
            Err(why) => Err(why),
        };
        self.clean_up();
        let _ = keeper.dismiss().await;
        outcome
    }

    /// Begins what the access is for.
    async fn begin(&self, environment: &Environment, keeper: &mut Keeper) -> Result<Work, Error> {
        let Some(command) = self.order.task.command(&self.folder.path())? else {
            return self.show_agent();
        };
        let launch = Launch {
            command: &command,
            environment,
            keeper: keeper.pid(),
            // What a drill answers to a program stands on standard output alone.
            aside: self.order.drill.is_some() && self.voice.0.is_json(),
        };
        let name = self.order.task.name();
        let running = Running::start(self.shim, &launch)
            .map_err(|why| broken(&format!("start `{name}`"), &why))?;
        // Without it a killed `glass` ends the command all the same, only less gently.
        let _ = keeper.watch_over(running.group()).await;
        Ok(Work::Command(Box::new(running)))
    }

    /// Says where the agent is.
    fn show_agent(&self) -> Result<Work, Error> {
        let socket = self.papers.placement().socket();
        let socket = socket.ok_or_else(|| Error::broken_answer("the right leads to no host"))?;
        let link = match &self.order.task {
            Task::Agent { link: Some(path) } => Some(Link::make(path, socket)?),
            _ => None,
        };
        self.voice.agent(&self.grant, socket, self.desk.now());
        Ok(Work::Agent { _link: link })
    }

    /// Nothing is left of the credentials here.
    fn clean_up(&mut self) {
        self.papers.give_up();
        if let Err(why) = self.folder.wipe() {
            let path = self.folder.path();
            self.voice.warn(format!(
                "cannot wipe {}: {why}; remove it by hand",
                path.display()
            ));
        }
        if let Some(home) = std::env::var_os("HOME")
            && let Err(why) = self.papers.forget(Path::new(&home))
        {
            self.voice.warn(format!(
                "cannot remove what the AWS CLI kept in ~/.aws/cli/cache: {why}; remove it by hand"
            ));
        }
    }
}

/// Set in a drill, and taken away in earnest.
const DRILL: &str = "GLASS_DRILL";

/// What the command learns about its access.
fn told(grant: &Grant, ends_at: Timestamp) -> Vec<(String, OsString)> {
    let mut told = vec![
        ("GLASS_GRANT".to_owned(), grant.id.clone().into()),
        ("GLASS_INCIDENT".to_owned(), grant.incident.clone().into()),
        ("GLASS_RIGHT".to_owned(), grant.right.clone().into()),
        ("GLASS_ENDS_AT".to_owned(), time::rfc3339(ends_at).into()),
    ];
    if grant.drill {
        told.push((DRILL.to_owned(), "1".into()));
    }
    told
}

pub(super) fn broken(doing: &str, why: &io::Error) -> Error {
    Error::setup(
        format!("this system does not let us {doing}: {why}"),
        "see: glass doctor",
    )
}
