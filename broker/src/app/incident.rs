//! Open, note, close, and look at one.

use breakglass_domain::targets::{Role, Session};
use breakglass_domain::{
    Change, Command, Grant, GrantRef, Incident, IncidentId, Line, Refusal, SessionId, State,
};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::limits::GRANTS_OF_INCIDENT;
use super::{App, Error};
use crate::ports::{Decided, GrantFilter, Index};

/// What closing an incident ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// As closed.
    pub incident: Incident,
    /// The requests and grants that ended with it.
    pub grants: Vec<Grant>,
    /// The entry that carries the statement.
    pub receipt: Receipt,
    /// What is to be over at targets with it.
    pub doomed: Doomed,
}

/// What is to be over at targets.
#[derive(Debug, Clone, Default)]
pub struct Doomed {
    /// Sessions to be cut.
    pub sessions: Vec<(SessionId, Session)>,
    /// Roles to be dropped.
    pub roles: Vec<(Line, Role)>,
}

impl Doomed {
    /// What is there of such grants, which are all over.
    pub(super) fn of(state: &State, such: impl Fn(&GrantRef) -> bool) -> Self {
        let sessions = state.targets.sessions.iter();
        let sessions = sessions.filter(|(_, session)| such(&session.of));
        let roles = state.targets.roles.iter();
        let roles = roles.filter(|(_, role)| such(&role.of));
        Self {
            sessions: sessions.map(|(id, it)| (*id, it.clone())).collect(),
            roles: roles.map(|(name, it)| (name.clone(), it.clone())).collect(),
        }
    }
}

/// One incident with its grants.
#[derive(Debug, Clone)]
pub struct IncidentWithGrants {
    /// With its notes.
    pub incident: Incident,
    /// The newest [`GRANTS_OF_INCIDENT`] under it, oldest first.
    pub grants: Vec<Grant>,
}

impl App {
    /// Opens an incident.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn open(&self, command: Command) -> Result<(Incident, Receipt), Error> {
        let decided = self.submit(command).await?;
        let receipt = act::receipt(&decided)?;
        let opened = decided.recorded.iter();
        let opened = opened
            .filter_map(|recorded| Incident::opened(&recorded.event))
            .next();
        let opened = opened.ok_or(Error::Broken("no incident was opened"))?;
        Ok((opened, receipt))
    }

    /// Adds a note.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn note(&self, command: Command) -> Result<Receipt, Error> {
        act::receipt(&self.submit(command).await?)
    }

    /// Keeps an incident open that its alert would close.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn hold_incident(&self, command: Command) -> Result<(Incident, Receipt), Error> {
        let decided = self.submit(command).await?;
        let held = |change: &Change| match change {
            Change::IncidentHeld { incident, .. } => Some(*incident),
            _ => None,
        };
        let (id, _, receipt) =
            act::find(&decided, held).ok_or(Error::Broken("no incident was held"))?;
        Ok((self.incident(id).await?, receipt.clone()))
    }

    /// Closes an incident and ends every grant under it, in one batch.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn close(&self, command: Command) -> Result<Ended, Error> {
        let decided = self.submit(command).await?;
        let receipt = act::receipt(&decided)?;
        let incident = self.closed_by(&decided).await?;
        let grants = self.ended_by(&decided).await?;
        Ok(Ended {
            doomed: self.doomed_with(incident.id),
            incident,
            grants,
            receipt,
        })
    }

    /// What at targets is to be over now that an incident is.
    fn doomed_with(&self, id: IncidentId) -> Doomed {
        self.live
            .read(|state| Doomed::of(state, |of| of.incident == id))
    }

    async fn closed_by(&self, decided: &Decided) -> Result<Incident, Error> {
        let closed = |change: &Change| match change {
            Change::IncidentClosed { incident, .. } => Some(*incident),
            _ => None,
        };
        let (id, recorded, _) =
            act::find(decided, closed).ok_or(Error::Broken("no incident was closed"))?;
        let told = self.feed.at(recorded.index).await;
        match told.and_then(|told| told.incident.clone()) {
            Some(incident) => Ok(Incident::clone(&incident)),
            None => self.incident(id).await,
        }
    }

    /// One incident, open or closed.
    ///
    /// # Errors
    /// [`Error::Refused`] where there never was one; [`Error::Index`].
    pub async fn incident(&self, id: IncidentId) -> Result<Incident, Error> {
        let open = || self.live.read(|state| state.incidents.get(&id).cloned());
        if let Some(open) = open() {
            return Ok(open);
        }
        let unknown = || Error::Refused(Refusal::UnknownIncident(id));
        if id == IncidentId(0) || self.live.read(|state| id >= state.next_incident) {
            return Err(unknown());
        }
        let closed = self.ask_index(move |index| index.incident(id)).await?;
        closed.or_else(open).ok_or_else(unknown)
    }

    /// One incident with its grants.
    ///
    /// # Errors
    /// [`Error::Refused`] where there never was one; [`Error::Index`].
    pub async fn incident_with_grants(&self, id: IncidentId) -> Result<IncidentWithGrants, Error> {
        let incident = self.incident(id).await?;
        let filter = GrantFilter {
            incident: Some(id),
            ..GrantFilter::default()
        };
        let grants = move |index: &dyn Index| index.grants(&filter, None, GRANTS_OF_INCIDENT);
        let mut grants = self.ask_index(grants).await?;
        grants.reverse();
        // What lives is known better: a note, or a freeze, changes what a request waits for.
        for grant in &mut grants {
            if let Some(live) = self.live_grant(grant.of.grant) {
                *grant = live;
            }
        }
        Ok(IncidentWithGrants { incident, grants })
    }
}
