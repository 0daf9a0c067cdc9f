//! The hold on a grant: hears what happens to it, across breaks of the connection.

use std::{sync::Arc, time::Duration};

use breakglass_proto::v1::{GrantState, HoldGrantResponse};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};
use tokio_stream::StreamExt as _;

use super::desk::{Desk, ends_access};
use crate::{
    error::Error,
    limits::{FIRST_RETRY, LONGEST_RETRY},
};

/// How many events may wait to be looked at; the reader only ever prints, so a handful.
const WAITING_EVENTS: usize = 16;

/// What the hold has to say.
#[derive(Debug)]
pub(super) enum News {
    /// An entry about the grant or its incident, each exactly once and in order.
    Happened(Box<HoldGrantResponse>),
    /// The broker is out of reach; said once, trying goes on.
    Lost(Error),
    /// It is back.
    Back,
    /// The grant is over for us, whatever the stream says; nothing follows.
    Over(Error),
}

/// Holds until dropped. The broker ends the grant some time after that.
#[derive(Debug)]
pub(super) struct Hold {
    news: mpsc::Receiver<News>,
    line: JoinHandle<()>,
}

impl Hold {
    /// Begins to hold, and hears everything from entry `from` on.
    pub(super) fn take<D: Desk>(desk: Arc<D>, grant: String, from: u64) -> Self {
        let (tell, news) = mpsc::channel(WAITING_EVENTS);
        let line = Line {
            desk,
            grant,
            next: from,
            tell,
            lost: false,
            pause: FIRST_RETRY,
        };
        Self {
            news,
            line: tokio::spawn(line.keep_up()),
        }
    }

    /// The next news; never again after an ending. Nothing is lost where this is not awaited to
    /// its end.
    pub(super) async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.line.abort();
    }
}

struct Line<D> {
    desk: Arc<D>,
    grant: String,
    /// The first entry not heard yet.
    next: u64,
    tell: mpsc::Sender<News>,
    lost: bool,
    pause: Duration,
}

/// Why a connection is over.
enum Break {
    /// It broke; try again.
    Lost(Error),
    /// There is nothing more to hear.
    Finished,
}

impl<D: Desk> Line<D> {
    async fn keep_up(mut self) {
        loop {
            let Break::Lost(why) = self.listen().await else {
                return;
            };
            if ends_access(&why) {
                let _ = self.tell.send(News::Over(why)).await;
                return;
            }
            if !self.lost {
                self.lost = true;
                let _ = self.tell.send(News::Lost(why)).await;
            }
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_RETRY);
        }
    }

    /// One connection, until it breaks.
    async fn listen(&mut self) -> Break {
        let mut stream = match self.desk.hold(&self.grant, self.next).await {
            Ok(stream) => stream,
            Err(why) => return Break::Lost(why),
        };
        if self.lost {
            self.lost = false;
            let _ = self.tell.send(News::Back).await;
        }
        while let Some(event) = stream.next().await {
            let event = match event {
                Ok(event) => event,
                Err(why) => return Break::Lost(why),
            };
            self.pause = FIRST_RETRY;
            // A broker that begins again from the start is not heard twice.
            if event.index < self.next {
                continue;
            }
            self.next = event.index.saturating_add(1);
            let over = event
                .grant
                .as_ref()
                .is_some_and(|g| g.state() == GrantState::Ended);
            let told = self.tell.send(News::Happened(Box::new(event))).await;
            if over || told.is_err() {
                return Break::Finished;
            }
        }
        Break::Lost(Error::Unreachable {
            what: "the broker closed the connection".to_owned(),
            next: "see how it is: glass status".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::fake::{FakeDesk, Said, refused};

    async fn next(hold: &mut Hold) -> String {
        match hold.next().await {
            News::Happened(event) => format!("{} {}", event.index, event.kind),
            News::Lost(_) => "lost".to_owned(),
            News::Back => "back".to_owned(),
            News::Over(why) => format!("over: {}", why.reason()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_break_loses_and_repeats_nothing() {
        let desk = FakeDesk::active();
        let mut hold = Hold::take(desk.clone(), "G-45".into(), 7);
        desk.say(Said::Event(7, "grant.requested"));
        assert_eq!(next(&mut hold).await, "7 grant.requested");
        desk.go_away();
        assert_eq!(next(&mut hold).await, "lost");
        desk.say(Said::Event(8, "grant.started"));
        desk.say(Said::Event(9, "credential.issued"));
        desk.come_back();
        assert_eq!(next(&mut hold).await, "back");
        assert_eq!(next(&mut hold).await, "8 grant.started");
        assert_eq!(next(&mut hold).await, "9 credential.issued");
        assert!(desk.held_from().ends_with(&[8]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_is_away_for_long_is_mentioned_once_and_asked_gently() {
        let desk = FakeDesk::active();
        desk.go_away();
        let mut hold = Hold::take(desk.clone(), "G-45".into(), 0);
        assert_eq!(next(&mut hold).await, "lost");
        let silent = tokio::time::timeout(Duration::from_secs(600), hold.next()).await;
        assert!(silent.is_err(), "said once");
        let tries = desk.held_from().len();
        assert!((100..=130).contains(&tries), "{tries} tries in ten minutes");
        desk.come_back();
        assert_eq!(next(&mut hold).await, "back");
    }

    #[tokio::test(start_paused = true)]
    async fn an_ending_is_the_last_word() {
        let desk = FakeDesk::active();
        let mut hold = Hold::take(desk.clone(), "G-45".into(), 0);
        desk.say(Said::Closed("leon", "worker reverted"));
        assert!(next(&mut hold).await.ends_with("grant.ended"));
        let silent = tokio::time::timeout(Duration::from_secs(60), hold.next()).await;
        assert!(silent.is_err());
        assert_eq!(desk.held_from(), [0], "nothing is asked after the end");
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_frozen_is_not_asked_to_try_again() {
        let desk = FakeDesk::active();
        desk.refuse_to_hold(refused("PERSON_FROZEN"));
        let mut hold = Hold::take(desk.clone(), "G-45".into(), 0);
        assert_eq!(next(&mut hold).await, "over: PERSON_FROZEN");
        assert_eq!(desk.held_from(), [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_broker_is() {
        let desk = FakeDesk::active();
        desk.refuse_to_hold(refused("TOO_MANY"));
        let mut hold = Hold::take(desk.clone(), "G-45".into(), 0);
        assert_eq!(next(&mut hold).await, "lost");
        assert_eq!(next(&mut hold).await, "back");
    }
}
