//! What an entry is found by, beside whom and what it is about: how something came out, and what
//! somebody typed.

use super::Change;

impl Change {
    /// How it came out, in the word that stands in the entry: on whose word a grant began, how it or a
    /// session ended, why somebody was refused, whether a drill was good.
    #[must_use]
    pub fn outcome(&self) -> Option<&str> {
        match self {
            Self::GrantStarted { basis, .. } => Some(basis.as_str()),
            Self::GrantEnded { ending, .. } => Some(ending.as_str()),
            Self::SessionEnded { how, .. } => Some(how.as_str()),
            Self::Refused { reason, .. } => Some(reason),
            Self::DrillRecorded { good, .. } => Some(if *good { "good" } else { "failed" }),
            _ => None,
        }
    }

    /// What somebody typed, where the entry has any of it: a title, a reason, a note, what a review
    /// missed, what failed in a drill, the name of a laptop. Of a source's alert it is the title.
    #[must_use]
    pub fn typed(&self) -> Option<&str> {
        match self {
            Self::IncidentOpened { title, .. } => Some(title.as_str()),
            Self::IncidentNoted { text, .. } => Some(text.as_str()),
            Self::IncidentClosed { reason, .. }
            | Self::IncidentHeld { reason, .. }
            | Self::GrantRequested { reason, .. }
            | Self::GrantExtended { reason, .. }
            | Self::PersonRemoved { reason, .. }
            | Self::PersonFrozen { reason, .. }
            | Self::PersonUnfrozen { reason, .. }
            | Self::TargetRemoved { reason, .. } => Some(reason.as_str()),
            Self::GrantEnded { reason, .. } => reason.as_ref().map(|reason| reason.as_str()),
            Self::ReviewAnswered { missing, .. } => missing.as_ref().map(|text| text.as_str()),
            Self::DrillRecorded { failed, .. } => failed.as_ref().map(|text| text.as_str()),
            Self::PersonEnrolled { device, .. } | Self::TargetEnrolled { device, .. } => {
                Some(device.as_str())
            }
            _ => None,
        }
    }
}
