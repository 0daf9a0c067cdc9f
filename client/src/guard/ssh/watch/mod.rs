//! The guard at work: one task that hears everything and decides, with the slow things beside it.

mod admit;
mod census;
mod lists;
mod tell;

use std::{
    collections::{BTreeMap, HashSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    Order,
    attend::{Moment, Seen, View},
    broker::{Broker, How, News},
    cgroup::Cgroups,
    cut::{self, Condemned, Fate, Outcome},
    doorbell, krl,
    limits::{AGAIN_PAUSE, CONTACT_SAVED_EVERY, LOOK_EVERY, LOOK_SHARE},
    reports::Backoff,
    roster::Roster,
    sessions::{Over, Sessions, boot_id},
};
use crate::{
    error::Error,
    guard::attend::{self, Heard},
    output::Printer,
    verify::Ledger,
};

/// Guards this host until `stop` is ready. Sessions outlive the guard: the next one goes on with
/// them.
///
/// # Errors
/// Where it cannot begin: [`Error::File`], and [`Error::Setup`] where the sessions of the guard
/// before cannot be read.
pub async fn run<B: Broker>(
    order: &Order,
    broker: B,
    printer: &Printer,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let broker = Arc::new(broker);
    let mut watch = Watch::begin(order, Arc::clone(&broker), printer.clone())?;
    let (rang, mut rings) = mpsc::channel(1);
    let (said, mut news) = mpsc::channel(1);
    let mut helpers = JoinSet::new();
    helpers.spawn(doorbell::attend(doorbell::listen(&order.socket)?, rang));
    helpers.spawn(attend::hold(broker, said));
    // Outside of systemd there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    tokio::pin!(stop);
    loop {
        let mut heard = Instant::now();
        tokio::select! {
            () = &mut stop => break,
            Some(came) = news.recv() => heard = watch.hear(came).unwrap_or(heard),
            Some(ring) = rings.recv() => watch.rung(ring),
            Some(asked) = next(&mut watch.asked) => watch.answered(asked),
            Some(outcomes) = next(&mut watch.cuts) => watch.cut(outcomes),
            Some(told) = next(&mut watch.telling) => watch.told(told),
            Some(kept) = watch.lists.kept() => watch.lists.note(kept, &watch.printer),
            () = sleep_until(watch.wake) => {}
        }
        watch.look(heard);
    }
    watch.lists.finish(printer).await;
    watch.save();
    printer.note("the guard stops; open sessions stay, and end with their grants once it is back");
    Ok(())
}

/// The next of them; never where there is none, so that the others are waited for.
async fn next<T: 'static>(tasks: &mut JoinSet<T>) -> Option<T> {
    match tasks.join_next().await {
        // One that panicked has said so; what it was about is looked at again.
        Some(ended) => ended.ok(),
        None => std::future::pending().await,
    }
}

struct Watch<B> {
    broker: Arc<B>,
    printer: Printer,
    ledger: Ledger,
    sessions: Sessions,
    running: BTreeMap<u64, Running>,
    view: View,
    cgroups: Option<Cgroups>,
    backoff: Backoff,
    asked: JoinSet<admit::Asked>,
    cuts: JoinSet<Vec<Outcome>>,
    telling: JoinSet<tell::Told>,
    lists: lists::Lists,
    /// Sessions the broker is being told or asked about.
    busy: HashSet<u64>,
    /// When to look again though nothing is heard.
    wake: Instant,
    /// When everybody is looked for again.
    census: Instant,
    /// Something is not written down yet.
    unsaved: bool,
    /// Something is not that can be written down with the next census: a guard that is killed before
    /// tells it once more, and the broker takes no notice.
    forgotten: bool,
    /// The contact that is written down.
    saved_contact: Option<Timestamp>,
    /// That the stream is broken was said.
    said_lost: bool,
    /// That its ticks cannot be used was said.
    said_bad_tick: bool,
}

