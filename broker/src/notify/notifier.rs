//! What one destination of notices is told, for a [`Courier`](super::Courier): one brings what is urgent,
//! and another the rest, each at its own place, so that neither waits for the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use breakglass_domain::Lifetime;

use super::channel::Channel;
use super::courier::{Failed, Outlet, Span};
use super::limits::NOTICE_PATIENCE;
use super::notice::{Notice, Subject};
use crate::app::App;
use crate::app::feed::Told;
use crate::config::notify::Occasion;
use crate::ports::Later;

/// Which notices a courier brings: what is urgent waits behind nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What somebody has to answer, or to stop.
    Urgent,
    /// All others.
    Rest,
}

impl Lane {
    /// That of an occasion.
    #[must_use]
    pub fn of(occasion: Occasion) -> Self {
        match occasion {
            Occasion::ApprovalWanted
            | Occasion::SelfGranted
            | Occasion::KillUnconfirmed
            | Occasion::LedgerTrouble => Self::Urgent,
            _ => Self::Rest,
        }
    }
}

/// A destination, and what it wants to hear.
pub struct Notifier {
    channel: Arc<Channel>,
    lane: Lane,
    events: Option<BTreeSet<Occasion>>,
    app: Arc<App>,
}

impl Notifier {
    /// Tells over a channel what the destination chose; nothing chosen: everything.
    #[must_use]
    pub fn new(
        channel: Arc<Channel>,
        lane: Lane,
        events: Option<Vec<Occasion>>,
        app: Arc<App>,
    ) -> Arc<Self> {
        let events = events.map(BTreeSet::from_iter);
        Arc::new(Self {
            channel,
            lane,
            events,
            app,
        })
    }

    /// Whether the destination hears of it. Nobody can choose not to hear of a self-grant.
    #[must_use]
    pub fn wants(&self, subject: Subject) -> bool {
        match subject {
            Subject::Of(Occasion::SelfGranted) | Subject::Missed | Subject::Test => true,
            Subject::Of(occasion) => self.events.as_ref().is_none_or(|it| it.contains(&occasion)),
        }
    }

    pub(super) fn app(&self) -> &Arc<App> {
        &self.app
    }
}

impl Outlet for Notifier {
    type Parcel = Notice;

    fn parcel(&self, told: &Arc<Told>) -> Option<Notice> {
        let notice = Notice::of(told, &self.app)?;
        let is_ours = match notice.subject {
            Subject::Of(occasion) => Lane::of(occasion) == self.lane,
            Subject::Missed | Subject::Test => false,
        };
        (is_ours && self.wants(notice.subject)).then_some(notice)
    }

    fn patience(&self) -> Option<Lifetime> {
        Some(NOTICE_PATIENCE)
    }

    fn folded(&self, span: &Span) -> Option<Notice> {
        Some(Notice::missed(span))
    }

    fn is_loud(&self, notice: &Notice) -> bool {
        notice.loud
    }

    fn ready(&self) -> Later<'_, Result<(), Failed>> {
        Box::pin(async { self.channel.check().await.map(drop) })
    }

    fn deliver<'a>(&'a self, notice: &'a Notice) -> Later<'a, Result<(), Failed>> {
        let now = self.app.now();
        Box::pin(async move { self.channel.tell(notice, now).await.map(drop) })
    }
}
