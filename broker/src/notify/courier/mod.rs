//! Brings what happens to one destination: each entry that concerns it, in order, at least once.
//!
//! The ledger is the outbox, and a [`Place`] on disk is all that is kept: the entry that comes next.
//! It is written after a delivery and synced before the next one begins, so that a crash at any
//! point repeats one delivery at most and loses none. What a destination does not take is tried again
//! without an end, after pauses of a second to a minute; nobody waits for it, neither the sequencer
//! nor another destination.
//!
//! A destination that was away for long is not flooded: what is older than its patience is folded
//! into one parcel that says how much there was and where to look. One without patience (whoever
//! archives everything) gets each entry, however late.

mod place;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::{Lifetime, Time};

use super::limits::{FIRST_PAUSE, LONGEST_PAUSE, PASSED_UNWRITTEN};
use crate::app::App;
use crate::app::feed::{Subscription, Told};
use crate::ports::Later;

pub use place::{Place, PlaceError};
pub use standing::Standing;

/// Somewhere that is told of entries.
pub trait Outlet: Send + Sync + 'static {
    /// What is made of an entry for it.
    type Parcel: Send + Sync + 'static;

    /// What it is to be told of an entry; `None` where the entry does not concern it.
    fn parcel(&self, told: &Arc<Told>) -> Option<Self::Parcel>;

    /// How many entries that wait are handed over together.
    fn most(&self) -> u64 {
        1
    }

    /// Adds an entry that concerns it to a parcel that was not handed over yet; answers whether there
    /// was room.
    fn joins(&self, _parcel: &mut Self::Parcel, _told: &Arc<Told>) -> bool {
        false
    }

    /// How old an entry gets before it is folded with others; `None`: never.
    fn patience(&self) -> Option<Lifetime> {
        None
    }

    /// What it is told instead of entries that are too old; `None`: nothing.
    fn folded(&self, span: &Span) -> Option<Self::Parcel>;

    /// Whether a parcel is to be counted as loud when it is folded.
    fn is_loud(&self, _parcel: &Self::Parcel) -> bool {
        false
    }

    /// Whether it could be told, before there is anything to tell: an operator sees soon after a
    /// start that something is missing.
    fn ready(&self) -> Later<'_, Result<(), Failed>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Hands a parcel over; may be asked again for the same one. Has its own limit of time.
    fn deliver<'a>(&'a self, parcel: &'a Self::Parcel) -> Later<'a, Result<(), Failed>>;
}

/// Why a destination was not told. The text is for people, and carries no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// Entries that were folded into one parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many of them concerned the destination.
    pub count: u64,
    /// How many of those were loud.
    pub loud: u64,
    /// The first of them.
    pub first: u64,
    /// When it happened.
    pub since: Time,
    /// The last of them.
    pub last: u64,
    /// When it happened.
    pub until: Time,
}

impl Span {
    fn of(told: &Told, loud: bool) -> Self {
        let (index, at) = (told.index(), told.event().at);
        Self {
            count: 1,
            loud: u64::from(loud),
            first: index,
            since: at,
            last: index,
            until: at,
        }
    }

    fn with(self, later: Self) -> Self {
        Self {
            count: self.count + later.count,
            loud: self.loud + later.loud,
            last: later.last,
            until: later.until,
            ..self
        }
    }
}

/// A parcel under way.
struct Pending<P> {
    parcel: P,
    span: Span,
    /// The place once it is delivered.
    next: u64,
}

/// Brings one destination what concerns it.
pub struct Courier<O: Outlet> {
    outlet: Arc<O>,
    app: Arc<App>,
    events: Subscription,
    /// Read, and too young to be folded with what was read before it.
    ahead: Option<Arc<Told>>,
    place: Place,
    standing: Arc<Standing>,
}

impl<O: Outlet> Courier<O> {
    /// Goes on where the place says; a new destination begins now, and one whose place is beyond the
    /// ledger (a backup was restored) as well.
    #[must_use]
    pub fn new(outlet: Arc<O>, app: Arc<App>, place: Place, standing: Arc<Standing>) -> Self {
        let mut place = place;
        let name = standing.name();
        let from_here = place.next().map(|next| app.follow(Some(next)));
        let events = match from_here {
            Some(Ok(events)) => events,
            gone => {
                if gone.is_some() {
                    tracing::warn!(%name, "its place is beyond the ledger: it goes on from now on");
                }
                let now = app.newest();
                place.moves(now.place());
                if let Err(error) = place.write() {
                    tracing::error!(%name, %error, "where it was told up to cannot be written");
                }
                now
            }
        };
        standing.is_at(events.place());
        Self {
            outlet,
            app,
            events,
            ahead: None,
            place,
            standing,
        }
    }

    /// Delivers until the broker stops. What is under way then is delivered again by the next one.
    pub async fn run(mut self) {
        let mut stopping = self.app.stopping();
        tokio::select! {
            () = stopping.told() => {}
            () = self.deliver_all() => {}
        }
        self.write_place().await;
    }

