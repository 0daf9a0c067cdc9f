//! Watch and follow: what happens, for people, prompts and guards; and entries as they are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_domain::{Change, Grant, GrantId, Incident, IncidentId, PersonId};

use super::asked::{Asked, changes_who_is_there};
use super::feed::{Subscription, Told};
use super::limits::{FEED_PAGE, PINNED_REMEMBERED};
use super::{App, Error};

/// What to hear of; filters narrow, nothing set means everything.
#[derive(Debug, Clone, Default)]
pub struct WatchFilter {
    /// Only this incident's.
    pub incident: Option<IncidentId>,
    /// Only this grant's, and whether who can answer it is there.
    pub grant: Option<GrantId>,
    /// Only what concerns this person as holder or as approver.
    pub person: Option<PersonId>,
}

/// One follower and what they want to hear of.
pub struct Watch {
    app: Arc<App>,
    events: Subscription,
    filter: WatchFilter,
    /// Whether the person of the filter is an approver of these grants. That is pinned, but for those
    /// they go to later.
    approves: BTreeMap<GrantId, bool>,
    /// Whom the grant of the filter waits for, as last told.
    asked: Option<Asked>,
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
    /// Who of those whose word that waits for is there, as of now.
    pub asked: Asked,
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

    /// Follows every event from now on.
    #[must_use]
    pub fn newest(&self) -> Subscription {
        self.feed.subscribe(self.feed.tip())
    }

    /// Whether following from there begins with reading more than a page of old entries.
    #[must_use]
    pub fn reads_old_entries(&self, from: Option<u64>) -> bool {
        let page = FEED_PAGE as u64;
        from.is_some_and(|from| from.saturating_add(page) < self.feed.oldest())
    }

    /// Follows what the filter lets through.
    ///
    /// # Errors
    /// As [`App::follow`].
    pub fn watch(self: &Arc<Self>, from: Option<u64>, filter: WatchFilter) -> Result<Watch, Error> {
        let grant = filter.grant.and_then(|grant| self.live_grant(grant));
        Ok(Watch {
            events: self.follow(from)?,
            app: Arc::clone(self),
            filter,
            approves: BTreeMap::new(),
            asked: grant.map(|grant| self.asked(&grant)),
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

    /// Whether it is still among the old entries, which are read from the ledger.
    #[must_use]
    pub fn reads_old_entries(&self) -> bool {
        self.events.reads_old_entries()
    }

    /// `None` where the filter does not let it through.
    async fn news(&mut self, told: Arc<Told>) -> Option<WatchNews> {
        let waits = self.waits_for_others(told.change());
        let is_about = self.filter.is_about(told.change());
        if waits.is_none() && (!is_about || !self.concerns(&told).await) {
            return None;
        }
        let grant = match waits {
            Some(grant) => Some(grant),
            None => self.grant_of(&told).await,
        };
        let incident = match told.change().incident() {
            Some(id) => self.incident_of(&told, id).await,
            None => None,
        };
        let asked = grant.as_ref().map(|grant| self.app.asked(grant));
        Some(WatchNews {
            asked: asked.unwrap_or_default(),
            text: self.app.sentence(&told, grant.as_ref()),
            grant,
            incident,
            told,
        })
    }

    /// The grant of the filter, where an event changes who of those it waits for is there.
    fn waits_for_others(&mut self, change: &Change) -> Option<Grant> {
        let id = self.filter.grant.filter(|_| changes_who_is_there(change))?;
        let grant = self.app.live_grant(id)?;
        let asked = self.app.asked(&grant);
        let before = self.asked.replace(asked.clone());
        (before != Some(asked)).then_some(grant)
    }

    /// Whether it concerns the person of the filter, as its subject, as holder or as approver.
    async fn concerns(&mut self, told: &Told) -> bool {
        let Some(person) = self.filter.person.clone() else {
            return true;
        };
        let of = told.change().grant();
        let as_holder = of.is_some_and(|of| of.person == person);
        if as_holder || subject(told.change()) == Some(&person) {
            return true;
        }
        match of.map(|of| of.grant) {
            Some(grant) => self.approves(&person, grant, told).await,
            None => false,
        }
    }

    /// The request itself names its approvers, and its escalation those it goes to; the index is asked
    /// only where that was not seen.
    async fn approves(&mut self, person: &PersonId, grant: GrantId, told: &Told) -> bool {
        let goes_to = match told.change() {
            Change::GrantEscalated { to, .. } => to.contains(person),
            _ => false,
        };
        if let Some(known) = self.approves.get(&grant).filter(|_| !goes_to) {
            return *known;
        }
        let approves = match told.change() {
            Change::GrantRequested { approvers, .. } => approvers.contains(person),
            _ if goes_to => true,
            _ => match self.grant_of(told).await {
                Some(grant) => grant.approvers.contains(person),
                // Not known just now; perhaps the next time.
                None => return false,
            },
        };
        if self.approves.len() >= PINNED_REMEMBERED {
            self.approves.pop_first();
        }
        self.approves.insert(grant, approves);
        approves
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
        vetoed: std::collections::BTreeSet::new(),
        alone: std::collections::BTreeMap::new(),
        grants: Vec::new(),
        alert: incident.alert.clone(),
        held_by: incident.held_by.clone(),
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
