//! While the command runs: renews, warns, listens, and knows when it is over.

use std::{process::ExitStatus, sync::Arc};

use breakglass_proto::v1::{Credential, Grant, GrantBasis, GrantState};
use jiff::Timestamp;
use rustix::process::Signal;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    desk::{Desk, ends_access},
    folder::Folder,
    hold::{Hold, News},
    limits::GIVE_BACK_TIMEOUT,
    papers::{Papers, Wanted},
    plan::{Plan, Step},
    signals::{Signals, Wish},
    voice::{self, Voice},
    work::Work,
};
use crate::{error::Error, grant, time, timeline::Item};

/// What happens to an incident as a whole and matters to whoever works under it.
const TOLD: [&str; 4] = [
    "incident.warned",
    "incident.resolved",
    "incident.refired",
    "incident.held",
];

/// Why nobody watches any more.
#[derive(Debug)]
pub(super) enum Finish {
    /// The command ended by itself.
    Exited(ExitStatus),
    /// The access is over under it; who and why.
    Cut(String),
    /// The broker cannot be trusted.
    Distrusted(Error),
    /// Somebody told `glass` to end.
    Told,
}

/// Watches over one running command.
pub(super) struct Watch<'a, D> {
    pub(super) desk: Arc<D>,
    pub(super) grant: Grant,
    pub(super) plan: Plan,
    pub(super) folder: &'a Folder,
    pub(super) papers: &'a mut Papers,
    /// What was asked for again and has not come.
    pub(super) unmet: Vec<Wanted>,
    pub(super) voice: Voice<'a>,
    pub(super) errands: JoinSet<Errand>,
    /// Whether the broker has answered about the use.
    pub(super) reported: bool,
    /// Whether the broker is out of reach, as far as the hold knows.
    pub(super) lost: bool,
}

/// Something asked of the broker meanwhile.
pub(super) enum Errand {
    /// New credentials, each with what it is an answer to.
    Renewed(Vec<(Wanted, Result<Credential, Error>)>),
    /// The use is on record.
    Reported(Result<(), Error>),
}

