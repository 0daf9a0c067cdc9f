//! What one destination of notices is told, for a [`Courier`](super::Courier).

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

/// A destination, and what it wants to hear.
pub struct Notifier {
    channel: Channel,
    events: Option<BTreeSet<Occasion>>,
    app: Arc<App>,
}

impl Notifier {
    /// Tells over a channel what the destination chose; nothing chosen: everything.
    #[must_use]
    pub fn new(channel: Channel, events: Option<Vec<Occasion>>, app: Arc<App>) -> Arc<Self> {
        let events = events.map(BTreeSet::from_iter);
        Arc::new(Self {
            channel,
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
        Notice::of(told, &self.app).filter(|notice| self.wants(notice.subject))
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
