//! Why a command did not do it, and what to do next.

use std::fmt;

use breakglass_domain::policy::PolicyError;

use crate::config::ConfigError;
use crate::issue::keys::KeyError;
use crate::ports::{Declined, IndexError, IssueError, LedgerError};

/// What happened and why, for the operator, and the next command.
#[derive(Debug)]
pub struct Failure {
    what: String,
    next: Option<String>,
    usage: bool,
}

impl Failure {
    /// Something did not work.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            next: None,
            usage: false,
        }
    }

    /// The command was given in a way that cannot be.
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            usage: true,
            ..Self::new(what)
        }
    }

    /// With what to do next.
    #[must_use]
    pub fn then(self, next: impl Into<String>) -> Self {
        Self {
            next: Some(next.into()),
            ..self
        }
    }

    /// What to do next, where it is known.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// 2 for usage, 1 for everything else.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            ConfigError::Unreadable { .. } => failure,
            ConfigError::Wrong { .. } => {
                failure.then("every setting with its default: deploy/glassd.toml")
            }
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            LedgerError::Damaged(_) => failure.then("glassd fsck"),
            LedgerError::Full(_) => failure.then("make room on the disk"),
            LedgerError::Unavailable(_) | LedgerError::OutOfRange(_) => failure,
        }
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        Self::new(error.to_string()).then("it can be made again: remove its folder")
    }
}

impl From<IssueError> for Failure {
    fn from(error: IssueError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<Declined> for Failure {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Refused(refusal) => Self::new(refusal.to_string()),
            Declined::Ledger(error) => error.into(),
            Declined::ShuttingDown => Self::new(declined.to_string()),
        }
    }
}
