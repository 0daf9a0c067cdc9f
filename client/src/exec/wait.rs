//! From asking to beginning: waits for the approver, or for the moment of the self-grant.

use std::time::Duration;

use breakglass_proto::v1::{Grant, GrantState};
use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Order,
    desk::Desk,
    hold::{Hold, News},
    limits::{LAPSE_SLACK, LONGEST_NAP, SELF_GRANT_PAUSE},
    question::Question,
    signals::{Signals, Wish},
    voice::{self, Needed, Voice},
};
use crate::{error::Error, grant::veto_sentence, spinner::Spinner, time};

/// How the waiting ended.
#[derive(Debug)]
pub(super) enum Answer {
    /// The grant is active.
    Begun(Box<Grant>),
    /// Whoever asked does not want it any more.
    Stopped(Wish),
}

/// Somebody who waits.
pub(super) struct Waiting<'a, D> {
    pub(super) desk: &'a D,
    pub(super) order: &'a Order,
    pub(super) grant: Grant,
    pub(super) voice: Voice<'a>,
    /// Why the broker is out of reach, while it is.
    pub(super) lost: Option<Error>,
    /// What was last said of it: [`voice::needed`].
    pub(super) told: Needed,
}

/// Whether the guarded self-grant is still to be offered.
enum Offer {
    /// From then on.
    From(Timestamp),
    /// It stands on the screen.
    Open(Question),
    /// There is none, or it was declined.
    Closed,
}

