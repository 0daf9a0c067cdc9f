//! What somebody should look at, in words.

use crate::id::RightId;
use crate::last::Mark;
use crate::time::Time;
use crate::word::words;

words! {
    /// What is to be looked at; worst first.
    FindingKind {
        /// Removed, and the policy still names them.
        RemovedButNamed = "removed-but-named",
        /// Every certificate of somebody has ended.
        CertificateLapsed = "certificate-lapsed",
        /// In the policy, and never enrolled a laptop.
        NeverEnrolled = "never-enrolled",
        /// Stopped, and nobody has lifted it.
        Frozen = "frozen",
        /// A list of a rule means nobody who could act now.
        NobodyThere = "nobody-there",
        /// No rule gives a right.
        RightWithoutRule = "right-without-rule",
        /// A right that nobody has used for so long.
        RightNobodyUses = "right-nobody-uses",
        /// A right that somebody has not used for so long, and others have.
        RightUnused = "right-unused",
        /// No rule and no duty names somebody.
        PersonWithoutRights = "person-without-rights",
        /// No guard was ever enrolled.
        TargetWithoutGuard = "target-without-guard",
        /// Every certificate of a guard has ended.
        GuardLapsed = "guard-lapsed",
        /// A guard is enrolled, and does not attend.
        GuardAway = "guard-away",
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// Which person, right, rule or target.
    pub about: String,
    /// The right it is about, where it is about one.
    pub right: Option<RightId>,
    /// One sentence.
    pub text: String,
    /// What to do about it.
    pub next: String,
    /// The line of the policy that is to be changed, counted from 1.
    pub line: Option<usize>,
    /// The entry that says since when, where one does.
    pub since: Option<Mark>,
}

/// `2026-11-23`, in UTC.
pub(super) fn day(at: Time) -> String {
    at.timestamp().strftime("%Y-%m-%d").to_string()
}

/// `policy line 12`; nothing where it is not known.
pub(super) fn line_of(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" (policy line {line})"))
}
