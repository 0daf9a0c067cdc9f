//! How a `glass exec` ends: by itself, cut, told to, or because the broker is not to be trusted.

use std::{io, process::ExitStatus};

use breakglass_proto::v1::GrantState;
use tokio::{task::JoinSet, time::timeout};

use super::{
    Ended,
    child::{Over, Running},
    desk::{Desk, ends_access},
    hold::Hold,
    limits::GIVE_BACK_TIMEOUT,
    plan::Plan,
    visit::{Visit, broken},
    voice,
    watch::{Finish, Watch},
    work::Work,
};
use crate::error::{Error, exit};

impl<D: Desk> Visit<'_, D> {
    /// Watches over it until it is over.
    pub(super) async fn watch(
        &mut self,
        mut work: Work,
        plan: Plan,
        hold: &mut Hold,
    ) -> Result<Ended, Error> {
        let mut watch = Watch {
            desk: self.desk.clone(),
            grant: self.grant.clone(),
            plan,
            folder: &self.folder,
            papers: &mut self.papers,
            unmet: Vec::new(),
            voice: self.voice,
            errands: JoinSet::new(),
            reported: false,
            lost: false,
        };
        watch.report_use(self.order.task.name());
        let finish = watch.until_finish(&mut work, hold, &mut self.signals).await;
        if matches!(finish, Ok(Finish::Exited(_))) {
            watch.until_reported().await;
        }
        self.grant = watch.grant;
        self.finish(work, finish).await
    }

    /// Ends the command where it has not ended by itself, and says what was done.
    async fn finish(&mut self, work: Work, finish: io::Result<Finish>) -> Result<Ended, Error> {
        let name = self.order.task.name();
        let (over, outcome) = match finish {
            Ok(Finish::Exited(status)) => {
                let over = self.clear_up(work, status).await?;
                let code = over.code;
                (over, Ok(Ended { code }))
            }
            Ok(Finish::Cut(why)) => {
                // No login from here on, not even within the grace the command has.
                self.papers.give_up();
                self.voice
                    .loud(voice::cut(&why, &name, &self.grant.sentence));
                self.grant.set_state(GrantState::Ended);
                (self.end(work).await?, Ok(Ended { code: exit::ENDED }))
            }
            Ok(Finish::Distrusted(why)) => {
                self.papers.give_up();
                self.voice
                    .loud(format!("the broker cannot be trusted: ending `{name}`"));
                (self.end(work).await?, Err(why))
            }
            Ok(Finish::Told) => {
                if matches!(work, Work::Command(_)) {
                    self.voice
                        .note(format!("ending `{name}`; again to end it at once"));
                }
                let over = self.end(work).await?;
                let code = over.code;
                (over, Ok(Ended { code }))
            }
            Err(why) => (
                self.end(work).await?,
                Err(broken("wait for the command", &why)),
            ),
        };
        if !over.survivors.is_empty() {
            self.voice.loud(voice::survivors(&over.survivors));
        }
        outcome
    }

    async fn clear_up(&mut self, work: Work, status: ExitStatus) -> Result<Over, Error> {
        match work {
            Work::Command(running) => Ok(self.clear_up_after(*running, status).await),
            Work::Agent { .. } => self.end(work).await,
        }
    }

    /// The command ended by itself; what it started may not have.
    async fn clear_up_after(&self, running: Running, status: ExitStatus) -> Over {
        let left = running.left_behind();
        if !left.is_empty() {
            self.voice.note(format!(
                "ending what it left behind: {}",
                voice::named(&left)
            ));
        }
        running.clear_up(status).await
    }

    async fn end(&mut self, work: Work) -> Result<Over, Error> {
        let force = async {
            self.signals.next_end().await;
        };
        work.end(force)
            .await
            .map_err(|why| broken("end the command", &why))
    }

    /// Whether there is nothing to give back.
    pub(super) fn is_over(&self, why: Option<&Error>) -> bool {
        self.grant.state() == GrantState::Ended
            || why.is_some_and(|why| ends_access(why) && !matches!(why, Error::Unverified { .. }))
    }

    /// Gives back what was asked for here. What somebody handed over goes on: who has it may have more
    /// to do, or somebody else of theirs uses it just now.
    pub(super) async fn leave(&self) {
        let is_there = self.grant.state() == GrantState::Active;
        match self.order.handed {
            None => self.give_back().await,
            Some(_) if is_there => {
                let stays = voice::goes_on(&self.grant, self.desk.now());
                self.voice.note(stays);
            }
            // Why nothing was begun is said elsewhere.
            Some(_) => {}
        }
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
}