impl<D: Desk> Waiting<'_, D> {
    /// Waits, however long it takes.
    ///
    /// # Errors
    /// [`Error::Denied`] where the approver says no or nobody answers in time, and what ended the
    /// request otherwise.
    pub(super) async fn answer(
        mut self,
        hold: &mut Hold,
        signals: &mut Signals,
    ) -> Result<Answer, Error> {
        let mut offer =
            time::from_proto(self.grant.self_grant_at.as_ref()).map_or(Offer::Closed, Offer::From);
        if self.order.self_grant_if_nobody && self.grant.self_grant_at.is_none() {
            self.warn_of_no_self_grant().await;
        }
        let mut spinner = Some(self.spinner());
        let drill = self.order.drill.as_ref();
        let patience = drill.map(|drill| Instant::now() + drill.patience);
        loop {
            let now = self.desk.now();
            self.give_up_if_lapsed(now)?;
            if let Some(spinner) = spinner.as_ref().filter(|_| self.lost.is_none()) {
                spinner.say(voice::waiting(&self.grant, now));
            }
            if matches!(offer, Offer::From(due) if due <= now) {
                spinner = None;
                if let Some(begun) = self.offer_self_grant(&mut offer).await? {
                    return Ok(begun);
                }
            }
            if spinner.is_none() && !matches!(offer, Offer::Open(_)) {
                spinner = Some(self.spinner());
            }
            let nap = nap(&offer, now);
            tokio::select! {
                news = hold.next() => {
                    let is_back = matches!(news, News::Back);
                    if let Some(begun) = self.heard(news, spinner.as_ref())? {
                        return Ok(begun);
                    }
                    if is_back && self.look_again().await {
                        self.say_waiting(spinner.as_ref());
                    }
                    self.offer_when_it_is(&mut offer);
                }
                wish = signals.next_end() => return Ok(Answer::Stopped(wish)),
                yes = answered(&mut offer) => {
                    offer = Offer::Closed;
                    if yes && let Some(begun) = self.self_grant(&mut offer).await? {
                        return Ok(begun);
                    }
                }
                () = ran_out(patience) => {
                    if let Some(drill) = drill {
                        return Err(drill.asleep(&self.grant.id));
                    }
                }
                () = sleep(nap) => {}
            }
        }
    }

    /// That a veto forbids it, or the rule does.
    async fn warn_of_no_self_grant(&self) {
        let id = &self.grant.id;
        let why = match self.desk.vetoed_before(&self.grant).await {
            Ok(Some(vetoed)) => veto_sentence(&vetoed),
            Ok(None) => format!("the rule of {id} does not allow it"),
            Err(_) => format!("nobody may begin {id} alone"),
        };
        self.voice
            .warn(format!("`--self-grant` cannot work here: {why}"));
    }

    fn spinner(&mut self) -> Spinner {
        self.told = voice::needed(&self.grant);
        self.voice
            .spinner(voice::waiting(&self.grant, self.desk.now()))
    }

    fn heard(&mut self, news: News, spinner: Option<&Spinner>) -> Result<Option<Answer>, Error> {
        match news {
            News::Happened(event) => {
                if let Some(grant) = event.grant {
                    self.grant = grant;
                }
                match self.grant.state() {
                    GrantState::Active => {
                        return Ok(Some(Answer::Begun(Box::new(self.grant.clone()))));
                    }
                    GrantState::Ended => {
                        return Err(Error::of_ended(&self.grant)
                            .unwrap_or_else(|| Error::broken_answer("a grant ended without why")));
                    }
                    // Somebody said yes or had the call, it went to others, its times moved, or some are
                    // gone or back.
                    GrantState::Waiting if voice::needed(&self.grant) != self.told => {
                        self.say_waiting(spinner);
                    }
                    _ => {}
                }
            }
            News::Over(why) => return Err(why),
            News::Lost(why) => {
                self.say(format!("{}: {why}; trying again", self.grant.id), spinner);
                self.lost = Some(why);
            }
            News::Back => {
                self.lost = None;
            }
        }
        Ok(None)
    }

    /// A broker that was away gives everybody their time anew. Whether it waits, as far as one can see.
    async fn look_again(&mut self) -> bool {
        match self.desk.look(&self.grant.id).await {
            Ok(grant) if grant.state() == GrantState::Waiting => {
                self.grant = grant;
                true
            }
            // The entry that says so is still to be heard.
            Ok(_) => false,
            Err(_) => true,
        }
    }

    fn say_waiting(&mut self, spinner: Option<&Spinner>) {
        self.told = voice::needed(&self.grant);
        self.say(voice::waiting(&self.grant, self.desk.now()), spinner);
    }

    /// It may begin alone when the broker says, which may come to be later.
    fn offer_when_it_is(&self, offer: &mut Offer) {
        let from = time::from_proto(self.grant.self_grant_at.as_ref());
        match (&offer, from) {
            (Offer::From(_), Some(from)) => *offer = Offer::From(from),
            (Offer::Open(_), Some(from)) if from > self.desk.now() => *offer = Offer::From(from),
            (Offer::From(_) | Offer::Open(_), None) => *offer = Offer::Closed,
            _ => {}
        }
    }

    /// On the spinner where one turns, else as a line.
    fn say(&self, text: String, spinner: Option<&Spinner>) {
        match spinner {
            Some(spinner) if self.voice.0.is_interactive() => spinner.say(text),
            _ => self.voice.note(text),
        }
    }

    /// Whoever cannot reach the broker cannot hear that the request lapsed.
    fn give_up_if_lapsed(&mut self, now: Timestamp) -> Result<(), Error> {
        let lapses = time::from_proto(self.grant.lapses_at.as_ref());
        let is_over = lapses.is_some_and(|at| now.duration_since(at) > LAPSE_SLACK);
        match self.lost.take_if(|_| is_over) {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    /// The time for it has come: do it if told so beforehand, ask if somebody is there.
    async fn offer_self_grant(&mut self, offer: &mut Offer) -> Result<Option<Answer>, Error> {
        *offer = Offer::Closed;
        if self.order.self_grant_if_nobody {
            return self.self_grant(offer).await;
        }
        match Question::open() {
            Some(question) => {
                self.voice.note(voice::self_grant_question(&self.grant));
                *offer = Offer::Open(question);
            }
            None => self.voice.note(format!(
                "nobody has answered {id}; to begin it yourself: glass self-grant {id}. Still waiting",
                id = self.grant.id
            )),
        }
        Ok(None)
    }

    async fn self_grant(&mut self, offer: &mut Offer) -> Result<Option<Answer>, Error> {
        match self.desk.self_grant(&self.grant).await {
            Ok(grant) => {
                self.voice.loud(voice::self_granted(&grant));
                Ok(Some(Answer::Begun(Box::new(grant))))
            }
            Err(why @ Error::Unverified { .. }) => Err(why),
            Err(why) => {
                let too_early = why.reason() == "SELF_GRANT_TOO_EARLY";
                let again = why.is_passing() || too_early;
                let now = self.desk.now();
                if too_early {
                    self.look_again().await;
                }
                let from = time::from_proto(self.grant.self_grant_at.as_ref());
                if let Some(from) = from.filter(|from| too_early && *from > now) {
                    *offer = Offer::From(from);
                    self.voice.note(format!("{why}. Still waiting"));
                } else if again && self.order.self_grant_if_nobody {
                    *offer = Offer::From(now.saturating_add(SELF_GRANT_PAUSE).unwrap_or(now));
                } else {
                    self.voice
                        .warn(format!("no self-grant: {why}. Still waiting"));
                }
                Ok(None)
            }
        }
    }
}

/// Of a drill, when its approver has had their time; else never.
async fn ran_out(patience: Option<Instant>) {
    match patience {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn answered(offer: &mut Offer) -> bool {
    match offer {
        Offer::Open(question) => question.is_yes().await,
        Offer::From(_) | Offer::Closed => std::future::pending().await,
    }
}

fn nap(offer: &Offer, now: Timestamp) -> Duration {
    match offer {
        Offer::From(due) => Duration::try_from(due.duration_since(now)).unwrap_or_default(),
        Offer::Open(_) | Offer::Closed => LONGEST_NAP,
    }
    .min(LONGEST_NAP)
}