    /// Never answers.
    async fn deliver_all(&mut self) {
        self.until_ready().await;
        loop {
            let Some(pending) = self.next().await else {
                continue;
            };
            self.bring(pending).await;
        }
    }

    async fn until_ready(&self) {
        let mut failures = 0;
        while let Err(why) = self.outlet.ready().await {
            self.standing.cannot(self.app.monotonic(), &why);
            tokio::time::sleep(pause_after(failures)).await;
            failures += 1;
        }
        self.standing.is_well();
    }

    /// What is next to deliver; `None` where what came concerned nobody.
    async fn next(&mut self) -> Option<Pending<O::Parcel>> {
        let told = self.read().await;
        let next = told.index() + 1;
        let Some(parcel) = self.outlet.parcel(&told) else {
            self.passed(next).await;
            return None;
        };
        let span = Span::of(&told, self.outlet.is_loud(&parcel));
        Some(self.filled(Pending { parcel, span, next }).await)
    }

    /// With what waits behind it, up to what is handed over together.
    async fn filled(&mut self, mut pending: Pending<O::Parcel>) -> Pending<O::Parcel> {
        while pending.span.count < self.outlet.most()
            && (self.ahead.is_some() || !self.events.is_caught_up())
        {
            let told = self.read().await;
            if !self.outlet.joins(&mut pending.parcel, &told) {
                self.ahead = Some(told);
                break;
            }
            pending.span = pending.span.with(Span::of(&told, false));
            pending.next = told.index() + 1;
        }
        pending
    }

    /// The next entry, however long it takes.
    async fn read(&mut self) -> Arc<Told> {
        if let Some(told) = self.ahead.take() {
            return told;
        }
        let mut failures = 0;
        loop {
            match self.events.next().await {
                Ok(told) => return told,
                Err(error) => {
                    let name = self.standing.name();
                    tracing::warn!(%name, %error, "what is next cannot be read; trying again");
                    tokio::time::sleep(pause_after(failures)).await;
                    failures += 1;
                }
            }
        }
    }

    /// Tries until it is delivered.
    async fn bring(&mut self, mut pending: Pending<O::Parcel>) {
        let mut failures = 0;
        self.standing.waits_since(pending.span.since);
        loop {
            pending = match self.folded(pending).await {
                Ok(pending) => pending,
                Err(next) => return self.moves(next).await,
            };
            match self.outlet.deliver(&pending.parcel).await {
                Ok(()) => {
                    self.standing.delivered();
                    return self.moves(pending.next).await;
                }
                Err(why) => {
                    self.standing.failed(self.app.monotonic(), &why);
                    tokio::time::sleep(pause_after(failures)).await;
                    failures += 1;
                }
            }
        }
    }

    /// What is too old by now, together with all after it that is as well; else as it was. The place
    /// after it where nothing is to be said of it.
    async fn folded(&mut self, pending: Pending<O::Parcel>) -> Result<Pending<O::Parcel>, u64> {
        if !self.is_old(pending.span.until) {
            return Ok(pending);
        }
        let (mut span, mut next) = (pending.span, pending.next);
        while self.ahead.is_some() || !self.events.is_caught_up() {
            let told = self.read().await;
            if !self.is_old(told.event().at) {
                self.ahead = Some(told);
                break;
            }
            next = told.index() + 1;
            if let Some(parcel) = self.outlet.parcel(&told) {
                span = span.with(Span::of(&told, self.outlet.is_loud(&parcel)));
            }
        }
        let parcel = self.outlet.folded(&span).ok_or(next)?;
        Ok(Pending { parcel, span, next })
    }

    fn is_old(&self, at: Time) -> bool {
        let patience = self.outlet.patience();
        patience.is_some_and(|patience| self.app.now().since(at) > patience)
    }

    async fn passed(&mut self, next: u64) {
        self.place.moves(next);
        self.standing.is_at(next);
        if self.place.unwritten() >= PASSED_UNWRITTEN {
            self.write_place().await;
        }
    }

    async fn moves(&mut self, next: u64) {
        self.place.moves(next);
        self.standing.is_at(next);
        self.write_place().await;
    }

    /// What cannot be written is told, and no reason to be silent: after a restart the destination
    /// hears some of it twice.
    async fn write_place(&mut self) {
        if self.place.unwritten() == 0 {
            return;
        }
        let place = self.place.clone();
        let writing = tokio::task::spawn_blocking(move || place.write_at());
        match writing.await {
            Ok(Ok(written)) => self.place.is_written(written),
            Ok(Err(error)) => {
                let name = self.standing.name();
                tracing::error!(%name, %error, "where it was told up to cannot be written");
            }
            // Only where the runtime is going down.
            Err(_) => {}
        }
    }
}

/// It doubles, from a second to a minute. It never gives up.
pub(super) fn pause_after(failures: u32) -> Duration {
    let doubled = 2_u32.checked_pow(failures).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}
