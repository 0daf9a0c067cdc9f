//! Guards: how things stand at a target, and who came in there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use breakglass_domain::command::Act;
use breakglass_domain::event::SessionEnd;
use breakglass_domain::policy::access::Target;
use breakglass_domain::{
    Actor, Change, Command, CredentialId, GrantId, IncidentId, KeyId, Lifetime, Line, Nonce,
    PersonId, Refusal, RightId, SessionId, State, TargetId, Time,
};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::feed::{Subscription, Told};
use super::{App, Error};
use crate::ports::EntryFilter;

/// A target's guard whose certificate was checked for this very call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// What it guards.
    pub target: TargetId,
    /// The key of the connection.
    pub key: KeyId,
    /// The same key: uncompressed SEC 1 point, 65 bytes.
    pub public: Vec<u8>,
    /// When the certificate of the connection expires.
    pub certificate_expires_at: Time,
}

/// Somebody who comes in, as the guard tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// By which credential.
    pub credential: CredentialId,
    /// As whom.
    pub login: Line,
    /// From where; may be empty.
    pub origin: String,
    /// Drawn for this login: said again, it is the same session.
    pub once: Option<Nonce>,
    /// When the guard let them in by itself.
    pub let_in_at: Option<Time>,
}

/// How a guard names a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionName {
    /// As it was told.
    Id(SessionId),
    /// By what it drew for it, where it never heard.
    Once(Nonce),
}

/// Which guards attend right now.
#[derive(Debug, Default)]
pub(super) struct Attendance(Arc<Mutex<BTreeMap<TargetId, usize>>>);

/// One that does, until it is dropped.
#[derive(Debug)]
struct Attending(Arc<Mutex<BTreeMap<TargetId, usize>>>, TargetId);

impl Attendance {
    fn begin(&self, target: &TargetId) -> Attending {
        let mut guards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *guards.entry(target.clone()).or_default() += 1;
        Attending(Arc::clone(&self.0), target.clone())
    }

    pub(super) fn has(&self, target: &TargetId) -> bool {
        let guards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guards.contains_key(target)
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        let mut guards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = guards.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                guards.remove(&self.1);
            }
        }
    }
}

/// Every grant that leads to a target and is active, and what of it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtTarget {
    /// Oldest first.
    pub live: Vec<LiveGrant>,
    /// Those that ended since it was last asked for: which, when, and one sentence for people.
    pub ended: Vec<(GrantId, Time, String)>,
    /// How long access outlives the contact with the broker.
    pub grace: Lifetime,
    /// Sessions that are to be over.
    pub doomed: BTreeSet<SessionId>,
    /// Grants whose SSH certificates sshd would still take by their time.
    pub revoked: BTreeSet<GrantId>,
}

