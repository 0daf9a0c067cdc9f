//! Deliveries of alert sources that were taken, so that one that was captured is not taken again.
//!
//! What changed something stands in its entry and is known from there, also after a restart. What
//! changed nothing writes nothing: the broker that took it remembers it in memory, and after a restart
//! nobody knows it. Such a delivery can only do harm once its alert has changed, so what was signed
//! before the broker last started, and before its alert last changed, is not taken.
//!
//! What is older than the newest that changed its alert is not taken either: sources deliver out of order,
//! and what fires is not over because something older arrives late.

use std::collections::BTreeMap;

use crate::event::{Actor, Change, Event};
use crate::id::SourceId;
use crate::incident::Alert;
use crate::limits::DELIVERY_REMEMBERED;
use crate::text::Line;
use crate::time::{Lifetime, Time};

const A_SECOND: Lifetime = Lifetime::from_secs(1);

/// What tells one delivery of a source from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, or the nonce it was signed with.
    pub id: Line,
    /// When its sender signed it, or says that it happened.
    pub signed_at: Time,
}

/// Those that are remembered, each for [`DELIVERY_REMEMBERED`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deliveries {
    /// When what changed something was taken, by its source and id.
    pub taken: BTreeMap<(SourceId, Line), Time>,
    /// When each alert last changed, by its source and key.
    pub changed: BTreeMap<(SourceId, Line), Time>,
    /// When the newest of those was signed that changed an alert, by its source and key; never later than
    /// it was taken, so that a clock that is ahead holds up nothing.
    pub said: BTreeMap<(SourceId, Line), Time>,
    /// When the broker last began to serve.
    pub started_at: Option<Time>,
}

impl Deliveries {
    /// Whether a delivery of this id was taken, and is still remembered at `now`.
    #[must_use]
    pub fn knows(&self, source: &SourceId, id: &Line, now: Time) -> bool {
        let taken = self.taken.get(&(source.clone(), id.clone()));
        taken.is_some_and(|at| now < at.plus(DELIVERY_REMEMBERED))
    }

    /// Whether it may have been taken before the broker started, and changed nothing then.
    #[must_use]
    pub fn may_have_forgotten(&self, source: &SourceId, key: &Line, signed_at: Time) -> bool {
        // Senders sign whole seconds, so what seems to be up to one older may have come since.
        let signed = signed_at.plus(A_SECOND);
        let before_start = self.started_at.is_some_and(|start| signed <= start);
        let changed = self.changed.get(&(source.clone(), key.clone()));
        before_start && changed.is_some_and(|at| signed_at <= *at)
    }

    /// Whether something of its alert was taken that was signed later.
    #[must_use]
    pub fn knows_newer(&self, source: &SourceId, key: &Line, signed_at: Time) -> bool {
        let newest = self.said.get(&(source.clone(), key.clone()));
        newest.is_some_and(|newest| signed_at < *newest)
    }

    /// Folds one event in; `alert` is that of the open incident it is about, where an alert opened it.
    pub(crate) fn apply(&mut self, event: &Event, alert: Option<&Alert>) {
        let (whose, delivery, said_at) = match &event.change {
            Change::BrokerStarted { .. } => {
                self.started_at = Some(event.at);
                return;
            }
            Change::IncidentOpened {
                source: Some(source),
                alert: Some(key),
                delivery,
                said_at,
                ..
            } => ((source.clone(), key.clone()), delivery.as_ref(), *said_at),
            Change::IncidentResolved {
                delivery, said_at, ..
            }
            | Change::IncidentRefired {
                delivery, said_at, ..
            } => match alert {
                Some(alert) => (of(alert), delivery.as_ref(), *said_at),
                None => return,
            },
            Change::IncidentClosed { .. } => match alert {
                Some(alert) => (of(alert), None, None),
                None => return,
            },
            _ => return,
        };
        self.forget_before(event.at);
        if let (Actor::Source(source), Some(id)) = (&event.by, delivery) {
            self.taken.insert((source.clone(), id.clone()), event.at);
        }
        if let Some(said_at) = said_at {
            let newest = self.said.entry(whose.clone()).or_insert(said_at);
            *newest = said_at.min(event.at).max(*newest).min(event.at);
        }
        self.changed.insert(whose, event.at);
    }

    fn forget_before(&mut self, now: Time) {
        for known in [&mut self.taken, &mut self.changed, &mut self.said] {
            known.retain(|_, at| now < at.plus(DELIVERY_REMEMBERED));
        }
    }
}

fn of(alert: &Alert) -> (SourceId, Line) {
    (alert.source.clone(), alert.key.clone())
}
