//! Invite, remove, freeze, unfreeze, and who is on the team.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::people::Member;
use breakglass_domain::policy::Person;
use breakglass_domain::{Actor, Change, Command, Grant, PersonId, Refusal, Signed, State, Time};
use breakglass_tlog::receipt::Receipt;
use zeroize::Zeroizing;

use super::act;
use super::leaving::{Left, Works};
use super::token::{Token, invitation};
use super::{App, Error};

/// An invitation to hand over. Says nothing in `Debug`.
pub struct Invited {
    /// The whole argument of `glass enroll`. Shown once, stored nowhere.
    pub invitation: Zeroizing<String>,
    /// When it stops working.
    pub expires_at: Time,
    /// The entry.
    pub receipt: Receipt,
}

impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invited").finish_non_exhaustive()
    }
}

/// What ended with a removal, or with a freeze, which leaves the keys.
#[derive(Debug, Clone)]
pub struct Removed {
    /// Requests and grants.
    pub grants: Vec<Grant>,
    /// Keys and invitations that no longer work.
    pub works: Works,
    /// What of theirs is left.
    pub left: Left,
    /// The entry that carries the statement.
    pub receipt: Receipt,
}

/// Somebody in the policy, and what is known of them beside it.
#[derive(Debug, Clone)]
pub struct Known {
    /// What people type.
    pub id: PersonId,
    /// As the policy has them.
    pub person: Person,
    /// Keys and freezes.
    pub member: Member,
}

impl App {
    /// Makes an invitation for somebody in the policy; only its hash is written.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn invite(
        &self,
        by: Actor,
        signed: Arc<Signed>,
        person: PersonId,
    ) -> Result<Invited, Error> {
        let token = Token::draw(&*self.entropy);
        let act = Act::Invite {
            person,
            token: token.hash().clone(),
        };
        let signed = Some(signed);
        let decided = self.submit(Command { by, signed, act }).await?;
        let expiry = |change: &Change| match change {
            Change::PersonInvited { expires_at, .. } => Some(*expires_at),
            _ => None,
        };
        let (expires_at, _, receipt) =
            act::find(&decided, expiry).ok_or(Error::Broken("nobody was invited"))?;
        let about = &self.about;
        Ok(Invited {
            invitation: invitation(&about.url, &about.authority_pin, &token),
            expires_at,
            receipt: receipt.clone(),
        })
    }

    /// Ends every key, invitation and grant of somebody.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn remove(&self, command: Command) -> Result<Removed, Error> {
        self.end_all(command).await
    }

    /// Stops somebody from everything; answers what ended with it.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn freeze(&self, command: Command) -> Result<Removed, Error> {
        self.end_all(command).await
    }

    /// Lifts a freeze.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn unfreeze(&self, command: Command) -> Result<Receipt, Error> {
        act::receipt(&self.submit(command).await?)
    }

    async fn end_all(&self, command: Command) -> Result<Removed, Error> {
        let (Act::Remove { person, .. } | Act::Freeze { person, .. }) = &command.act else {
            return Err(Error::Broken("neither a removal nor a freeze"));
        };
        let (person, now) = (person.clone(), self.now());
        let works = self.live.read(|state| Works::of(state, &person, now));
        let decided = self.submit(command).await?;
        let receipt = act::receipt(&decided)?;
        Ok(Removed {
            grants: self.ended_by(&decided).await?,
            works,
            left: self.live.read(|state| Left::of(state, &person)),
            receipt,
        })
    }

    /// Everybody in the policy, in order of id.
    #[must_use]
    pub fn people(&self) -> Vec<Known> {
        self.live.read(|state| {
            let people = state.policy.people.keys();
            people.filter_map(|id| known(state, id)).collect()
        })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Refused`] where the policy has nobody called so.
    pub fn person(&self, id: &PersonId) -> Result<Known, Error> {
        let known = self.live.read(|state| known(state, id));
        known.ok_or_else(|| Error::Refused(Refusal::UnknownPerson(id.clone())))
    }
}

fn known(state: &State, id: &PersonId) -> Option<Known> {
    Some(Known {
        id: id.clone(),
        person: state.policy.people.get(id)?.clone(),
        member: state.members.get(id).cloned().unwrap_or_default(),
    })
}
