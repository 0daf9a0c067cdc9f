//! Which class and activity each kind of entry is. The table of `docs/operating/siem.md`.

use breakglass_domain::event::RoleStep;
use breakglass_domain::{Change, Ending};

/// A class of OCSF 1.5.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// What is no entry: a test.
    Base,
    /// Somebody may call, or no longer; a role of a database.
    AccountChange,
    /// Somebody came in at a target, or left it.
    Authentication,
    /// A credential.
    AuthorizeSession,
    /// Incidents, targets, keys, the policy, streams.
    EntityManagement,
    /// Grants.
    UserAccess,
    /// The broker itself.
    ApplicationLifecycle,
    /// What was tried, said or read, and changed nobody's access.
    ApiActivity,
}

impl Class {
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Base => 0,
            Self::AccountChange => 3001,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::EntityManagement => 3004,
            Self::UserAccess => 3005,
            Self::ApplicationLifecycle => 6002,
            Self::ApiActivity => 6003,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Base => "Base Event",
            Self::AccountChange => "Account Change",
            Self::Authentication => "Authentication",
            Self::AuthorizeSession => "Authorize Session",
            Self::EntityManagement => "Entity Management",
            Self::UserAccess => "User Access Management",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::ApiActivity => "API Activity",
        }
    }

    /// Whether it has an `actor`, without a profile.
    pub(super) fn has_actor(self) -> bool {
        !matches!(self, Self::Base | Self::ApplicationLifecycle)
    }

    /// Number and name.
    pub(super) fn category(self) -> (u32, &'static str) {
        match self.uid() / 1_000 {
            0 => (0, "Uncategorized"),
            3 => (3, "Identity & Access Management"),
            _ => (6, "Application Activity"),
        }
    }
}

/// An activity of a class; 99 is one of ours, under its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) class: Class,
    pub(super) id: u32,
    pub(super) name: &'static str,
}

const fn of(class: Class, id: u32, name: &'static str) -> Activity {
    Activity { class, id, name }
}

/// The table.
pub(super) fn activity(change: &Change) -> Activity {
    of_people(change)
        .or_else(|| of_things(change))
        .or_else(|| of_grants(change))
        .unwrap_or(match change {
            Change::BrokerStarted { .. } => of(Class::ApplicationLifecycle, 3, "Start"),
            Change::LedgerRepaired { .. } => of(Class::ApplicationLifecycle, 99, "Repair"),
            Change::LedgerWitnessed { .. } => of(Class::ApplicationLifecycle, 99, "Witness"),
            Change::LedgerLost {} => of(Class::ApplicationLifecycle, 99, "Pass Over"),
            Change::LedgerUnwitnessed { .. } => of(Class::ApplicationLifecycle, 99, "Unwitness"),
            Change::LedgerRestored { .. } => of(Class::ApplicationLifecycle, 99, "Restore"),
            Change::Refused { .. } => of(Class::ApiActivity, 99, "Refuse"),
            Change::LedgerExported { .. } => of(Class::ApiActivity, 2, "Read"),
            Change::GrantUsed { .. } => of(Class::ApiActivity, 99, "Use"),
            Change::ReviewAnswered { .. } => of(Class::ApiActivity, 99, "Review"),
            Change::DrillRecorded { .. } => of(Class::ApiActivity, 99, "Drill"),
            _ => of(Class::Base, 0, "Unknown"),
        })
}

fn of_people(change: &Change) -> Option<Activity> {
    let account = |id, name| Some(of(Class::AccountChange, id, name));
    match change {
        Change::PersonInvited { .. } | Change::RoleCreated { .. } => account(1, "Create"),
        Change::PersonEnrolled { .. } => account(2, "Enable"),
        Change::PersonRemoved { .. } | Change::RoleDropped { .. } => account(6, "Delete"),
        Change::PersonFrozen { .. } => account(9, "Lock"),
        Change::PersonUnfrozen { .. } => account(12, "Unlock"),
        Change::CertificateRenewed { .. } => account(99, "Renew"),
        Change::RoleFailed { step, .. } => match step {
            RoleStep::Create => account(1, "Create"),
            RoleStep::Drop => account(6, "Delete"),
        },
        _ => None,
    }
}

fn of_things(change: &Change) -> Option<Activity> {
    let entity = |id, name| Some(of(Class::EntityManagement, id, name));
    match change {
        Change::KeyAdded { .. } | Change::TargetInvited { .. } | Change::IncidentOpened { .. } => {
            entity(1, "Create")
        }
        Change::PolicyLoaded { .. }
        | Change::TargetRenewed { .. }
        | Change::HostCertified { .. }
        | Change::IncidentNoted { .. }
        | Change::IncidentWarned { .. }
        | Change::IncidentResolved { .. }
        | Change::IncidentRefired { .. }
        | Change::IncidentHeld { .. } => entity(3, "Update"),
        Change::TargetRemoved { .. } => entity(4, "Delete"),
        Change::TargetEnrolled { .. } => entity(6, "Enroll"),
        Change::StreamBegan { .. } => entity(8, "Enable"),
        Change::KeyRetired { .. } | Change::StreamEnded { .. } => entity(9, "Disable"),
        Change::IncidentClosed { .. } => entity(11, "Deactivate"),
        _ => None,
    }
}

fn of_grants(change: &Change) -> Option<Activity> {
    let access = |id, name| Some(of(Class::UserAccess, id, name));
    match change {
        Change::GrantStarted { .. } => access(1, "Assign Privileges"),
        Change::GrantEnded { ending, .. } => match ending {
            Ending::Denied => access(99, "Deny"),
            Ending::Lapsed => access(99, "Lapse"),
            _ => access(2, "Revoke Privileges"),
        },
        Change::GrantRequested { .. } => access(99, "Request"),
        Change::GrantEscalated { .. } => access(99, "Escalate"),
        Change::GrantApproved { .. } => access(99, "Approve"),
        Change::CallRecorded { .. } => access(99, "Call"),
        Change::GrantExtended { .. } => access(99, "Extend"),
        Change::CredentialIssued { .. } => {
            Some(of(Class::AuthorizeSession, 1, "Assign Privileges"))
        }
        Change::SessionOpened { .. } => Some(of(Class::Authentication, 1, "Logon")),
        Change::SessionEnded { .. } => Some(of(Class::Authentication, 2, "Logoff")),
        Change::SessionUnconfirmed { .. } => Some(of(Class::Authentication, 99, "Unconfirmed")),
        _ => None,
    }
}
