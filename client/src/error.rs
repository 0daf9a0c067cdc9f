//! What can go wrong, what to do next, and the exit code: each decided in one place.

use std::{io, path::PathBuf};

use breakglass_proto::v1;

/// Why a command did not do what was asked.
///
/// The text says what happened and why; [`Error::next`] is the next command or step. Both may hold
/// words from the broker: the [printer](crate::output::Printer) escapes them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was typed cannot be used.
    #[error("{what}")]
    Usage {
        /// What is wrong with it.
        what: String,
        /// What to type instead.
        next: String,
    },
    /// There is no incident to ask under.
    #[error("{what}")]
    NoOpenIncident {
        /// Which one is missing.
        what: String,
        /// How to open one.
        next: String,
    },
    /// The broker said no, with its stable reason.
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    /// The request waits and the caller did not want to.
    #[error("{what}")]
    Waiting {
        /// For whom it waits.
        what: String,
        /// How to look again.
        next: String,
    },
    /// The request was denied, or nobody answered.
    #[error("{what}")]
    Denied {
        /// Who denied it and why.
        what: String,
        /// What else can be done.
        next: String,
    },
    /// The grant is over.
    #[error("{what}")]
    Ended {
        /// Who ended it and why.
        what: String,
        /// How to ask again.
        next: String,
    },
    /// The broker does not answer.
    #[error("{what}")]
    Unreachable {
        /// Where, and what happened there.
        what: String,
        /// What to check.
        next: String,
    },
    /// A signature or a proof does not hold: somebody rewrote, or is not who they say.
    #[error("{what}")]
    Unverified {
        /// What does not hold.
        what: String,
        /// The folder with the checkpoints and the proof, where they could be saved.
        evidence: Option<PathBuf>,
    },
    /// Something on this laptop is missing or wrong.
    #[error("{what}")]
    Setup {
        /// What.
        what: String,
        /// How to put it right.
        next: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} {}: {source}", .path.display())]
    File {
        /// `read`, `write`, `create`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A refusal of the broker: `google.rpc.ErrorInfo` and the status message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable reason, for example `NO_OPEN_INCIDENT`.
    pub reason: String,
    /// What happened and why.
    pub message: String,
    /// The next command, where the broker named one.
    pub next: Option<String>,
}

/// Exit codes of `glass`, as its help documents them.
pub mod exit {
    /// Something else.
    pub const OTHER: u8 = 1;
    /// What was typed cannot be used.
    pub const USAGE: u8 = 2;
    /// No open incident.
    pub const NO_OPEN_INCIDENT: u8 = 80;
    /// The request waits for its approver.
    pub const WAITING: u8 = 81;
    /// Not allowed, denied, or lapsed.
    pub const DENIED: u8 = 82;
    /// Expired, revoked, or its incident closed.
    pub const ENDED: u8 = 83;
    /// The broker does not answer.
    pub const UNREACHABLE: u8 = 84;
    /// The ledger cannot take an entry, or too few witnesses sign it, so nothing is issued.
    pub const LEDGER_REFUSED: u8 = 85;
    /// A signature or proof does not hold.
    pub const UNVERIFIED: u8 = 86;
}

