//! Of which entries people are told.

use breakglass_domain::event::RoleStep;
use breakglass_domain::{Basis, Change, Ending};

use crate::app::App;
use crate::config::notify::Occasion;

/// What says itself what the incident is called.
pub(super) fn is_opening(change: &Change) -> bool {
    matches!(change, Change::IncidentOpened { .. })
}

/// Of what people are told.
pub(super) fn occasion(change: &Change) -> Option<Occasion> {
    match change {
        Change::IncidentOpened { .. } => Some(Occasion::IncidentOpened),
        Change::IncidentResolved { .. } => Some(Occasion::IncidentResolved),
        Change::IncidentRefired { .. } => Some(Occasion::IncidentRefired),
        Change::IncidentHeld { .. } => Some(Occasion::IncidentHeld),
        Change::IncidentClosed { .. } => Some(Occasion::IncidentClosed),
        Change::GrantRequested {
            approvers, call, ..
        } if !approvers.is_empty() || !call.is_empty() => Some(Occasion::ApprovalWanted),
        Change::GrantEscalated { .. } => Some(Occasion::ApprovalWanted),
        Change::GrantStarted {
            basis: Basis::SelfGranted,
            ..
        } => Some(Occasion::SelfGranted),
        Change::GrantStarted { .. } => Some(Occasion::GrantStarted),
        Change::GrantEnded {
            ending: Ending::Revoked | Ending::Vetoed,
            ..
        } => Some(Occasion::GrantRevoked),
        Change::GrantEnded {
            ending: Ending::Denied,
            ..
        } => Some(Occasion::ApprovalDenied),
        Change::GrantEnded {
            ending: Ending::HandedOver,
            ..
        } => Some(Occasion::HandedOver),
        Change::DrillRecorded { .. } => Some(Occasion::DrillRecorded),
        Change::SessionUnconfirmed { .. } => Some(Occasion::KillUnconfirmed),
        Change::RoleFailed {
            step: RoleStep::Drop,
            ..
        } => Some(Occasion::RoleStuck),
        Change::LedgerUnwitnessed { .. }
        | Change::LedgerRestored { .. }
        | Change::Refused {
            checkpoint: Some(_),
            ..
        } => Some(Occasion::LedgerTrouble),
        _ => None,
    }
}

/// Nobody is asked about what began with its handing over: who handed it over was one who may agree.
pub(super) fn is_answered(change: &Change, app: &App) -> bool {
    match change {
        Change::GrantRequested {
            of,
            handed: Some(_),
            ..
        } => app.still_waiting(of.grant).is_none(),
        _ => false,
    }
}