/// What is known of an open session beside what is written down.
struct Running {
    roster: Roster,
    /// `None` where that was before this guard started.
    admitted: Option<Instant>,
    /// Since when it is to end.
    condemned: Option<Instant>,
    /// It is being ended, or tried again from then on.
    dying: Dying,
}

enum Dying {
    No,
    Now,
    Again(Instant),
}

impl<B: Broker> Watch<B> {
    fn begin(order: &Order, broker: Arc<B>, printer: Printer) -> Result<Self, Error> {
        let now = Moment::now();
        if let Some(path) = &order.krl {
            krl::prepare(path)?;
        }
        let sessions = Sessions::load(&order.state, &boot_id(), now.wall)?;
        let cgroups = Cgroups::find();
        match &cgroups {
            Some(cgroups) => cgroups.sweep(),
            None => printer.warn(
                "no control groups of version 2 can be made here: who belongs to a session is \
                 found by its processes and their environment alone",
            ),
        }
        let grace = sessions.grace().or(order.grace);
        let mut watch = Self {
            view: View::new(now, sessions.contact(), grace),
            saved_contact: sessions.contact(),
            broker,
            printer,
            ledger: order.ledger.clone(),
            sessions,
            running: BTreeMap::new(),
            cgroups,
            backoff: Backoff::new(),
            asked: JoinSet::new(),
            cuts: JoinSet::new(),
            telling: JoinSet::new(),
            lists: lists::Lists::new(order.krl.clone()),
            busy: HashSet::new(),
            wake: now.passing,
            census: now.passing,
            unsaved: false,
            forgotten: false,
            said_lost: false,
            said_bad_tick: false,
        };
        let open: Vec<u64> = watch.sessions.open().map(|(key, _)| key).collect();
        for key in &open {
            watch.run_session(*key, None);
        }
        if !open.is_empty() {
            let count = crate::show::counted(open.len() as u64, "session");
            watch.printer.note(format!("open from before: {count}"));
        }
        Ok(watch)
    }

    /// Takes in what the broker says; when it was heard is returned.
    fn hear(&mut self, heard: Heard) -> Option<Instant> {
        match heard {
            Heard::Lost(error) => {
                if !std::mem::replace(&mut self.said_lost, true) {
                    self.printer.warn(format!("the broker is lost: {error}"));
                }
                None
            }
            Heard::News(news, at) => {
                if std::mem::take(&mut self.said_lost) {
                    self.printer.note("the broker is back");
                    self.backoff.reset();
                }
                self.take_in(*news);
                Some(at)
            }
        }
    }

    fn take_in(&mut self, news: News) {
        let now = Moment::now();
        if let Some(grace) = news.grace {
            self.view.hear_grace(grace);
        }
        if let Some(standing) = news.standing {
            self.view.stand(standing, now);
        }
        if let Some(tick) = news.tick {
            match self.view.tick(tick, now) {
                Ok(()) => {
                    self.said_bad_tick = false;
                    self.note_contact(now.wall);
                }
                Err(why) => {
                    if !std::mem::replace(&mut self.said_bad_tick, true) {
                        self.printer.warn(why);
                    }
                }
            }
        }
        if let Some(list) = news.krl {
            self.lists.take(list);
        }
    }

    fn note_contact(&mut self, wall: Timestamp) {
        self.sessions.note_contact(wall, Some(self.view.grace()));
        let due = self
            .saved_contact
            .is_none_or(|saved| wall.duration_since(saved).abs() >= CONTACT_SAVED_EVERY);
        if due {
            self.saved_contact = Some(wall);
            self.unsaved = true;
        }
    }