impl Error {
    /// What was typed cannot be used, and what to type instead.
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Usage {
            what: what.into(),
            next: next.into(),
        }
    }

    /// What the broker would say, known before it is asked.
    pub(crate) fn refused(reason: &str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal {
            reason: reason.to_owned(),
            message: what.into(),
            next: Some(next.into()),
        }))
    }

    /// Something on this laptop is missing or wrong, and how to put it right.
    pub fn setup(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Setup {
            what: what.into(),
            next: next.into(),
        }
    }

    /// What to look at before anything else, where the broker cannot be reached or does not take us.
    #[must_use]
    pub fn look_first(mut self, first: &str) -> Self {
        if let Self::Unreachable { next, .. } | Self::Setup { next, .. } = &mut self {
            *next = format!("{first}: take that out; or {next}");
        }
        self
    }

    /// A signature or a proof does not hold, without evidence beyond the text.
    pub fn unverified(what: impl Into<String>) -> Self {
        Self::Unverified {
            what: what.into(),
            evidence: None,
        }
    }

    /// The broker left out or garbled something the contract promises.
    pub fn broken_answer(what: &str) -> Self {
        Self::setup(
            format!("the broker's answer makes no sense: {what}"),
            "compare the versions: `glass --version` and `glass status`",
        )
    }

    /// The file error with its path.
    pub fn file(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File {
            doing,
            path: path.into(),
            source,
        }
    }

    /// How a grant that is over reads as an error; `None` while it waits or lives.
    #[must_use]
    pub fn of_ended(grant: &v1::Grant) -> Option<Self> {
        crate::grant::ended_error(grant)
    }

    /// The exit code: the one place that decides it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => exit::USAGE,
            Self::NoOpenIncident { .. } => exit::NO_OPEN_INCIDENT,
            Self::Refused(refusal) => refusal.exit_code(),
            Self::Waiting { .. } => exit::WAITING,
            Self::Denied { .. } => exit::DENIED,
            Self::Ended { .. } => exit::ENDED,
            Self::Unreachable { .. } => exit::UNREACHABLE,
            Self::Unverified { .. } => exit::UNVERIFIED,
            Self::Setup { .. } | Self::File { .. } => exit::OTHER,
        }
    }

    /// The next command or step.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        match self {
            Self::Usage { next, .. }
            | Self::NoOpenIncident { next, .. }
            | Self::Waiting { next, .. }
            | Self::Denied { next, .. }
            | Self::Ended { next, .. }
            | Self::Unreachable { next, .. }
            | Self::Setup { next, .. } => Some(next.clone()).filter(|next| !next.is_empty()),
            Self::Refused(refusal) => refusal.next_step(),
            Self::Unverified { evidence, .. } => Some(unverified_step(evidence.as_deref())),
            Self::File { source, path, .. } => Some(file_step(source, path)),
        }
    }

    /// A stable word for scripts: the broker's reason, or the kind in the same spelling.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Usage { .. } => "USAGE",
            Self::NoOpenIncident { .. } => "NO_OPEN_INCIDENT",
            Self::Refused(refusal) => &refusal.reason,
            Self::Waiting { .. } => "GRANT_WAITING",
            Self::Denied { .. } => "GRANT_DENIED",
            Self::Ended { .. } => "GRANT_ENDED",
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::Unverified { .. } => "VERIFICATION_FAILED",
            Self::Setup { .. } => "SETUP",
            Self::File { .. } => "FILE",
        }
    }

    /// Whether the broker refused because of who asks or how often, whatever was asked.
    #[must_use]
    pub fn is_about_the_caller(&self) -> bool {
        const REASONS: [&str; 6] = [
            "PERSON_FROZEN",
            "UNKNOWN_TARGET",
            "NOT_ENROLLED",
            "NO_CERTIFICATE",
            "CERTIFICATE_INVALID",
            "TOO_MANY",
        ];
        matches!(self, Self::Refused(refusal) if REASONS.contains(&refusal.reason.as_str()))
    }

    /// Whether trying again later, with nothing changed, may succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.exit_code() == exit::UNREACHABLE
    }
}

impl Refusal {
    fn exit_code(&self) -> u8 {
        match self.reason.as_str() {
            "INVALID_ARGUMENT" | "INVALID_TEXT" => exit::USAGE,
            "NO_OPEN_INCIDENT" | "UNKNOWN_INCIDENT" | "INCIDENT_CLOSED" => exit::NO_OPEN_INCIDENT,
            "GRANT_WAITING" => exit::WAITING,
            "NOT_ALLOWED"
            | "NOT_PERMITTED"
            | "NOT_YOURS"
            | "NOT_APPROVER"
            | "APPROVAL_TOO_EARLY"
            | "NOT_CALLER"
            | "SELF_APPROVAL"
            | "PERSON_FROZEN"
            | "SELF_GRANT_DENIED"
            | "SELF_GRANT_TOO_EARLY"
            | "INCIDENT_UNCONFIRMED"
            | "DRILL_RIGHT"
            | "REVIEW_DEBT" => exit::DENIED,
            "GRANT_ENDED" => exit::ENDED,
            "SHUTTING_DOWN" => exit::UNREACHABLE,
            "LEDGER_UNAVAILABLE" | "LEDGER_FULL" | "CLOCK_BEHIND" | "NOT_WITNESSED" => {
                exit::LEDGER_REFUSED
            }
            _ => exit::OTHER,
        }
    }

    /// What the broker said comes next, or what we know of the reason.
    fn next_step(&self) -> Option<String> {
        let ours = match self.reason.as_str() {
            "NO_OPEN_INCIDENT" | "INCIDENT_CLOSED" => {
                "open one: glass incident open --severity sev2 \"what is broken\""
            }
            "UNKNOWN_INCIDENT" => "see which there are: glass incident list --all",
            "UNKNOWN_RIGHT" | "NOT_ALLOWED" => "see what you can do: glass can",
            "UNKNOWN_PERSON" => "see who is on the team: glass people list",
            "UNKNOWN_GRANT" => "see which there are: glass grants --all",
            "GRANT_WAITING" => "see whom it waits for: glass grants --mine",
            "GRANT_ENDED" => "ask again: glass request RIGHT -m \"why\"",
            "SENTENCE_CHANGED" => "the policy changed meanwhile; look, and run it again",
            "STATEMENT_STALE" => "compare the clocks: glass doctor",
            "NO_CERTIFICATE"
            | "CERTIFICATE_INVALID"
            | "NOT_ENROLLED"
            | "TOKEN_UNKNOWN"
            | "TOKEN_EXPIRED"
            | "TOKEN_WITHDRAWN"
            | "TOKEN_USED" => {
                "ask somebody who may invite to run `glass people invite YOU`, then run the \
                 `glass enroll ...` line it prints"
            }
            "LEDGER_FULL" => {
                "free disk space on the broker's machine; closing and revoking still work"
            }
            "LEDGER_UNAVAILABLE" => {
                "look at the broker's machine: nothing is issued without the ledger"
            }
            "NOT_WITNESSED" => "see which witnesses do not answer: glass status",
            "CLOCK_BEHIND" => "set the clock of the broker's machine",
            "TOO_MANY" => "wait a minute and try again",
            "INTERNAL" => "look at the broker's tracing output",
            _ => "",
        };
        self.next
            .clone()
            .or_else(|| (!ours.is_empty()).then(|| ours.to_owned()))
    }
}

