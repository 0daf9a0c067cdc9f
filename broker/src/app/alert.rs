//! What an alert source says becomes an incident, or the end of one.

use breakglass_domain::command::Act;
use breakglass_domain::policy::SourceKind;
use breakglass_domain::{
    Actor, Change, Command, Delivery, Incident, IncidentId, Line, SourceId, Time,
};

use super::{App, Error};

/// What a source says of one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alarm {
    /// It fires, or still does.
    Fires {
        /// What the source calls it.
        key: Line,
        /// One line.
        title: Line,
        /// The source's words for how bad it is.
        words: Vec<Line>,
    },
    /// It is over.
    Over {
        /// What the source calls it.
        key: Line,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An incident is open now.
    Opened(IncidentId),
    /// It stays open.
    Refired(IncidentId),
    /// It closes soon.
    Resolved {
        /// Which.
        incident: IncidentId,
        /// When, unless somebody holds it open.
        closes_at: Time,
    },
    /// Nothing: it was known.
    AsBefore(Option<IncidentId>),
}

impl App {
    /// How a source proves itself, by the policy in force; nothing where it has no such source.
    #[must_use]
    pub fn source_kind(&self, source: &SourceId) -> Option<SourceKind> {
        self.live
            .read(|state| Some(state.policy.sources.get(source)?.kind))
    }

    /// Whether a delivery of a source was taken and is in the ledger, as far as it could be taken still.
    #[must_use]
    pub fn was_delivered(&self, source: &SourceId, id: &Line) -> bool {
        let now = self.clock.now();
        self.live
            .read(|state| state.deliveries.knows(source, id, now))
    }

    /// Takes what a source says, whose word it was proven to be. What is known already is not decided
    /// again, so that a source that repeats itself costs nothing.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn hear(
        &self,
        source: &SourceId,
        alarm: Alarm,
        delivery: Option<Delivery>,
    ) -> Result<Heard, Error> {
        if let Some(as_before) = self.known(source, &alarm) {
            return Ok(Heard::AsBefore(as_before));
        }
        let key = alarm.key().clone();
        let act = match alarm {
            Alarm::Fires { key, title, words } => Act::Fire {
                key,
                title,
                words,
                delivery,
            },
            Alarm::Over { key } => Act::Resolve { key, delivery },
        };
        let command = Command {
            by: Actor::from(source),
            signed: None,
            act,
        };
        let decided = self.submit(command).await?;
        let changes = decided.recorded.iter().map(|one| &one.event.change);
        let heard = changes.filter_map(heard).next();
        Ok(heard.unwrap_or_else(|| Heard::AsBefore(self.incident_of(source, &key, |it| it.id))))
    }

    /// The open incident of an alert that is as the source says; nothing in it where there is none and
    /// the alert is over.
    fn known(&self, source: &SourceId, alarm: &Alarm) -> Option<Option<IncidentId>> {
        let is_over = matches!(alarm, Alarm::Over { .. });
        let open = self.incident_of(source, alarm.key(), |it| (it.id, it.resolved));
        match open {
            Some((id, resolved)) => (resolved == is_over).then_some(Some(id)),
            None => is_over.then_some(None),
        }
    }

    fn incident_of<T>(
        &self,
        source: &SourceId,
        key: &Line,
        then: impl FnOnce(&Incident) -> T,
    ) -> Option<T> {
        let now = self.clock.now();
        self.live.read(|state| {
            let mut open = state.incidents.values();
            open.find(|it| now < it.closes_at && it.is_of(source, key))
                .map(then)
        })
    }
}

impl Alarm {
    /// What the source calls it.
    #[must_use]
    pub fn key(&self) -> &Line {
        match self {
            Self::Fires { key, .. } | Self::Over { key } => key,
        }
    }
}

fn heard(change: &Change) -> Option<Heard> {
    match change {
        Change::IncidentOpened { incident, .. } => Some(Heard::Opened(*incident)),
        Change::IncidentRefired { incident, .. } => Some(Heard::Refired(*incident)),
        Change::IncidentResolved {
            incident,
            closes_at,
            ..
        } => Some(Heard::Resolved {
            incident: *incident,
            closes_at: *closes_at,
        }),
        _ => None,
    }
}
