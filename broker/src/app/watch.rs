//! Watch and follow: what happens, for people, prompts and guards; and entries as they are written.

use std::sync::Arc;

use breakglass_domain::{Change, Grant, GrantId, Incident, IncidentId, PersonId};

use super::feed::{Subscription, Told};
use super::{App, Error};

/// What to hear of; filters narrow, nothing set means everything.
#[derive(Debug, Clone, Default)]
pub struct WatchFilter {
    /// Only this incident's.
    pub incident: Option<IncidentId>,
    /// Only this grant's.
    pub grant: Option<GrantId>,
    /// Only what concerns this person as holder or as approver.
    pub person: Option<PersonId>,
}

/// One follower and what they want to hear of.
pub struct Watch {
    app: Arc<App>,
    events: Subscription,
    filter: WatchFilter,
    /// What is being looked at, so that it is not lost where nobody waits for the end of it.
    looked_at: Option<Arc<Told>>,
}

/// One event.
#[derive(Debug, Clone)]
pub struct WatchNews {
    /// The event.
    pub told: Arc<Told>,
    /// One sentence for people.
    pub text: String,
    /// The grant it concerns, at least as new as the event.
    pub grant: Option<Grant>,
    /// The incident it concerns, at least as new as the event; without its notes and grants.
    pub incident: Option<Incident>,
}

impl App {
    /// Follows every event from entry `from` on, or from now on.
    ///
    /// # Errors
    /// [`Error::NoSuchEntry`] beyond the ledger: the caller has seen another one.
    pub fn follow(&self, from: Option<u64>) -> Result<Subscription, Error> {
        let size = self.feed.tip();
        let from = from.unwrap_or(size);
        if from > size {
            return Err(Error::NoSuchEntry { index: from, size });
        }
        Ok(self.feed.subscribe(from))
    }

    /// Follows what the filter lets through.
    ///
    /// # Errors
    /// As [`App::follow`].
    pub fn watch(self: &Arc<Self>, from: Option<u64>, filter: WatchFilter) -> Result<Watch, Error> {
        Ok(Watch {
            events: self.follow(from)?,
            app: Arc::clone(self),
            filter,
            looked_at: None,
        })
    }
}

impl Watch {
    /// The next event that the filter lets through; waits until there is one. Safe to cancel.
    ///
    /// # Errors
    /// [`Error::Ledger`] where old entries cannot be read.
    pub async fn next(&mut self) -> Result<WatchNews, Error> {
        loop {
            let told = match &self.looked_at {
                Some(told) => Arc::clone(told),
                None => self.events.next().await?,
            };
            self.looked_at = Some(Arc::clone(&told));
            let news = self.news(told).await;
            self.looked_at = None;
            if let Some(news) = news {
                return Ok(news);
            }
        }
    }

    /// `None` where the filter does not let it through.
    async fn news(&self, told: Arc<Told>) -> Option<WatchNews> {
        if !self.filter.is_about(told.change()) {
            return None;
        }
        let grant = self.grant_of(&told).await;
        if !self.filter.concerns(&told, grant.as_ref()) {
            return None;
        }
        let incident = match told.change().incident() {
            Some(id) => self.incident_of(&told, id).await,
            None => None,
        };
        Some(WatchNews {
            text: self.app.sentence(&told, grant.as_ref()),
            grant,
            incident,
            told,
        })
    }

    /// A follower who is told without it is better off than one who is not told.
    async fn grant_of(&self, told: &Told) -> Option<Grant> {
        match self.app.grant_of(told).await {
            Ok(grant) => grant,
            Err(error) => {
                tracing::debug!(%error, entry = told.index(), "told without its grant");
                None
            }
        }
    }

    async fn incident_of(&self, told: &Told, id: IncidentId) -> Option<Incident> {
        let closed = told.incident.as_deref();
        let incident = match closed {
            Some(closed) => Ok(brief(closed)),
            None => self.app.brief_incident(id).await,
        };
        incident.ok()
    }
}

impl App {
    async fn brief_incident(&self, id: IncidentId) -> Result<Incident, Error> {
        match self.live.read(|state| state.incidents.get(&id).map(brief)) {
            Some(open) => Ok(open),
            None => Ok(brief(&self.incident(id).await?)),
        }
    }
}

/// Without what makes it long.
fn brief(incident: &Incident) -> Incident {
    Incident {
        title: incident.title.clone(),
        opened_by: incident.opened_by.clone(),
        notes: Vec::new(),
        grants: Vec::new(),
        closed: incident.closed.clone(),
        ..*incident
    }
}

impl WatchFilter {
    /// What can be told from the event alone.
    fn is_about(&self, change: &Change) -> bool {
        let of = change.grant().map(|of| of.grant);
        self.incident.is_none_or(|id| change.incident() == Some(id))
            && self.grant.is_none_or(|id| of == Some(id))
    }

    /// What needs the grant: its approvers are pinned in it.
    fn concerns(&self, told: &Told, grant: Option<&Grant>) -> bool {
        let Some(person) = &self.person else {
            return true;
        };
        let as_holder = told.change().grant().is_some_and(|of| of.person == *person);
        let as_approver = grant.is_some_and(|grant| grant.approvers.contains(person));
        as_holder || as_approver || subject(told.change()) == Some(person)
    }
}

/// The person an event is about by itself.
fn subject(change: &Change) -> Option<&PersonId> {
    match change {
        Change::PersonInvited { person, .. }
        | Change::PersonEnrolled { person, .. }
        | Change::CertificateRenewed { person, .. }
        | Change::PersonRemoved { person, .. }
        | Change::PersonFrozen { person, .. }
        | Change::PersonUnfrozen { person, .. } => Some(person),
        _ => None,
    }
}