fn file_step(source: &io::Error, path: &std::path::Path) -> String {
    use io::ErrorKind as Kind;
    let path = path.display();
    match source.kind() {
        Kind::PermissionDenied => format!("see whose it is and who may use it: ls -ld {path}"),
        Kind::StorageFull | Kind::QuotaExceeded => format!("make room there: df -h {path}"),
        Kind::ReadOnlyFilesystem => {
            format!("see how its disk is mounted, or name another folder: findmnt -T {path}")
        }
        _ => format!("look at it: ls -ld {path}"),
    }
}

fn unverified_step(evidence: Option<&std::path::Path>) -> String {
    match evidence {
        Some(folder) => format!(
            "do not trust this broker until somebody has looked. The evidence is in {}; keep it, \
             and call the founder",
            folder.display()
        ),
        None => "do not trust this broker or this copy until somebody has looked; delete nothing, \
                 and call the founder"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reason: &str) -> Error {
        Error::Refused(Box::new(Refusal {
            reason: reason.into(),
            message: "no".into(),
            next: None,
        }))
    }

    #[test]
    fn every_reason_of_the_broker_has_its_exit_code() {
        for (code, reasons) in [
            (2, &["INVALID_ARGUMENT", "INVALID_TEXT"][..]),
            (
                80,
                &["NO_OPEN_INCIDENT", "UNKNOWN_INCIDENT", "INCIDENT_CLOSED"],
            ),
            (81, &["GRANT_WAITING"]),
            (
                82,
                &[
                    "NOT_ALLOWED",
                    "NOT_PERMITTED",
                    "NOT_YOURS",
                    "NOT_APPROVER",
                    "APPROVAL_TOO_EARLY",
                    "NOT_CALLER",
                    "SELF_APPROVAL",
                    "SELF_GRANT_DENIED",
                    "SELF_GRANT_TOO_EARLY",
                    "REVIEW_DEBT",
                    "DRILL_RIGHT",
                    "PERSON_FROZEN",
                ],
            ),
            (83, &["GRANT_ENDED"]),
            (84, &["SHUTTING_DOWN"]),
            (
                85,
                &[
                    "LEDGER_UNAVAILABLE",
                    "LEDGER_FULL",
                    "CLOCK_BEHIND",
                    "NOT_WITNESSED",
                ],
            ),
            (
                1,
                &[
                    "UNKNOWN_RIGHT",
                    "TOO_MANY",
                    "INTERNAL",
                    "A_REASON_OF_NEXT_YEAR",
                ],
            ),
        ] {
            for reason in reasons {
                assert_eq!(refused(reason).exit_code(), code, "{reason}");
                assert_eq!(refused(reason).reason(), *reason);
            }
        }
    }

    #[test]
    fn our_own_kinds_have_their_exit_codes() {
        let (what, next) = (String::new(), String::new());
        assert_eq!(Error::usage("", "").exit_code(), 2);
        assert_eq!(Error::NoOpenIncident { what, next }.exit_code(), 80);
        assert_eq!(Error::unverified("").exit_code(), 86);
        assert_eq!(Error::setup("", "").exit_code(), 1);
        let file = Error::file("read", "/x", io::Error::other("gone"));
        assert_eq!(file.exit_code(), 1);
        assert_eq!(file.to_string(), "cannot read /x: gone");
        let full = Error::file("write", "/x", io::ErrorKind::StorageFull.into());
        assert_eq!(full.next().as_deref(), Some("make room there: df -h /x"));
    }

    #[test]
    fn the_brokers_next_command_wins_over_ours() {
        let said = Error::Refused(Box::new(Refusal {
            reason: "UNKNOWN_GRANT".into(),
            message: String::new(),
            next: Some("glass grants --incident INC-3".into()),
        }));
        assert_eq!(
            said.next().as_deref(),
            Some("glass grants --incident INC-3")
        );
        assert_eq!(
            refused("UNKNOWN_GRANT").next().as_deref(),
            Some("see which there are: glass grants --all")
        );
        assert_eq!(refused("A_REASON_OF_NEXT_YEAR").next(), None);
    }
}
