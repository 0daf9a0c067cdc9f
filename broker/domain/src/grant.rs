//! One record from asking to ending.

use crate::event::{Actor, Event};
use crate::id::{GrantId, IncidentId, KeyId, PersonId, RightId, RuleName};
use crate::policy::Risk;
use crate::text::Line;
use crate::time::{Lifetime, Time};
use crate::unlock::{Missing, Unlock};
use crate::word::words;

/// What every entry about a grant names, so that each can be read and found alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRef {
    /// `G-45`.
    pub grant: GrantId,
    /// The holder.
    pub person: PersonId,
    /// The right.
    pub right: RightId,
    /// The incident it belongs to.
    pub incident: IncidentId,
    /// Whether that is a drill.
    pub drill: bool,
}

/// A request and what became of it. All is pinned when it is asked for, but `phase`, the credentials,
/// what was done for its unlocking, and that it escalated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who, what, for which incident.
    pub of: GrantRef,
    /// The right in plain language, as signed.
    pub sentence: Line,
    /// How risky the right is.
    pub risk: Risk,
    /// What the requester said.
    pub reason: Line,
    /// How long was asked for; counts from the start.
    pub length: Lifetime,
    /// The rule that applies.
    pub rule: RuleName,
    /// Who may approve, never the requester; empty where nobody needs to. Once it has escalated, those
    /// it went to as well.
    pub approvers: Vec<PersonId>,
    /// When it goes to whom else if nobody answers; nothing where it stays with those.
    pub escalation: Option<Escalation>,
    /// When it did.
    pub escalated_at: Option<Time>,
    /// The call that the rule asks for; nothing where it asks for none.
    pub unlock: Option<Unlock>,
    /// When it was asked for.
    pub requested_at: Time,
    /// When the request lapses.
    pub lapses_at: Time,
    /// What the rule allows if nobody answers.
    pub self_grant: Option<SelfGrant>,
    /// For how long nobody could be told of it, so that as much was added to when it lapses and may be
    /// begun alone.
    pub stood_still: Lifetime,
    /// Lives only while the holder's client holds it.
    pub held: bool,
    /// The key the request was signed with; credentials are bound to it. Nothing where the grant was
    /// handed over: its holder has signed nothing, and each is bound to the laptop that takes it.
    pub key: Option<KeyId>,
    /// Who credentials are for (JWT `aud`).
    pub audience: Line,
    /// Where it comes from, where it was handed over.
    pub handed: Option<HandedOver>,
    /// Where it is on its way.
    pub phase: Phase,
    /// How many credentials were issued under it.
    pub credentials: u32,
    /// Until when the last of those is valid that nobody can take back: a JWT, an X.509 certificate.
    pub credentials_until: Option<Time>,
}

impl Grant {
    /// The active part, where it is active.
    #[must_use]
    pub fn active(&self) -> Option<&Active> {
        match &self.phase {
            Phase::Active(active) => Some(active),
            _ => None,
        }
    }

    /// Whether it waits for an approver.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting)
    }

    /// When it goes to whom else, where it waits and has not yet.
    #[must_use]
    pub fn escalates(&self) -> Option<&Escalation> {
        let pending = self.is_waiting() && self.escalated_at.is_none();
        self.escalation.as_ref().filter(|_| pending)
    }

    /// What is still needed at a time, where it waits and its rule asks for a call.
    #[must_use]
    pub fn missing_at(&self, now: Time) -> Option<Missing> {
        let unlock = self.unlock.as_ref().filter(|_| self.is_waiting())?;
        let unlock = unlock.clone().counting(|_| true, |yes| yes.until > now);
        Some(unlock.missing(&self.of.person, !self.approvers.is_empty()))
    }

    /// From when on the longest time counts: where the first began of those that were handed over.
    #[must_use]
    pub fn counts_since(&self, active: &Active) -> Time {
        let handed = self.handed.as_ref();
        handed.map_or(active.begins_at, |handed| handed.since)
    }

    /// Whether the person is one whose word it waits for: an approver, or whose call counts.
    #[must_use]
    pub fn asks(&self, person: &PersonId) -> bool {
        let calls = |unlock: &Unlock| unlock.callers.contains(person);
        self.approvers.contains(person) || self.unlock.as_ref().is_some_and(calls)
    }
}