impl AtTarget {
    /// Whether a guard that was told `before` has to hear of this. That a session of its own is over
    /// it has said itself.
    fn is_news_after(&self, before: &Self) -> bool {
        let Self {
            live,
            ended: _,
            grace,
            doomed,
            revoked,
        } = self;
        live != &before.live
            || grace != &before.grace
            || revoked != &before.revoked
            || !doomed.is_subset(&before.doomed)
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGrant {
    /// Which.
    pub grant: GrantId,
    /// Whose.
    pub person: PersonId,
    /// For what.
    pub right: RightId,
    /// Under which incident.
    pub incident: IncidentId,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// A guard that attends.
pub struct Attend {
    app: Arc<App>,
    target: TargetId,
    events: Subscription,
    told: Option<AtTarget>,
    /// Something happened since that can have changed it.
    moved: bool,
    ended: Vec<(GrantId, Time, String)>,
    _attending: Attending,
}

/// Sessions under one grant whose entries have the same millisecond: as many as a guard may report
/// at once, and as an index answers.
const AT_ONE_MOMENT: usize = 1_000;

impl App {
    /// Whether the guard may call at all now.
    ///
    /// # Errors
    /// The [`Refusal`] that says why not.
    pub fn admit_guard(&self, guard: &Guard) -> Result<(), Error> {
        let knows = |state: &State| state.knows_guard(&guard.target, &guard.key);
        if self.live.read(knows) {
            return Ok(());
        }
        Err(Refusal::UnknownTarget(guard.target.clone()).into())
    }

    /// Begins to tell a guard how things stand.
    ///
    /// # Errors
    /// As [`App::follow`].
    pub fn attend(self: &Arc<Self>, guard: &Guard) -> Result<Attend, Error> {
        Ok(Attend {
            events: self.follow(None)?,
            app: Arc::clone(self),
            target: guard.target.clone(),
            told: None,
            moved: true,
            ended: Vec::new(),
            _attending: self.attendance.begin(&guard.target),
        })
    }

    /// Somebody came in at the guard's target. One that is on record already is answered with its
    /// entry.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules: nobody comes in then; [`Error::Ledger`], [`Error::Index`].
    pub async fn open_session(
        &self,
        guard: &Guard,
        login: Login,
    ) -> Result<(SessionId, Receipt), Error> {
        let once = login.once;
        let opening = Act::OpenSession {
            grant: login.credential.grant,
            credential: login.credential,
            login: login.login,
            origin: login.origin,
            once,
            let_in_at: login.let_in_at,
        };
        let decided = self.submit(guard.command(opening)).await?;
        if let Some(once) = once.filter(|_| decided.recorded.is_empty()) {
            return self.opened_before(guard, once).await;
        }
        let opened = |change: &Change| match change {
            Change::SessionOpened { session, .. } => Some(*session),
            _ => None,
        };
        let (session, _, receipt) =
            act::find(&decided, opened).ok_or(Error::Broken("no session was opened"))?;
        Ok((session, receipt.clone()))
    }

    async fn opened_before(
        &self,
        guard: &Guard,
        once: Nonce,
    ) -> Result<(SessionId, Receipt), Error> {
        let known = self.live.read(|state| {
            let (id, session) = state.targets.opened_with(&guard.target, once)?;
            Some((id, session.of.grant, session.opened_at))
        });
        // Only its guard ends it, and that is who asks.
        let (id, grant, at) =
            known.ok_or(Error::Broken("a session ended while it was asked for"))?;
        let filter = EntryFilter {
            grant: Some(grant),
            kind: Some("session.opened".to_owned()),
            since: Some(at),
            until: Some(at.plus(Lifetime::from_millis(1))),
            ..EntryFilter::default()
        };
        let places = self.ask_index(move |index| index.entries(&filter, None, AT_ONE_MOMENT));
        for place in places.await?.found {
            let told = self.feed.told_at(place).await?;
            let change = told.as_ref().map(|told| told.change());
            if matches!(change, Some(Change::SessionOpened { session, .. }) if *session == id) {
                return Ok((id, self.entry(place).await?));
            }
        }
        Err(Error::Broken("a session is open and has no entry"))
    }

    /// A session at the guard's target is over.
    ///
    /// # Errors
    /// [`Error::Refused`] where nobody knows it, or no longer; [`Error::Ledger`].
    pub async fn end_session(
        &self,
        guard: &Guard,
        session: SessionName,
        how: SessionEnd,
        took: Option<Lifetime>,
    ) -> Result<Receipt, Error> {
        let session = match session {
            SessionName::Id(session) => session,
            SessionName::Once(once) => {
                let target = &guard.target;
                let opened = |state: &State| state.targets.opened_with(target, once).map(|it| it.0);
                let opened = self.live.read(opened);
                opened.ok_or(Refusal::NoSuchLogin(target.clone()))?
            }
        };
        let ending = Act::EndSession { session, how, took };
        act::receipt(&self.submit(guard.command(ending)).await?)
    }

    fn at_target(&self, id: &TargetId) -> AtTarget {
        let now = self.clock.now();
        self.live.read(|state| {
            let live = state.live_at(id, now).filter_map(|grant| {
                Some(LiveGrant {
                    grant: grant.of.grant,
                    person: grant.of.person.clone(),
                    right: grant.of.right.clone(),
                    incident: grant.of.incident,
                    ends_at: grant.active()?.ends_at,
                })
            });
            let target = state.policy.targets.get(id);
            let sessions = state.targets.sessions.iter();
            let doomed = sessions
                .filter(|(_, session)| session.target == *id && session.over_at.is_some())
                .map(|(session, _)| *session);
            AtTarget {
                live: live.collect(),
                ended: Vec::new(),
                grace: target.map_or(Lifetime::ZERO, |target: &Target| target.grace),
                doomed: doomed.collect(),
                revoked: state.targets.revoked_logins(now),
            }
        })
    }
}

impl Guard {
    fn command(&self, act: Act) -> Command {
        Command {
            by: Actor::from(&self.target),
            signed: None,
            act,
        }
    }
}

impl Attend {
    /// How things stand, as soon as that is another than what was told last; the first answer comes
    /// at once. Safe to cancel.
    ///
    /// # Errors
    /// [`Error::Ledger`] where what happened cannot be read.
    pub async fn changed(&mut self) -> Result<AtTarget, Error> {
        loop {
            // First who ended what and why, so that it is told along with the end.
            while self.events.place() < self.app.feed.tip() {
                let told = self.events.next().await?;
                self.note(&told);
            }
            if self.moved {
                let now = self.app.at_target(&self.target);
                self.moved = false;
                let is_news = self
                    .told
                    .as_ref()
                    .is_none_or(|told| now.is_news_after(told));
                self.told = Some(now.clone());
                if is_news || !self.ended.is_empty() {
                    let ended = std::mem::take(&mut self.ended);
                    return Ok(AtTarget { ended, ..now });
                }
            }
            let told = self.events.next().await?;
            self.note(&told);
        }
    }

    fn note(&mut self, told: &Told) {
        // Who comes and goes is what guards tell us: a thousand of them tell it after an incident, and
        // none has to hear of it.
        let is_heard_from_guards = matches!(
            told.change(),
            Change::SessionOpened { .. } | Change::SessionEnded { .. }
        );
        self.moved |= !is_heard_from_guards;
        self.note_ending(told);
    }

    /// Only of those that were told to live here.
    fn note_ending(&mut self, told: &Told) {
        let Change::GrantEnded { of, .. } = told.change() else {
            return;
        };
        let lived = |live: &LiveGrant| live.grant == of.grant;
        if self
            .told
            .as_ref()
            .is_some_and(|told| told.live.iter().any(lived))
        {
            let text = self.app.sentence(told, told.grant.as_deref());
            self.ended.push((of.grant, told.event().at, text));
        }
    }

    /// What it guards.
    #[must_use]
    pub fn target(&self) -> &TargetId {
        &self.target
    }
}
