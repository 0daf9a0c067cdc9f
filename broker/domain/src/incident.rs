//! Something is broken, and for as long as it is, grants may be asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::event::Actor;
use crate::id::{GrantId, IncidentId, PersonId, RightId, SourceId};
use crate::text::{Line, Prose};
use crate::time::Time;

/// How bad an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The product is down or data is at risk.
    Sev1,
    /// Part of the product does not work.
    Sev2,
    /// Something is wrong and can wait for daylight.
    Sev3,
}

impl Severity {
    /// All of them, worst first.
    pub const ALL: [Self; 3] = [Self::Sev1, Self::Sev2, Self::Sev3];

    /// `sev1`, `sev2` or `sev3`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sev1 => "sev1",
            Self::Sev2 => "sev2",
            Self::Sev3 => "sev3",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a severity is one of sev1, sev2, sev3")]
pub struct SeverityError;

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, SeverityError> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or(SeverityError)
    }
}

/// An incident, open or (in the index) closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// `INC-12`.
    pub id: IncidentId,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub title: Line,
    /// Who opened it.
    pub opened_by: Actor,
    /// When.
    pub opened_at: Time,
    /// When it closes by itself.
    pub closes_at: Time,
    /// When it closes where nothing makes it close earlier: its age by the policy.
    pub usual_end: Time,
    /// When `closes_at` last changed.
    pub closes_since: Time,
    /// Whether people were warned that it will.
    pub warned: bool,
    /// What opened it, where no person did.
    pub alert: Option<Alert>,
    /// Its alert is over.
    pub resolved: bool,
    /// Somebody keeps it open until its usual end.
    pub held: bool,
    /// Who did so last.
    pub held_by: Option<Actor>,
    /// The first [`NOTES_IN_MEMORY`](crate::limits::NOTES_IN_MEMORY) notes, and the first of each person
    /// after them; oldest first.
    pub notes: Vec<Note>,
    /// The first [`GRANTS_IN_MEMORY`](crate::limits::GRANTS_IN_MEMORY) grants asked for under it,
    /// oldest first.
    pub grants: Vec<GrantId>,
    /// Rights that somebody may not begin alone any more while it is open: their self-grant was vetoed.
    pub vetoed: BTreeSet<(PersonId, RightId)>,
    /// What somebody began alone under it.
    pub alone: BTreeMap<(PersonId, RightId), Alone>,
    /// Whether it is a drill: nothing is broken, and it unlocks only what the policy lists for drills.
    pub drill: bool,
    /// Set when it closed.
    pub closed: Option<Closing>,
}

/// The self-grants of one person for one right under one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alone {
    /// How many began.
    pub begun: u32,
    /// Those of them that run.
    pub runs: BTreeSet<GrantId>,
    /// When the last of the others ended.
    pub ended_at: Option<Time>,
}

/// An alert, as the source that tells of it names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Who tells.
    pub source: SourceId,
    /// What it calls the alert; the same each time.
    pub key: Line,
}

impl Incident {
    /// Whether it was opened for this alert.
    #[must_use]
    pub fn is_of(&self, source: &SourceId, key: &Line) -> bool {
        let same = |alert: &Alert| alert.source == *source && alert.key == *key;
        self.alert.as_ref().is_some_and(same)
    }

    /// How many of a right somebody has begun alone under it.
    #[must_use]
    pub fn alone_before(&self, person: &PersonId, right: &RightId) -> u32 {
        let alone = self.alone.get(&(person.clone(), right.clone()));
        alone.map_or(0, |alone| alone.begun)
    }
}

/// One line somebody added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// What.
    pub text: Prose,
}

/// How an incident closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Who; the broker where it reached its maximum age.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// What was said.
    pub reason: Line,
}
