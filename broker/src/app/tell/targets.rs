//! What happened at targets, one sentence each.

use breakglass_domain::event::{RoleStep, SessionEnd};
use breakglass_domain::{Change, Lifetime};

use super::{Told, said};

impl Told<'_> {
    pub(super) fn of_targets(&self, change: &Change) -> Option<String> {
        let who = &self.who;
        Some(match change {
            Change::TargetInvited {
                target, expires_at, ..
            } => format!(
                "{who} invited the guard of {target}; the invitation works until {}.",
                self.clock(*expires_at)
            ),
            Change::TargetEnrolled { target, device, .. } => {
                format!("The guard of {target} enrolled the host {device}.")
            }
            Change::TargetRenewed {
                target,
                certificate_expires_at,
                ..
            } => format!(
                "The certificate of {target}'s guard was renewed, until {}.",
                self.clock(*certificate_expires_at)
            ),
            Change::TargetRemoved { target, reason } => said(
                format!("{who} ended the keys of {target}'s guard"),
                reason.as_str(),
            ),
            Change::HostCertified {
                target,
                host,
                expires_at,
                ..
            } => format!(
                "The host key of {target} was certified for {host}, until {}.",
                self.clock(*expires_at)
            ),
            _ => return self.of_sessions(change).or_else(|| self.of_roles(change)),
        })
    }

    fn of_sessions(&self, change: &Change) -> Option<String> {
        Some(match change {
            Change::SessionOpened {
                of,
                session,
                target,
                login,
                origin,
                let_in_at,
                ..
            } => {
                let since = let_in_at
                    .map(|at| format!(" at {}, while the broker was out of reach", self.clock(at)));
                let since = since.unwrap_or_default();
                let from = match origin.as_str() {
                    "" => String::new(),
                    origin => format!(" from {origin}"),
                };
                let name = self.words.name(&of.person);
                format!(
                    "{name} came in at {target} as {login}{from}{since} ({session}, {}).",
                    of.grant
                )
            }
            Change::SessionEnded {
                of,
                session,
                target,
                how,
                took,
            } => {
                let name = self.words.name(&of.person);
                let ended = match how {
                    SessionEnd::Closed => "logged out".to_owned(),
                    SessionEnd::Killed => format!("was cut off{}", within(*took)),
                    SessionEnd::Gone => "was gone when the guard looked".to_owned(),
                };
                format!("{name} {ended} at {target} ({session}, {}).", of.grant)
            }
            Change::SessionUnconfirmed {
                of,
                session,
                target,
            } => format!(
                "NOT CONFIRMED: {}'s session {session} at {target} should be over, and its guard \
                 has not said that it is ({}).",
                self.words.name(&of.person),
                of.grant
            ),
            _ => return None,
        })
    }

    fn of_roles(&self, change: &Change) -> Option<String> {
        Some(match change {
            Change::RoleCreated { of, target, role } => format!(
                "{} has the role {role} at {target} ({}).",
                self.words.name(&of.person),
                of.grant
            ),
            Change::RoleFailed {
                of,
                target,
                role,
                step,
                text,
            } => {
                let what = match step {
                    RoleStep::Create => "made",
                    RoleStep::Drop => "dropped, and is tried again until it is gone",
                };
                let failed = format!(
                    "The role {role} at {target} could not be {what} ({})",
                    of.grant
                );
                said(failed, text)
            }
            Change::RoleDropped {
                of,
                target,
                role,
                sessions,
                took,
            } => format!(
                "The role {role} at {target} is gone, {sessions} sessions with it{} ({}).",
                within(Some(*took)),
                of.grant
            ),
            _ => return None,
        })
    }
}

fn within(took: Option<Lifetime>) -> String {
    took.map(|took| format!(" within {} ms", took.as_millis()))
        .unwrap_or_default()
}
