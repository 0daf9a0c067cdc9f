//! What one laptop may write within a time, so that it cannot fill the ledger.
//!
//! Each [`Budget`] is whole at first; what is spent comes back steadily. All that has to be known of
//! one is when it will be whole again, so a quiet person, key or grant is nothing at all, and state
//! stays small however long the night. What ends or closes something is never counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::event::{Actor, Change, Event};
use crate::id::{GrantId, KeyId, PersonId, SourceId, TargetId};
use crate::incident::Alert;
use crate::limits::{
    ALERTS, ALERTS_OF_ONE, CREDENTIALS_OF_GRANT, DRILLS, EXPORTS, EXTENSIONS, NOTES,
    RENEWALS_OF_KEY, REQUESTS, SESSIONS_AT_TARGET, SESSIONS_OF_PERSON, TEAM_CHANGES, UNDER_GRANTS,
    USES_OF_GRANT,
};
use crate::text::Line;
use crate::time::{Lifetime, Time};

/// So many of something within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Of what, as it goes on from "too many".
    pub what: &'static str,
    /// How many at once, after a quiet time.
    pub most: u32,
    /// How long it takes until all of them have come back.
    pub within: Lifetime,
}

impl Budget {
    /// How long one of them takes to come back.
    #[must_use]
    pub fn each(&self) -> Lifetime {
        Lifetime::from_millis(self.within.as_millis() / i64::from(self.most))
    }
}

/// Whose, and what for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spending {
    /// Grants that a person asks for, for themselves or for somebody they hand one over to.
    Requests(PersonId),
    /// Notes of a person, under whatever incident.
    Notes(PersonId),
    /// More time, given by a person.
    Extensions(PersonId),
    /// Copies of the ledger that a person takes.
    Exports(PersonId),
    /// Invitations of people and guards, lifted freezes and removals by a person.
    TeamChanges(PersonId),
    /// Certificates for one key.
    Renewals(KeyId),
    /// Credentials under one grant, after its first.
    Credentials(GrantId),
    /// Uses of one grant.
    Uses(GrantId),
    /// Sessions that a guard reports as opened.
    Sessions(TargetId),
    /// Credentials and uses under all grants of a person, after the first credential of each.
    UnderGrants(PersonId),
    /// Sessions of a person at one target.
    Logins(PersonId, TargetId),
    /// Drills that a person opens.
    Drills(PersonId),
    /// Incidents that a source opens, and alerts of it that are resolved.
    Alerts(SourceId),
    /// The same of one alert of it.
    Alert(SourceId, Line),
}

impl Spending {
    /// How much of it there is.
    #[must_use]
    pub fn budget(&self) -> Budget {
        match self {
            Self::Requests(_) => REQUESTS,
            Self::Notes(_) => NOTES,
            Self::Extensions(_) => EXTENSIONS,
            Self::Exports(_) => EXPORTS,
            Self::TeamChanges(_) => TEAM_CHANGES,
            Self::Renewals(_) => RENEWALS_OF_KEY,
            Self::Credentials(_) => CREDENTIALS_OF_GRANT,
            Self::Uses(_) => USES_OF_GRANT,
            Self::Sessions(_) => SESSIONS_AT_TARGET,
            Self::UnderGrants(_) => UNDER_GRANTS,
            Self::Logins(..) => SESSIONS_OF_PERSON,
            Self::Drills(_) => DRILLS,
            Self::Alerts(_) => ALERTS,
            Self::Alert(..) => ALERTS_OF_ONE,
        }
    }

    /// What an event has spent. The broker's own acts are not counted.
    fn of(event: &Event, alert: Option<&Alert>) -> impl Iterator<Item = Self> {
        let all = [
            Self::of_one(event),
            Self::of_all(event),
            Self::of_alert(event, alert),
        ];
        all.into_iter().flatten()
    }

