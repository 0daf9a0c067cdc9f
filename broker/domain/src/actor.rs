//! Who acts, as it stands in an entry's `by`.

use std::fmt;
use std::str::FromStr;

use crate::id::{BROKER, IdError, PersonId, TargetId};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The broker by itself, or its operator on the broker's host.
    Broker,
    /// Somebody in the policy.
    Person(PersonId),
    /// The guard of a target.
    Target(TargetId),
}

/// What stands before a target's id in an entry's `by`; no person's id has a colon.
const TARGET: &str = "target:";

impl Actor {
    /// The person, where it is one.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Broker | Self::Target(_) => None,
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

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.write_str(BROKER),
            Self::Person(person) => person.fmt(f),
            Self::Target(target) => write!(f, "{TARGET}{target}"),
        }
    }
}

impl FromStr for Actor {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == BROKER {
            return Ok(Self::Broker);
        }
        match text.strip_prefix(TARGET) {
            Some(target) => target.parse().map(Self::Target),
            None => text.parse().map(Self::Person),
        }
    }
}
