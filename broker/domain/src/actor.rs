//! Who acts, as it stands in an entry's `by`.

use std::fmt;
use std::str::FromStr;

use crate::id::{BROKER, IdError, PersonId, SourceId, TargetId};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The broker by itself, or its operator on the broker's host.
    Broker,
    /// Somebody in the policy.
    Person(PersonId),
    /// The guard of a target.
    Target(TargetId),
    /// What tells of alerts.
    Source(SourceId),
}

/// What stands before a target's id in an entry's `by`; no person's id has a colon.
const TARGET: &str = "target:";

/// The same before the id of an alert source.
const SOURCE: &str = "source:";

impl Actor {
    /// The person, where it is one.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Broker | Self::Target(_) | Self::Source(_) => None,
            Self::Person(person) => Some(person),
        }
    }
}

impl From<&PersonId> for Actor {
    fn from(person: &PersonId) -> Self {
        Self::Person(person.clone())
    }
}

impl From<&TargetId> for Actor {
    fn from(target: &TargetId) -> Self {
        Self::Target(target.clone())
    }
}

impl From<&SourceId> for Actor {
    fn from(source: &SourceId) -> Self {
        Self::Source(source.clone())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.write_str(BROKER),
            Self::Person(person) => person.fmt(f),
            Self::Target(target) => write!(f, "{TARGET}{target}"),
            Self::Source(source) => write!(f, "{SOURCE}{source}"),
        }
    }
}

impl FromStr for Actor {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == BROKER {
            return Ok(Self::Broker);
        }
        if let Some(target) = text.strip_prefix(TARGET) {
            return target.parse().map(Self::Target);
        }
        match text.strip_prefix(SOURCE) {
            Some(source) => source.parse().map(Self::Source),
            None => text.parse().map(Self::Person),
        }
    }
}
