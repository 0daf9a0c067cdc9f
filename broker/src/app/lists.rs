//! Lists of grants and incidents: what lives first, newest first, then what is over, from the
//! index.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::grant::Phase;
use breakglass_domain::{Grant, GrantId, Incident, IncidentId, PersonId};

use super::limits::{INDEX_PATIENCE, INDEX_WAIT};
use super::{App, Error};
use crate::ports::{GrantFilter, Index, IndexError};

/// Where a page ended: among the living, or among those that are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After this live one.
    Live(u64),
    /// After this one, which is over; everything that lives came before.
    Over(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(number) => write!(f, "live-{number}"),
            Self::Over(number) => write!(f, "over-{number}"),
        }
    }
}

impl FromStr for Place {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("live-") {
            Some(number) => number.parse().map(Self::Live),
            None => text.trim_start_matches("over-").parse().map(Self::Over),
        }
    }
}

/// Which grants.
#[derive(Debug, Clone, Default)]
pub struct GrantQuery {
    /// Also those that are over.
    pub include_ended: bool,
    /// Filters that narrow.
    pub filter: GrantFilter,
    /// Only those that wait for this person's approval; none of them is over.
    pub awaiting: Option<PersonId>,
    /// Where the previous page ended.
    pub after: Option<Place>,
    /// At most this many.
    pub max: usize,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct GrantPage {
    /// Live ones first, newest first.
    pub grants: Vec<Grant>,
    /// Where the next page begins, where there may be one.
    pub next: Option<Place>,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct IncidentPage {
    /// Open ones first, newest first.
    pub incidents: Vec<Incident>,
    /// Where the next page begins, where there may be one.
    pub next: Option<Place>,
}

impl App {
    /// A page of grants.
    ///
    /// # Errors
    /// [`Error::Index`] where what is over was asked for and cannot be looked up.
    pub async fn grants(&self, query: &GrantQuery) -> Result<GrantPage, Error> {
        let ended_too = query.include_ended && query.awaiting.is_none();
        let mut page = GrantPage::default();
        if !matches!(query.after, Some(Place::Over(_))) {
            page.grants = self.live_grants(query);
        }
        if page.grants.len() == query.max {
            page.next = page
                .grants
                .last()
                .map(|grant| Place::Live(grant.of.grant.0));
            return Ok(page);
        }
        if ended_too {
            let query = query.clone();
            return self
                .ask_index(move |index| add_ended(index, &query, page))
                .await;
        }
        Ok(page)
    }

    fn live_grants(&self, query: &GrantQuery) -> Vec<Grant> {
        let before = match query.after {
            Some(Place::Live(number)) => GrantId(number),
            _ => GrantId(u64::MAX),
        };
        self.live.read(|state| {
            let grants = state.grants.range(..before).rev().map(|(_, grant)| grant);
            let fits = grants.filter(|grant| fits(query, grant));
            let page = fits.take(query.max);
            page.map(|grant| state.as_it_stands(grant)).collect()
        })
    }

    /// A page of incidents.
    ///
    /// # Errors
    /// [`Error::Index`] where closed ones were asked for and cannot be looked up.
    pub async fn incidents(
        &self,
        include_closed: bool,
        after: Option<Place>,
        max: usize,
    ) -> Result<IncidentPage, Error> {
        let mut page = IncidentPage::default();
        if !matches!(after, Some(Place::Over(_))) {
            page.incidents = self.open_incidents(after, max);
        }
        if page.incidents.len() == max {
            page.next = page
                .incidents
                .last()
                .map(|incident| Place::Live(incident.id.0));
            return Ok(page);
        }
        if include_closed {
            return self
                .ask_index(move |index| add_closed(index, after, max, page))
                .await;
        }
        Ok(page)
    }

    fn open_incidents(&self, after: Option<Place>, max: usize) -> Vec<Incident> {
        let before = match after {
            Some(Place::Live(number)) => IncidentId(number),
            _ => IncidentId(u64::MAX),
        };
        self.live.read(|state| {
            let incidents = state.incidents.range(..before).rev();
            incidents
                .take(max)
                .map(|(_, incident)| incident.clone())
                .collect()
        })
    }

    /// A grant that is over, for answers that can do without it.
    pub(super) async fn grant_over(&self, id: GrantId) -> Result<Option<Grant>, Error> {
        self.index_within(INDEX_PATIENCE).await?;
        Ok(self.index.grant(id)?)
    }

    /// Asks the index once it has everything that was committed when the question came. A long walk
    /// waits for a disk, so never on a thread that answers others.
    pub(super) async fn ask_index<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Index) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, Error> {
        self.index_within(INDEX_WAIT).await?;
        let index = Arc::clone(&self.index);
        let answered = tokio::task::spawn_blocking(move || ask(&*index)).await;
        let broken_off = || IndexError("asking was broken off".to_owned());
        Ok(answered.unwrap_or_else(|_| Err(broken_off()))?)
    }

    async fn index_within(&self, patience: Duration) -> Result<(), Error> {
        let size = self.reader.checkpoint().size();
        if self.index.applied_up_to() >= size {
            return Ok(());
        }
        match tokio::time::timeout(patience, self.index.caught_up(size)).await {
            Ok(there) => Ok(there?),
            Err(_) => {
                let applied = self.index.applied_up_to();
                let lagging = format!("it has {applied} of {size} entries and is catching up");
                Err(Error::Index(IndexError(lagging)))
            }
        }
    }
}

fn add_ended(
    index: &dyn Index,
    query: &GrantQuery,
    mut page: GrantPage,
) -> Result<GrantPage, IndexError> {
    let mut before = match query.after {
        Some(Place::Over(number)) => Some(GrantId(number)),
        _ => None,
    };
    loop {
        let found = index.grants(&query.filter, before, query.max)?;
        let there_is_more = found.len() == query.max;
        for grant in found {
            before = Some(grant.of.grant);
            if !matches!(grant.phase, Phase::Ended(_)) {
                continue;
            }
            page.grants.push(grant);
            if page.grants.len() == query.max {
                page.next = before.map(|id| Place::Over(id.0));
                return Ok(page);
            }
        }
        if !there_is_more {
            return Ok(page);
        }
    }
}

fn add_closed(
    index: &dyn Index,
    after: Option<Place>,
    max: usize,
    mut page: IncidentPage,
) -> Result<IncidentPage, IndexError> {
    let mut before = match after {
        Some(Place::Over(number)) => Some(IncidentId(number)),
        _ => None,
    };
    loop {
        let found = index.incidents(before, max)?;
        let there_is_more = found.len() == max;
        for incident in found {
            before = Some(incident.id);
            if incident.closed.is_none() {
                continue;
            }
            page.incidents.push(incident);
            if page.incidents.len() == max {
                page.next = before.map(|id| Place::Over(id.0));
                return Ok(page);
            }
        }
        if !there_is_more {
            return Ok(page);
        }
    }
}

fn fits(query: &GrantQuery, grant: &Grant) -> bool {
    let GrantFilter {
        person,
        right,
        incident,
    } = &query.filter;
    let awaits = |person: &PersonId| grant.is_waiting() && grant.asks(person);
    person
        .as_ref()
        .is_none_or(|person| grant.of.person == *person)
        && right.as_ref().is_none_or(|right| grant.of.right == *right)
        && incident.is_none_or(|incident| grant.of.incident == incident)
        && query.awaiting.as_ref().is_none_or(awaits)
}