    /// The alert that opened, or whose end closes; `alert` is that of the open incident it is about.
    fn of_alert(event: &Event, alert: Option<&Alert>) -> Option<Self> {
        let (source, key) = match &event.change {
            Change::IncidentOpened { source, alert, .. } => (source.as_ref()?, alert.as_ref()?),
            Change::IncidentResolved { .. } => alert.map(|it| (&it.source, &it.key))?,
            _ => return None,
        };
        Some(Self::Alert(source.clone(), key.clone()))
    }

    fn of_one(event: &Event) -> Option<Self> {
        let by = event.by.person().cloned();
        match &event.change {
            Change::GrantRequested { .. } => by.map(Self::Requests),
            Change::IncidentNoted { .. } | Change::IncidentHeld { .. } => by.map(Self::Notes),
            Change::IncidentOpened { .. } if event.drill => by.map(Self::Drills),
            Change::IncidentOpened { .. } | Change::IncidentResolved { .. } => match &event.by {
                Actor::Source(source) => Some(Self::Alerts(source.clone())),
                _ => None,
            },
            Change::GrantExtended { .. } => by.map(Self::Extensions),
            Change::LedgerExported { .. } => by.map(Self::Exports),
            Change::PersonInvited { .. }
            | Change::TargetInvited { .. }
            | Change::PersonUnfrozen { .. }
            | Change::PersonRemoved { .. } => by.map(Self::TeamChanges),
            Change::CertificateRenewed { key, .. } | Change::TargetRenewed { key, .. } => {
                Some(Self::Renewals(key.clone()))
            }
            Change::CredentialIssued { of, credential, .. } if credential.number > 1 => {
                Some(Self::Credentials(of.grant))
            }
            Change::GrantUsed { of, .. } => Some(Self::Uses(of.grant)),
            Change::SessionOpened { target, .. } => Some(Self::Sessions(target.clone())),
            _ => None,
        }
    }

    /// What is counted a second time: under whichever of a person's grants, over a longer time.
    fn of_all(event: &Event) -> Option<Self> {
        match &event.change {
            Change::CredentialIssued { of, credential, .. } if credential.number > 1 => {
                Some(Self::UnderGrants(of.person.clone()))
            }
            Change::GrantUsed { of, .. } => Some(Self::UnderGrants(of.person.clone())),
            Change::SessionOpened { of, target, .. } => {
                Some(Self::Logins(of.person.clone(), target.clone()))
            }
            _ => None,
        }
    }
}

/// What everybody has spent that has not come back yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budgets {
    whole_at: BTreeMap<Spending, Time>,
    /// The same, in order of the moment.
    ends: BTreeSet<(Time, Spending)>,
}

impl Budgets {
    /// From a snapshot: what [`Budgets::spent`] named.
    #[must_use]
    pub fn restored(spent: impl IntoIterator<Item = (Spending, Time)>) -> Self {
        let whole_at: BTreeMap<_, _> = spent.into_iter().collect();
        let ends = whole_at.iter().map(|(of, at)| (*at, of.clone()));
        let ends = ends.collect();
        Self { whole_at, ends }
    }

    /// What is not whole, and when each will be.
    pub fn spent(&self) -> impl Iterator<Item = (&Spending, Time)> {
        self.whole_at.iter().map(|(of, at)| (of, *at))
    }

    /// How many are not whole.
    #[must_use]
    pub fn len(&self) -> usize {
        self.whole_at.len()
    }

