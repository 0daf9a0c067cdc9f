//! What every act has in common: it goes through the sequencer, and comes back with a receipt.

use breakglass_domain::grant::Phase;
use breakglass_domain::{Actor, Change, Command, Grant, GrantId, IncidentId, Refusal};
use breakglass_tlog::receipt::Receipt;

use super::feed::Told;
use super::{App, Error};
use crate::ports::{Decided, Declined, Recorded};

/// What an act on one grant led to.
#[derive(Debug, Clone)]
pub struct Acted {
    /// The grant as it stands now.
    pub grant: Grant,
    /// The entry that carries the statement.
    pub receipt: Receipt,
    /// What else ended with it.
    pub also_ended: Vec<Grant>,
}

impl App {
    /// Records one act; a refusal is on record in the words it is told in.
    pub(super) async fn submit(&self, command: Command) -> Result<Decided, Error> {
        let (by, act) = (command.by.clone(), command.act.name());
        match self.sequencer.submit(command).await {
            Ok(decided) => Ok(decided),
            Err(Declined::Refused(refusal)) => Err(self.refused(&by, act, refusal).await),
            Err(declined) => Err(declined.into()),
        }
    }

    /// Tells it in full, and puts on record what the sequencer could not: it has only what the rules know.
    async fn refused(&self, by: &Actor, act: &'static str, refusal: Refusal) -> Error {
        let (is_whole, reason) = (refusal.is_whole(), refusal.code());
        let (refusal, incident) = self.whole(refusal).await;
        self.refusals.count(reason);
        if let (false, Actor::Person(_)) = (is_whole, by) {
            let text = refusal.to_string();
            self.record_refusal(by, act, (reason, &text), incident)
                .await;
        }
        Error::Refused(refusal)
    }

    /// Says why a grant is over where the rules, which keep only live ones, cannot.
    pub(super) async fn told_in_full(&self, error: Error) -> Error {
        let Error::Refused(refusal) = error else {
            return error;
        };
        self.refusals.count(refusal.code());
        Error::Refused(self.whole(refusal).await.0)
    }

    /// With why a grant is over, and its incident where that is still open.
    async fn whole(&self, refusal: Refusal) -> (Refusal, Option<IncidentId>) {
        let grant = match refusal {
            Refusal::GrantEnded { grant, ended: None }
            | Refusal::EndedAlready { grant, ended: None } => grant,
            whole => return (whole, None),
        };
        let over = self.grant_over(grant).await.ok().flatten();
        let ended = over.as_ref().and_then(|over| match &over.phase {
            Phase::Ended(ended) => Some((ended.ending, ended.at)),
            Phase::Waiting | Phase::Active(_) => None,
        });
        let incident = over.map(|over| over.of.incident);
        let is_open = |id: &IncidentId| self.live.read(|state| state.incidents.contains_key(id));
        let refusal = match refusal {
            Refusal::GrantEnded { .. } => Refusal::GrantEnded { grant, ended },
            _ => Refusal::EndedAlready { grant, ended },
        };
        (refusal, incident.filter(is_open))
    }

    /// The grants that a batch ended, as they ended.
    pub(super) async fn ended_by(&self, decided: &Decided) -> Result<Vec<Grant>, Error> {
        let mut ended = Vec::new();
        for recorded in &decided.recorded {
            if matches!(recorded.event.change, Change::GrantEnded { .. }) {
                ended.extend(self.grant_after(recorded).await?);
            }
        }
        Ok(ended)
    }

    /// The grant an entry is about, at least as new as the entry; `None` where it is about none.
    pub(super) async fn grant_after(&self, recorded: &Recorded) -> Result<Option<Grant>, Error> {
        let Some(of) = recorded.event.change.grant() else {
            return Ok(None);
        };
        match self.live_grant(of.grant) {
            Some(live) => Ok(Some(live)),
            None => match self.feed.at(recorded.index).await {
                Some(told) => self.grant_of(&told).await,
                None => self.grant_over(of.grant).await,
            },
        }
    }

    /// The same for an event that was told.
    pub(super) async fn grant_of(&self, told: &Told) -> Result<Option<Grant>, Error> {
        let Some(of) = told.change().grant() else {
            return Ok(None);
        };
        if let Some(live) = self.live_grant(of.grant) {
            return Ok(Some(live));
        }
        match &told.grant {
            Some(last) => Ok(Some(Grant::clone(last))),
            None => self.grant_over(of.grant).await,
        }
    }

    pub(super) fn live_grant(&self, id: GrantId) -> Option<Grant> {
        self.live
            .read(|state| Some(state.as_it_stands(state.grants.get(&id)?)))
    }
}

/// The receipt of the entry that carries the statement; of the first where the act needs none.
pub(super) fn receipt(decided: &Decided) -> Result<Receipt, Error> {
    let signed = |recorded: &Recorded| recorded.event.signed.is_some();
    let place = decided.recorded.iter().position(signed).unwrap_or(0);
    let receipt = decided.receipts.get(place);
    receipt
        .cloned()
        .ok_or(Error::Broken("an act was recorded without a receipt"))
}

/// The recorded event that `find` is looking for, with its receipt.
pub(super) fn find<'a, T>(
    decided: &'a Decided,
    find: impl Fn(&'a Change) -> Option<T>,
) -> Option<(T, &'a Recorded, &'a Receipt)> {
    let pairs = decided.recorded.iter().zip(&decided.receipts);
    let mut found = pairs.filter_map(|(recorded, receipt)| {
        find(&recorded.event.change).map(|found| (found, recorded, receipt))
    });
    found.next()
}
