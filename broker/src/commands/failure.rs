//! Why a command did not do it, and what to do next.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use breakglass_domain::Refusal;
use breakglass_domain::policy::PolicyError;

use crate::config::{Config, ConfigError};
use crate::issue::keys::KeyError;
use crate::ports::{Declined, IndexError, IssueError, LedgerError};

/// What happened and why, for the operator, and the next command.
#[derive(Debug)]
pub struct Failure {
    what: String,
    next: Option<String>,
    usage: bool,
}

/// A path as it stands in a command that is to be typed: in quotes where a shell would take it apart.
pub(super) fn typed(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "_./:=@,+-".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
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

    /// The config has no such section: no destination `chat`, which would be `[notify.chat]`.
    pub(super) fn not_in_config(
        config: &Config,
        (what, table): (&str, &str),
        name: &str,
        there: &[&str],
    ) -> Self {
        let file = config.file.display();
        Self::usage(format!("{file} has no {what} `{name}`")).then(match there {
            [] => format!("add one to it: [{table}.{name}]"),
            _ => format!("it has: {}", there.join(", ")),
        })
    }

    /// With what to do next.
    #[must_use]
    pub fn then(self, next: impl Into<String>) -> Self {
        Self {
            next: Some(next.into()),
            ..self
        }
    }

    /// Names the config in a proposed command of `glassd`, so that it can be typed as it stands.
    #[must_use]
    pub fn with_config(self, file: &Path) -> Self {
        let Some(next) = self.next.as_deref() else {
            return self;
        };
        let is_command = matches!(
            next,
            "glassd check" | "glassd fsck" | "glassd rotate --compromised"
        );
        if !is_command {
            return self;
        }
        let next = format!("{next} --config {}", typed(file));
        self.then(next)
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
            ConfigError::Unreadable { source, .. } if source.kind() == ErrorKind::NotFound => {
                failure.then(
                    "make a broker with `glassd init DIR`, or name the file with --config PATH or \
                     GLASSD_CONFIG",
                )
            }
            ConfigError::Unreadable { file, source }
                if source.kind() == ErrorKind::PermissionDenied =>
            {
                let see = format!("ls -l {}", typed(&file));
                failure.then(format!(
                    "let the user that the broker runs as read it; see whose it is: {see}"
                ))
            }
            ConfigError::Unreadable { .. } => failure,
            ConfigError::Wrong { .. } => failure.then(
                "correct or remove that line, then: glassd check; the comments in the file that \
                 `glassd init` wrote say what each setting does",
            ),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            KeyError::Io { .. } => failure.then("glassd check"),
            _ => failure,
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            LedgerError::Damaged(_) => failure.then("glassd fsck"),
            LedgerError::Full(_) => failure.then("make room on the disk"),
            LedgerError::Unavailable(_) => failure.then("glassd check"),
            LedgerError::OutOfRange(_) => failure,
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
            Declined::Refused(refusal) => {
                let failure = Self::new(refusal.to_string());
                match refusal {
                    Refusal::UnknownPerson(_) => {
                        failure.then("look for a misspelt id in the policy file, or add them to it")
                    }
                    Refusal::ClockBehind { .. } => failure.then("set the clock of this host"),
                    _ => failure,
                }
            }
            Declined::Ledger(error) => error.into(),
            Declined::ShuttingDown => Self::new(declined.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_command_can_be_typed_as_it_stands() {
        for (path, shown) in [
            ("/etc/breakglass/glassd.toml", "/etc/breakglass/glassd.toml"),
            ("play ground/glassd.toml", "'play ground/glassd.toml'"),
            ("mia's/$HOME", r"'mia'\''s/$HOME'"),
        ] {
            let failure = Failure::new("it is damaged")
                .then("glassd check")
                .with_config(Path::new(path));
            let next = format!("glassd check --config {shown}");
            assert_eq!(failure.next(), Some(&*next));
        }
    }
}