/// The guarded self-grant a rule allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfGrant {
    /// From when.
    pub from: Time,
    /// The longest it may last.
    pub longest: Lifetime,
}

/// What a request says that was made by handing over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handed {
    /// The grant of whoever hands over.
    pub from: GrantId,
    /// When the first began of those that were handed over one after the other.
    pub since: Time,
    /// The latest end, as signed: that of the grant it comes from.
    pub until: Time,
}

/// The same, with who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// The grant of whoever hands over.
    pub from: GrantId,
    /// Who hands over.
    pub by: PersonId,
    /// When the first began of those that were handed over one after the other.
    pub since: Time,
    /// The latest end.
    pub until: Time,
}

impl HandedOver {
    /// As a request says it; only people hand over.
    pub(crate) fn by(event: &Event, handed: &Handed) -> Option<Self> {
        let Handed { from, since, until } = *handed;
        let by = event.by.person()?.clone();
        Some(Self {
            from,
            by,
            since,
            until,
        })
    }
}

/// Who has it instead, and under which grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedTo {
    /// The new grant.
    pub grant: GrantId,
    /// Its holder.
    pub person: PersonId,
}

/// Whom a request goes to if nobody answers it, as its rule said when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// When. At once where none of those it asks first was there.
    pub at: Time,
    /// To whom; never the requester, nobody who was asked first, and never empty.
    pub to: Vec<PersonId>,
}

/// Where a grant is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// For an approver.
    Waiting,
    /// Credentials can be issued.
    Active(Active),
    /// Over; never again.
    Ended(Ended),
}

/// A grant that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// How it came to begin.
    pub basis: Basis,
    /// Who said yes: an approver; the holder where self-granted; the broker on the fast path.
    pub by: Actor,
    /// When it began.
    pub begins_at: Time,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// A grant that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it had begun, where it had.
    pub was: Option<Active>,
    /// Why.
    pub ending: Ending,
    /// When.
    pub at: Time,
    /// Who; the broker where it did by itself.
    pub by: Actor,
    /// What was said.
    pub reason: Option<Line>,
    /// Who has it instead, where it was handed over.
    pub to: Option<HandedTo>,
}

words! {
    /// How a grant came to begin.
    Basis {
        /// The rule needs no approval.
        FastPath = "fast-path",
        /// A named approver said yes.
        Approved = "approved",
        /// Nobody answered and the rule allowed it. Loud.
        SelfGranted = "self-granted",
        /// An engineer spoke with the holder, and it is noted; approved too where the rule names approvers.
        Called = "called",
    }
}

impl Ending {
    /// As people say it, before "at 20:30": "given back".
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Lapsed => "not answered in time",
            Self::Dropped => "given back",
            Self::Revoked => "revoked",
            Self::Expired => "its time ran out",
            Self::IncidentClosed => "its incident closed",
            Self::PersonLeft => "its holder left, or may not have it any more",
            Self::PersonFrozen => "its holder was frozen",
            Self::Abandoned => "the `glass` that held it was gone",
            Self::Vetoed => "vetoed",
            Self::HandedOver => "handed over",
        }
    }
}

words! {
    /// Why a request or a grant is over.
    Ending {
        /// An approver said no.
        Denied = "denied",
        /// Nobody answered in time.
        Lapsed = "lapsed",
        /// The holder gave it back, or took the request back.
        Dropped = "dropped",
        /// Somebody ended it.
        Revoked = "revoked",
        /// Its time ran out.
        Expired = "expired",
        /// Its incident closed.
        IncidentClosed = "incident-closed",
        /// The holder left the team, or the policy no longer gives them the right.
        PersonLeft = "person-left",
        /// The holder was frozen.
        PersonFrozen = "person-frozen",
        /// The holder's client has been gone for longer than the grace.
        Abandoned = "abandoned",
        /// Somebody on the team did not want it to be begun alone, or to go on so.
        Vetoed = "vetoed",
        /// Its holder handed it over, and somebody else's began.
        HandedOver = "handed-over",
    }
}
