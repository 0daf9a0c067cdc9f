//! Hold: keeps a held grant alive, and tells its holder what happens to it.

use std::sync::Arc;

use breakglass_domain::grant::Phase;
use breakglass_domain::{Change, Grant, GrantId, IncidentId, Refusal, State};

use super::asked::{Asked, changes_who_is_there};
use super::feed::{Subscription, Told};
use super::presence::Holding;
use super::tell::Words;
use super::{App, Caller, Error};
use crate::ports::{EntryFilter, Index};

/// A grant that is being held by one stream. Dropping it lets go.
pub struct Hold {
    app: Arc<App>,
    _holding: Holding,
    events: Subscription,
    /// At least as new as the newest event that was given out.
    grant: Grant,
    /// As its holder was last told, or could have read when it began.
    asked: Asked,
    /// Where to stop, for a grant that was over when the stream began.
    until: Option<u64>,
}

/// Something happened to the grant, to its incident, or to whom it waits for.
#[derive(Debug, Clone)]
pub struct HoldNews {
    /// The event.
    pub told: Arc<Told>,
    /// One sentence for people.
    pub text: String,
    /// The grant, at least as new as the event.
    pub grant: Grant,
    /// Who of those whose word it waits for is there, as of now.
    pub asked: Asked,
}

impl App {
    /// Holds one's own grant and hears of it from entry `from` on; 0 means from its request.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such grant or it is somebody else's; [`Error::Index`]
    /// where one that is over cannot be looked up; [`Error::NoSuchEntry`] beyond the ledger.
    pub async fn hold(
        self: &Arc<Self>,
        caller: &Caller,
        id: GrantId,
        from: u64,
    ) -> Result<Hold, Error> {
        let grant = self.grant(id).await?;
        if grant.of.person != caller.person {
            let holder = grant.of.person;
            return Err(Refusal::NotYours { grant: id, holder }.into());
        }
        // Looked at after the grant, so that the ending of one that is over is told.
        let size = self.reader.checkpoint().size();
        if from > size {
            return Err(Error::NoSuchEntry { index: from, size });
        }
        let from = self.first_news(id, from).await;
        let over = matches!(grant.phase, Phase::Ended(_));
        Ok(Hold {
            _holding: self.presence.hold(id),
            events: self.feed.subscribe(from),
            until: over.then_some(size),
            app: Arc::clone(self),
            asked: self.asked(&grant),
            grant,
        })
    }

    /// Where to begin for whoever asks for news from `from` on: nothing before the request is about
    /// the grant, so nobody looks through what is older. Where the index cannot say, 0 is the oldest in
    /// memory: a holder who misses old news is better off than one who cannot hold.
    async fn first_news(&self, grant: GrantId, from: u64) -> u64 {
        if from >= self.feed.oldest() && from > 0 {
            return from;
        }
        match self.asked_at(grant).await {
            Some(asked_at) => from.max(asked_at),
            None if from == 0 => self.feed.oldest(),
            None => from,
        }
    }

    /// The entry of a request.
    async fn asked_at(&self, grant: GrantId) -> Option<u64> {
        if let Some(entry) = self.feed.asked_at(grant) {
            return Some(entry);
        }
        let filter = EntryFilter {
            grant: Some(grant),
            oldest_first: true,
            ..EntryFilter::default()
        };
        let found = move |index: &dyn Index| index.entries(&filter, None, 1);
        match self.ask_index(found).await {
            Ok(places) => places.first().copied(),
            Err(error) => {
                tracing::warn!(%grant, %error, "held without its older news");
                None
            }
        }
    }
}

impl Hold {
    /// The next news; `None` after the grant's ending, the last there is. Safe to cancel.
    ///
    /// # Errors
    /// [`Error::Ledger`] where old entries cannot be read.
    pub async fn next(&mut self) -> Result<Option<HoldNews>, Error> {
        loop {
            let place = self.events.place();
            if self.until.is_some_and(|until| place >= until) {
                return Ok(None);
            }
            let told = self.events.next().await?;
            if self.concerns(&told) {
                return Ok(Some(self.news(told)));
            }
        }
    }

    /// Whether anything is committed that was not looked at.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.events.place() < self.app.reader.checkpoint().size()
    }

    /// The grant itself, what happens to its incident as a whole, or to those whose word it waits for.
    fn concerns(&self, told: &Told) -> bool {
        let (of, change) = (&self.grant.of, told.change());
        match change.grant() {
            Some(about) => about.grant == of.grant,
            // What others were refused is nothing to whoever holds a grant.
            None if matches!(change, Change::Refused { .. }) => false,
            None if changes_who_is_there(change) => self.app.asked(&self.grant) != self.asked,
            None => change.incident() == Some(of.incident),
        }
    }

    fn news(&mut self, told: Arc<Told>) -> HoldNews {
        match self.app.live_grant(self.grant.of.grant) {
            Some(now) => self.grant = now,
            None => self.grant.apply(told.event()),
        }
        let change = told.change();
        if matches!(change, Change::GrantEnded { of, .. } if of.grant == self.grant.of.grant) {
            self.until = Some(told.index() + 1);
        }
        self.asked = self.app.asked(&self.grant);
        HoldNews {
            asked: self.asked.clone(),
            text: self.app.sentence(&told, Some(&self.grant)),
            grant: self.grant.clone(),
            told,
        }
    }
}

impl App {
    /// Whether somebody holds an incident open, whatever becomes of its alert.
    #[must_use]
    pub fn is_held(&self, incident: IncidentId) -> bool {
        let is_held = |state: &State| {
            let open = state.incidents.get(&incident);
            open.is_some_and(|open| open.held)
        };
        self.live.read(is_held)
    }

    /// One sentence for people about an event.
    pub(super) fn sentence(&self, told: &Told, grant: Option<&Grant>) -> String {
        let policy = self.live.read(|state| Arc::clone(&state.policy));
        let incident = told.change().incident();
        let words = Words {
            policy: &policy,
            grant,
            held: incident.is_some_and(|incident| self.is_held(incident)),
        };
        super::tell::tell(told.event(), &words)
    }
}