    /// Whether all of them are whole.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whole_at.is_empty()
    }

    /// `None` where there is one left at `at`; otherwise when there will be.
    #[must_use]
    pub fn again_at(&self, of: &Spending, at: Time) -> Option<Time> {
        let budget = of.budget();
        let whole_at = self.whole_at.get(of)?;
        let again_at = whole_at.plus(budget.each()).minus(budget.within);
        (again_at > at).then_some(again_at)
    }

    /// Folds one event in; `alert` is that of the open incident it is about, where an alert opened it.
    pub(crate) fn apply(&mut self, event: &Event, alert: Option<&Alert>) {
        for of in Spending::of(event, alert) {
            self.spend(of, event.at);
        }
        if let Change::GrantEnded { of, .. } = &event.change {
            self.forget(&Spending::Credentials(of.grant));
            self.forget(&Spending::Uses(of.grant));
        }
        self.forget_whole_ones(event.at);
    }

    /// Nothing can be spent of it any more.
    pub(crate) fn forget(&mut self, of: &Spending) {
        if let Some((of, at)) = self.whole_at.remove_entry(of) {
            self.ends.remove(&(at, of));
        }
    }

    /// An event is a fact, so there may be more of them than the budget has, from before there was
    /// one; nobody waits longer for that than until all of it has come back.
    fn spend(&mut self, of: Spending, at: Time) {
        let budget = of.budget();
        let before = self.whole_at.get(&of).copied();
        let spent = before.unwrap_or(at).max(at).plus(budget.each());
        let whole_at = spent.min(at.plus(budget.within));
        self.forget(&of);
        self.ends.insert((whole_at, of.clone()));
        self.whole_at.insert(of, whole_at);
    }

    fn forget_whole_ones(&mut self, at: Time) {
        while self.ends.first().is_some_and(|(end, _)| *end <= at) {
            if let Some((_, of)) = self.ends.pop_first() {
                self.whole_at.remove(&of);
            }
        }
    }
}

/// `notes mia`, for a snapshot.
impl fmt::Display for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(person) => write!(f, "requests {person}"),
            Self::Notes(person) => write!(f, "notes {person}"),
            Self::Extensions(person) => write!(f, "extensions {person}"),
            Self::Exports(person) => write!(f, "exports {person}"),
            Self::TeamChanges(person) => write!(f, "team-changes {person}"),
            Self::Renewals(key) => write!(f, "renewals {key}"),
            Self::Credentials(grant) => write!(f, "credentials {grant}"),
            Self::Uses(grant) => write!(f, "uses {grant}"),
            Self::Sessions(target) => write!(f, "sessions {target}"),
            Self::UnderGrants(person) => write!(f, "under-grants {person}"),
            Self::Logins(person, target) => write!(f, "logins {person} {target}"),
            Self::Drills(person) => write!(f, "drills {person}"),
            Self::Alerts(source) => write!(f, "alerts {source}"),
            Self::Alert(source, key) => write!(f, "alert {source} {key}"),
        }
    }
}

/// A text that names no budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no budget")]
pub struct SpendingError(String);

fn login(whose: &str) -> Option<Spending> {
    let (person, target) = whose.split_once(' ')?;
    Some(Spending::Logins(person.parse().ok()?, target.parse().ok()?))
}

/// What a source calls its alert may have spaces.
fn alert(whose: &str) -> Option<Spending> {
    let (source, key) = whose.split_once(' ')?;
    Some(Spending::Alert(source.parse().ok()?, Line::recorded(key)))
}

impl FromStr for Spending {
    type Err = SpendingError;

    fn from_str(text: &str) -> Result<Self, SpendingError> {
        let (what, whose) = text.split_once(' ').unwrap_or_default();
        let spending = match what {
            "requests" => whose.parse().ok().map(Self::Requests),
            "notes" => whose.parse().ok().map(Self::Notes),
            "extensions" => whose.parse().ok().map(Self::Extensions),
            "exports" => whose.parse().ok().map(Self::Exports),
            "team-changes" => whose.parse().ok().map(Self::TeamChanges),
            "renewals" => whose.parse().ok().map(Self::Renewals),
            "credentials" => whose.parse().ok().map(Self::Credentials),
            "uses" => whose.parse().ok().map(Self::Uses),
            "sessions" => whose.parse().ok().map(Self::Sessions),
            "under-grants" => whose.parse().ok().map(Self::UnderGrants),
            "logins" => login(whose),
            "drills" => whose.parse().ok().map(Self::Drills),
            "alerts" => whose.parse().ok().map(Self::Alerts),
            "alert" => alert(whose),
            _ => None,
        };
        spending.ok_or_else(|| SpendingError(text.to_owned()))
    }
}
