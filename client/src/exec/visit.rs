//! One `glass exec` from asking to giving back.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::ExitStatus,
    sync::Arc,
};

use breakglass_proto::v1::{Credential, Grant, GrantState};
use jiff::Timestamp;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use zeroize::Zeroize as _;

use super::{
    Ended, Order,
    child::{Launch, Over, Running},
    desk::{Desk, ends_access},
    folder::{Base, Folder},
    hold::Hold,
    keeper::Keeper,
    limits::{GIVE_BACK_TIMEOUT, ISSUE_TRIES},
    plan::Plan,
    shim::{Shim, find_program},
    signals::{Signals, Wish},
    voice::{self, Voice},
    wait::{Answer, Waiting},
    watch::{Finish, Watch},
};
use crate::{
    error::{Error, exit},
    grant::approvers,
    limits::FIRST_RETRY,
    time,
};

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
struct Visit<'a, D> {
    desk: Arc<D>,
    order: &'a Order,
    shim: &'a Shim,
    voice: Voice<'a>,
    signals: Signals,
    folder: Folder,
    /// As it stood when last heard of.
    grant: Grant,
}

impl<D: Desk> Prepared<'_, D> {
    /// Asks, waits, runs, gives back.
    ///
    /// # Errors
    /// Where the command was not begun, why; and where the broker turned out to be untrue.
    pub(super) async fn visit(self) -> Result<Ended, Error> {
        check_program(&self.order.command)?;
        let signals = Signals::hear().map_err(|why| broken("hear signals", &why))?;
        self.base.sweep();
        let folder = Folder::create(self.base).map_err(|why| broken("make a folder", &why))?;
        let (grant, credential) = self.desk.request(self.order).await?;
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
            grant,
        };
        let outcome = visit.use_it(credential).await;
        if !visit.is_over(outcome.as_ref().err()) {
            visit.give_back().await;
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
        let credential = match credential {
            Some(credential) => credential,
            None => match self.issue().await? {
                Some(credential) => credential,
                None => return Ok(self.stopped(Wish::Interrupt)),
            },
        };
        // Ctrl-C may have come while nobody listened.
        tokio::select! {
            biased;
            wish = self.signals.next_end() => return Ok(self.stopped(wish)),
            () = std::future::ready(()) => {}
        }
        self.run(credential, &mut hold).await
    }

    /// Until it begins; `Some` where it does not because somebody pressed Ctrl-C.
    async fn wait(&mut self, hold: &mut Hold) -> Result<Option<Ended>, Error> {
        if self.order.no_wait {
            return Err(Error::Waiting {
                what: format!(
                    "{} needs a yes from {}, and `--no-wait` was given: the request is taken back",
                    self.grant.id,
                    approvers(&self.grant)
                ),
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
        self.voice.note(format!(
            "stopped before the command began: taking {} back",
            self.grant.id
        ));
        let code = if wish == Wish::Interrupt {
            INTERRUPTED
        } else {
            TERMINATED
        };
        Ended { code }
    }

    /// The first credential; `None` where somebody pressed Ctrl-C meanwhile.
    async fn issue(&mut self) -> Result<Option<Credential>, Error> {
        let mut pause = FIRST_RETRY;
        let mut tries = 0;
        loop {
            match self.desk.issue(&self.grant.id).await {
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

    async fn run(&mut self, credential: Credential, hold: &mut Hold) -> Result<Ended, Error> {
        let (plan, environment) = self.settle_in(credential)?;
        let mut keeper =
            Keeper::start(self.shim, &self.folder).map_err(|why| broken("start `glass`", &why))?;
        let launch = Launch {
            command: &self.order.command,
            environment: &environment,
            keeper: keeper.pid(),
        };
        let outcome = match Running::start(self.shim, &launch) {
            Ok(running) => {
                // Without it a killed `glass` ends the command all the same, only less gently.
                let _ = keeper.watch_over(running.group()).await;
                self.watch(running, plan, hold).await
            }
            Err(why) => Err(broken(&format!("start `{}`", self.program()), &why)),
        };
        if let Err(why) = self.folder.wipe() {
            let path = self.folder.path();
            self.voice.warn(format!(
                "cannot wipe {}: {why}; remove it by hand",
                path.display()
            ));
        }
        let _ = keeper.dismiss().await;
        outcome
    }

    /// Puts the credential in its place; the plan to keep it fresh, and what the command is told.
    fn settle_in(
        &mut self,
        mut credential: Credential,
    ) -> Result<(Plan, Vec<(String, OsString)>), Error> {
        if !self.folder.in_memory() {
            let path = self.folder.path();
            self.voice.warn(format!(
                "no memory-backed folder here: the credential is in {} on a disk until the end",
                path.display()
            ));
        }
        let ends_at = time::from_proto(self.grant.ends_at.as_ref())
            .ok_or_else(|| Error::broken_answer("an active grant has no end"))?;
        let credential_ends_at = time::from_proto(credential.expires_at.as_ref())
            .ok_or_else(|| Error::broken_answer("a credential has no end"))?;
        let placed = self.order.placement.put(&self.folder, &credential);
        credential.value.zeroize();
        let mut environment =
            placed.map_err(|why| Error::file("write", self.folder.path(), why))?;
        environment.extend(told(&self.grant, ends_at));
        let context = self.desk.context().to_owned();
        environment.push(("GLASS_CONTEXT".to_owned(), context.into()));
        Ok((
            Plan::new(self.desk.now(), ends_at, credential_ends_at),
            environment,
        ))
    }

    async fn watch(
        &mut self,
        mut running: Running,
        plan: Plan,
        hold: &mut Hold,
    ) -> Result<Ended, Error> {
        let mut watch = Watch {
            desk: self.desk.clone(),
            grant: self.grant.clone(),
            plan,
            folder: &self.folder,
            placement: self.order.placement,
            voice: self.voice,
            errands: JoinSet::new(),
            lost: false,
        };
        watch.report_use(self.program());
        let finish = watch
            .until_finish(&mut running, hold, &mut self.signals)
            .await;
        self.grant = watch.grant;
        self.finish(running, finish).await
    }

    /// Ends the command where it has not ended by itself, and says what was done.
    async fn finish(
        &mut self,
        running: Running,
        finish: io::Result<Finish>,
    ) -> Result<Ended, Error> {
        let program = self.program();
        let (over, outcome) = match finish {
            Ok(Finish::Exited(status)) => {
                let over = self.clear_up(running, status).await;
                let code = over.code;
                (over, Ok(Ended { code }))
            }
            Ok(Finish::Cut(why)) => {
                self.voice
                    .loud(voice::cut(&why, &program, &self.grant.sentence));
                self.grant.set_state(GrantState::Ended);
                (self.end(running).await?, Ok(Ended { code: exit::ENDED }))
            }
            Ok(Finish::Distrusted(why)) => {
                self.voice
                    .loud(format!("the broker cannot be trusted: ending `{program}`"));
                (self.end(running).await?, Err(why))
            }
            Ok(Finish::Told) => {
                self.voice
                    .note(format!("ending `{program}`; again to end it at once"));
                let over = self.end(running).await?;
                let code = over.code;
                (over, Ok(Ended { code }))
            }
            Err(why) => (
                self.end(running).await?,
                Err(broken("wait for the command", &why)),
            ),
        };
        if !over.survivors.is_empty() {
            self.voice.loud(voice::survivors(&over.survivors));
        }
        outcome
    }

    /// The command ended by itself; what it started may not have.
    async fn clear_up(&self, running: Running, status: ExitStatus) -> Over {
        let left = running.left_behind();
        if !left.is_empty() {
            self.voice.note(format!(
                "ending what it left behind: {}",
                voice::named(&left)
            ));
        }
        running.clear_up(status).await
    }

    async fn end(&mut self, running: Running) -> Result<Over, Error> {
        let force = async {
            self.signals.next_end().await;
        };
        running
            .end(force)
            .await
            .map_err(|why| broken("end the command", &why))
    }

    /// Whether there is nothing to give back.
    fn is_over(&self, why: Option<&Error>) -> bool {
        self.grant.state() == GrantState::Ended
            || why.is_some_and(|why| ends_access(why) && !matches!(why, Error::Unverified { .. }))
    }

    async fn give_back(&self) {
        let id = &self.grant.id;
        let given = timeout(GIVE_BACK_TIMEOUT, self.desk.give_back(id)).await;
        let why = match given {
            Ok(Ok(_)) => return self.voice.note(format!("gave {id} back")),
            Ok(Err(why)) if ends_access(&why) => return,
            Ok(Err(why)) => why.to_string(),
            Err(_) => "it does not answer".to_owned(),
        };
        self.voice.warn(format!(
            "could not give {id} back to the broker: {why}. It ends it by itself soon after"
        ));
    }

    /// The command's name without its folder: arguments and paths may hold secrets.
    fn program(&self) -> String {
        let program = self
            .order
            .command
            .first()
            .map(OsString::as_os_str)
            .unwrap_or_default();
        Path::new(program)
            .file_name()
            .unwrap_or(program)
            .to_string_lossy()
            .into_owned()
    }
}

/// Nobody is woken for a command that cannot run.
fn check_program(command: &[OsString]) -> Result<(), Error> {
    let program = command.first().map(OsString::as_os_str).unwrap_or_default();
    let search = std::env::var_os("PATH");
    if find_program(program, search.as_deref()).is_some() {
        return Ok(());
    }
    let name = OsStr::to_string_lossy(program);
    if name.contains('/') && Path::new(program).is_file() {
        return Err(Error::usage(
            format!("`{name}` is a file that cannot be run; nobody was asked for anything"),
            format!("make it a program: chmod +x {name}"),
        ));
    }
    Err(Error::usage(
        format!("there is no program `{name}` to run; nobody was asked for anything"),
        "check its name: glass exec RIGHT -- PROGRAM ARGUMENTS...",
    ))
}

/// What the command learns about its access.
fn told(grant: &Grant, ends_at: Timestamp) -> [(String, OsString); 4] {
    [
        ("GLASS_GRANT".to_owned(), grant.id.clone().into()),
        ("GLASS_INCIDENT".to_owned(), grant.incident.clone().into()),
        ("GLASS_RIGHT".to_owned(), grant.right.clone().into()),
        ("GLASS_ENDS_AT".to_owned(), time::rfc3339(ends_at).into()),
    ]
}

fn broken(doing: &str, why: &io::Error) -> Error {
    Error::setup(
        format!("this system does not let us {doing}: {why}"),
        "see: glass doctor",
    )
}