impl<D: Desk> Watch<'_, D> {
    /// Watches until it is over.
    ///
    /// # Errors
    /// Where the system does not let us wait for the command.
    pub(super) async fn until_finish(
        &mut self,
        work: &mut Work,
        hold: &mut Hold,
        signals: &mut Signals,
    ) -> std::io::Result<Finish> {
        let mut interrupted = false;
        loop {
            let now = self.desk.now();
            for step in self.plan.steps(now) {
                if let Some(finish) = self.take(step) {
                    return Ok(finish);
                }
            }
            let finish = tokio::select! {
                status = work.exited() => Some(Finish::Exited(status?)),
                news = hold.next() => self.heard(news),
                Some(Ok(errand)) = self.errands.join_next() => self.done(errand),
                wish = signals.next() => match wish {
                    Wish::Continue => { work.continued(); None }
                    // The first is for the command; whoever presses again means us.
                    Wish::Interrupt if !interrupted && work.pass_on(Signal::INT) => {
                        interrupted = true;
                        None
                    }
                    Wish::Interrupt | Wish::Terminate => Some(Finish::Told),
                },
                () = sleep(self.plan.nap(now)) => None,
            };
            if let Some(finish) = finish {
                return Ok(finish);
            }
        }
    }

    /// Sends an entry about the use on its way.
    pub(super) fn report_use(&mut self, program: String) {
        let (desk, id) = (self.desk.clone(), self.grant.id.clone());
        self.errands
            .spawn(async move { Errand::Reported(desk.report_use(&id, &program).await) });
    }

    /// Waits until the use is on record, where the command was over sooner; for so long as giving back may
    /// take, and nobody is kept from their prompt by it.
    pub(super) async fn until_reported(&mut self) {
        let reported = async {
            while !self.reported {
                match self.errands.join_next().await {
                    Some(Ok(errand)) => drop(self.done(errand)),
                    _ => return,
                }
            }
        };
        if timeout(GIVE_BACK_TIMEOUT, reported).await.is_err() {
            let id = &self.grant.id;
            self.voice
                .note(format!("the use of {id} is not on record: no answer"));
        }
    }

    fn take(&mut self, step: Step) -> Option<Finish> {
        match step {
            Step::Renew => {
                let wanted = match self.unmet.is_empty() {
                    true => self.papers.to_renew(self.plan.ends_at()),
                    false => std::mem::take(&mut self.unmet),
                };
                let (desk, id) = (self.desk.clone(), self.grant.id.clone());
                self.errands.spawn(renew(desk, id, wanted));
            }
            Step::Warn { left } => {
                let (left, more) = (time::short(left), more_time(&self.grant));
                self.voice
                    .warn(format!("your access ends in {left}; {more}"));
            }
            Step::CredentialRanOut => self
                .voice
                .warn("the credential has run out and the broker gives no new one; still trying"),
            Step::End => {
                return Some(Finish::Cut(format!(
                    "the time of {} ran out",
                    self.grant.id
                )));
            }
        }
        None
    }

    fn heard(&mut self, news: News) -> Option<Finish> {
        match news {
            News::Happened(event) => {
                if event.grant.is_some() && TOLD.contains(&event.kind.as_str()) {
                    self.voice.happened(&Item::from(&*event), self.desk.now());
                }
                return self.stands(event.grant?);
            }
            News::Over(why) => return Some(over(why)),
            News::Lost(why) => {
                self.lost = true;
                self.voice
                    .warn(voice::lost(&why, self.plan.ends_at(), self.desk.now()));
            }
            News::Back => {
                self.lost = false;
                self.voice.note("the broker is back");
            }
        }
        None
    }

    /// The grant as it stands now.
    fn stands(&mut self, grant: Grant) -> Option<Finish> {
        self.grant = grant;
        if self.grant.state() == GrantState::Ended {
            return Some(Finish::Cut(grant::ending_sentence(&self.grant)));
        }
        let (now, id) = (self.desk.now(), &self.grant.id);
        if let Some(ends_at) = time::from_proto(self.grant.ends_at.as_ref())
            && self.plan.ends(now, ends_at)
        {
            let until = time::local_and_relative(ends_at, now);
            self.voice.note(format!("{id} now ends at {until}"));
        }
        None
    }

    fn done(&mut self, errand: Errand) -> Option<Finish> {
        self.reported |= matches!(errand, Errand::Reported(_));
        match errand {
            Errand::Reported(Ok(())) => {}
            Errand::Reported(Err(why)) if ends_access(&why) => return Some(over(why)),
            Errand::Reported(Err(why)) => {
                self.voice.note(format!(
                    "the use of {} is not on record: {why}",
                    self.grant.id
                ));
            }
            Errand::Renewed(answers) => return self.renewed(answers),
        }
        None
    }

    /// Lays what came. What did not is asked for again, alone.
    fn renewed(&mut self, answers: Vec<(Wanted, Result<Credential, Error>)>) -> Option<Finish> {
        let mut failed = None;
        for (wanted, answer) in answers {
            let taken = match answer {
                Err(why) if ends_access(&why) => return Some(over(why)),
                Err(why) => Err(why),
                Ok(credential) => self.papers.take(self.folder, wanted.need, credential),
            };
            if let Err(why) = taken {
                self.unmet.push(wanted);
                failed = failed.or(Some(why));
            }
        }
        let (now, ends_at) = (self.desk.now(), self.papers.earliest());
        match (failed, ends_at) {
            (None, Ok(ends_at)) => self.plan.renewed(now, ends_at),
            (Some(why), Ok(ends_at)) => self.not_renewed(&why, ends_at),
            (_, Err(why)) => return Some(over(why)),
        }
        None
    }

    fn not_renewed(&mut self, why: &Error, ends_at: Timestamp) {
        let first = self.plan.renewal_failed(self.desk.now(), ends_at);
        if first && !self.lost {
            self.voice.warn(format!(
                "the credential is not renewed: {why}; trying again"
            ));
        }
    }
}

/// Asks for each again. Where one is refused because the access is over, the others are too.
async fn renew<D: Desk>(desk: Arc<D>, grant: String, wanted: Vec<Wanted>) -> Errand {
    let mut answers = Vec::new();
    for wanted in wanted {
        let answer = desk.issue(&grant, &wanted).await;
        answers.push((wanted, answer));
    }
    Errand::Renewed(answers)
}

fn over(why: Error) -> Finish {
    match why {
        Error::Unverified { .. } => Finish::Distrusted(why),
        why => Finish::Cut(why.to_string()),
    }
}
/// How there is more time, by whoever may give it: nobody stretches alone what somebody else agreed to.
fn more_time(grant: &Grant) -> String {
    let extend = format!("glass extend {} --for 10m -m \"why\"", grant.id);
    match grant.basis() {
        GrantBasis::Approved | GrantBasis::Called => {
            let mut who = grant.approvers.clone();
            if who.is_empty() {
                who.clone_from(&grant.callers);
            }
            format!("for more time ask {} to run: {extend}", who.join(" or "))
        }
        _ => format!("for more time: {extend}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_time_is_asked_of_whoever_may_give_it() {
        let told = |basis, approvers: &[&str], callers: &[&str]| {
            let owned = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
            more_time(&Grant {
                id: "G-45".to_owned(),
                basis: basis as i32,
                approvers: owned(approvers),
                callers: owned(callers),
                ..Grant::default()
            })
        };
        let extend = "glass extend G-45 --for 10m -m \"why\"";
        for alone in [GrantBasis::FastPath, GrantBasis::SelfGranted] {
            assert_eq!(
                told(alone, &["leon"], &[]),
                format!("for more time: {extend}")
            );
        }
        assert_eq!(
            told(GrantBasis::Approved, &["leon", "founder"], &[]),
            format!("for more time ask leon or founder to run: {extend}")
        );
        assert_eq!(
            told(GrantBasis::Called, &[], &["mia"]),
            format!("for more time ask mia to run: {extend}")
        );
    }
}