    /// Decides what follows from all that is known, and when to look again.
    fn look(&mut self, heard: Instant) {
        let now = Moment::now();
        // First: whoever has to go does not wait for a look at everybody.
        self.end_those_due(heard, now);
        if now.passing >= self.census {
            self.look_around();
            self.unsaved |= self.forgotten;
            let took = now.passing.elapsed();
            self.census = Instant::now() + LOOK_EVERY.max(took * LOOK_SHARE);
            // Whoever waits for this sees that we are not stuck.
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        }
        self.tell_the_broker(now.passing);
        if self.unsaved {
            self.save();
        }
        let waiting = self.running.iter().filter_map(|(key, running)| {
            matches!(running.dying, Dying::No).then(|| self.seen(*key, running))?
        });
        let next = self.view.next_look(waiting, now);
        let again = self
            .running
            .values()
            .filter_map(|running| match running.dying {
                Dying::Again(at) => Some(at),
                _ => None,
            });
        let wakes = again.chain(next).chain(self.backoff.until(now.passing));
        // The census comes at least once a second, and with it whatever was missed here.
        self.wake = wakes.chain([self.census]).min().unwrap_or(self.census);
    }

    fn seen<'a>(&'a self, key: u64, running: &Running) -> Option<Seen<'a>> {
        let session = self.sessions.session(key)?;
        Some(Seen {
            id: session.id.as_deref(),
            grant: &session.credential.grant,
            admitted: running.admitted,
        })
    }

    /// Ends the sessions whose grant is over, all of them together.
    fn end_those_due(&mut self, heard: Instant, now: Moment) {
        let due: Vec<(u64, String)> = self
            .running
            .iter()
            .filter(|(_, running)| match running.dying {
                Dying::No => true,
                Dying::Again(at) => now.passing >= at,
                Dying::Now => false,
            })
            .filter_map(|(key, running)| {
                let why = self.view.verdict(self.seen(*key, running)?, now)?;
                Some((*key, why))
            })
            .collect();
        if due.is_empty() {
            return;
        }
        let keys: HashSet<u64> = due.iter().map(|(key, _)| *key).collect();
        let others = self.running.iter().filter(|(key, _)| !keys.contains(key));
        let others: Vec<Roster> = others.map(|(_, other)| other.roster.clone()).collect();
        let mut condemned = Vec::new();
        for (key, text) in due {
            let Some(running) = self.running.get_mut(&key) else {
                continue;
            };
            let before = std::mem::replace(&mut running.dying, Dying::Now);
            condemned.push(Condemned {
                key,
                roster: running.roster.clone(),
                heard: *running.condemned.get_or_insert(heard),
                lived: matches!(before, Dying::Again(_)),
                text: text.clone(),
            });
            if let Some(session) = self.sessions.session(key) {
                self.printer
                    .note(format!("ending {}: {text}", session.name()));
            }
        }
        self.cuts.spawn(cut::cut(condemned, others));
    }

    /// Takes note of what became of sessions that were ended.
    fn cut(&mut self, outcomes: Vec<Outcome>) {
        for Outcome { key, fate } in outcomes {
            let name = self.sessions.session(key).map(super::Session::name);
            let name = name.unwrap_or_default();
            match fate {
                Fate::Gone => self.over(key, How::Gone, None),
                Fate::Killed(took) => {
                    self.printer
                        .note(format!("{name} has ended, in {} ms", took.as_millis()));
                    self.over(key, How::Killed, Some(took));
                }
                Fate::Survives(processes) => {
                    self.printer.loud(format!(
                        "{name} COULD NOT BE ENDED, these still live and are killed again: {}",
                        processes.join(", ")
                    ));
                    if let Some(running) = self.running.get_mut(&key) {
                        running.dying = Dying::Again(Instant::now() + AGAIN_PAUSE);
                    }
                }
            }
        }
    }

    /// The session has no process any more.
    fn over(&mut self, key: u64, how: How, took: Option<Duration>) {
        if let Some(group) = self.running.remove(&key).and_then(|r| r.roster.group) {
            group.remove();
        }
        if let Some(session) = self.sessions.session_mut(key) {
            session.over = Some(Over {
                how,
                at: crate::time::now(),
                took_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            });
            session.strays.clear();
            session.group = None;
        }
        self.unsaved = true;
    }

    fn save(&mut self) {
        match self.sessions.save() {
            Ok(()) => (self.unsaved, self.forgotten) = (false, false),
            // Tried again at the next look.
            Err(why) => self.printer.warn(why),
        }
    }
}
