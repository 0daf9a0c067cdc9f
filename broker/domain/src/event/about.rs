//! What a change is about: a grant, a target, an incident.

use super::Change;
use crate::grant::GrantRef;
use crate::id::{IncidentId, TargetId};

impl Change {
    /// The grant it is about.
    #[must_use]
    pub fn grant(&self) -> Option<&GrantRef> {
        match self {
            Self::GrantRequested { of, .. }
            | Self::GrantStarted { of, .. }
            | Self::GrantExtended { of, .. }
            | Self::CredentialIssued { of, .. }
            | Self::GrantUsed { of, .. }
            | Self::SessionOpened { of, .. }
            | Self::SessionEnded { of, .. }
            | Self::SessionUnconfirmed { of, .. }
            | Self::RoleCreated { of, .. }
            | Self::RoleFailed { of, .. }
            | Self::RoleDropped { of, .. }
            | Self::GrantEnded { of, .. }
            | Self::CallRecorded { of, .. }
            | Self::GrantApproved { of, .. }
            | Self::GrantEscalated { of, .. }
            | Self::ReviewAnswered { of, .. } => Some(of),
            _ => None,
        }
    }

    /// The target it is about.
    #[must_use]
    pub fn target(&self) -> Option<&TargetId> {
        match self {
            Self::TargetInvited { target, .. }
            | Self::TargetEnrolled { target, .. }
            | Self::TargetRenewed { target, .. }
            | Self::TargetRemoved { target, .. }
            | Self::HostCertified { target, .. }
            | Self::SessionOpened { target, .. }
            | Self::SessionEnded { target, .. }
            | Self::SessionUnconfirmed { target, .. }
            | Self::RoleCreated { target, .. }
            | Self::RoleFailed { target, .. }
            | Self::RoleDropped { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The incident it is about, also by way of a grant.
    #[must_use]
    pub fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::IncidentOpened { incident, .. }
            | Self::IncidentNoted { incident, .. }
            | Self::IncidentWarned { incident, .. }
            | Self::IncidentClosed { incident, .. }
            | Self::IncidentResolved { incident, .. }
            | Self::IncidentRefired { incident, .. }
            | Self::IncidentHeld { incident, .. }
            | Self::DrillRecorded { incident, .. } => Some(*incident),
            Self::Refused { incident, .. } => *incident,
            _ => self.grant().map(|of| of.incident),
        }
    }
}
