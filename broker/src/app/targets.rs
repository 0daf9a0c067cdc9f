//! Targets: who guards them, who is in there, and how a guard comes to be.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::policy::access::Target;
use breakglass_domain::targets::Session;
use breakglass_domain::{
    Actor, Change, Command, KeyId, Line, SessionId, Signed, State, TargetId, people::Device,
};

use super::act;
use super::people::Invited;
use super::token::{Token, invitation};
use super::{App, Error};

/// A target of the policy, and what is known of it beside.
#[derive(Debug, Clone)]
pub struct KnownTarget {
    /// What people type.
    pub id: TargetId,
    /// As the policy has it.
    pub target: Target,
    /// Keys of its guard.
    pub guards: Vec<(KeyId, Device)>,
    /// Whether a guard attends right now.
    pub attended: bool,
    /// Who is in there, oldest first.
    pub sessions: Vec<(SessionId, Session)>,
    /// Roles that were made there and are not gone yet.
    pub roles: Vec<Line>,
}

impl App {
    /// Makes an invitation for the guard of a target; only its hash is written.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn invite_target(
        &self,
        by: Actor,
        signed: Arc<Signed>,
        target: TargetId,
    ) -> Result<Invited, Error> {
        let token = Token::draw(&*self.entropy);
        let act = Act::InviteTarget {
            target,
            token: token.hash().clone(),
        };
        let signed = Some(signed);
        let decided = self.submit(Command { by, signed, act }).await?;
        let expiry = |change: &Change| match change {
            Change::TargetInvited { expires_at, .. } => Some(*expires_at),
            _ => None,
        };
        let (expires_at, _, receipt) =
            act::find(&decided, expiry).ok_or(Error::Broken("no target was invited"))?;
        let about = &self.about;
        Ok(Invited {
            invitation: invitation(&about.url, &about.authority_pin, &token),
            expires_at,
            receipt: receipt.clone(),
        })
    }

    /// Every target of the policy, in order of id.
    #[must_use]
    pub fn targets(&self) -> Vec<KnownTarget> {
        self.live.read(|state| {
            let targets = state.policy.targets.iter();
            let known = targets.map(|(id, target)| self.known_target(state, id, target));
            known.collect()
        })
    }

    fn known_target(&self, state: &State, id: &TargetId, target: &Target) -> KnownTarget {
        let at = &state.targets;
        let guards = at.guards.get(id).into_iter().flatten();
        let sessions = at
            .sessions
            .iter()
            .filter(|(_, session)| session.target == *id);
        let roles = at.roles.iter().filter(|(_, role)| role.target == *id);
        KnownTarget {
            id: id.clone(),
            target: target.clone(),
            guards: guards
                .map(|(key, device)| (key.clone(), device.clone()))
                .collect(),
            attended: self.attendance.has(id),
            sessions: sessions
                .map(|(id, session)| (*id, session.clone()))
                .collect(),
            roles: roles.map(|(role, _)| role.clone()).collect(),
        }
    }
}
