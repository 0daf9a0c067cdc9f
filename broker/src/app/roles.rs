//! Roles in PostgreSQL: an effect outside the ledger, recorded as begun, and then as done or failed.
//!
//! `credential.issued` says that a role will be made, before anything is done. `role.created` says
//! that it is there. Whatever was begun is dropped in the end: with its grant, or, where a broker
//! fell between the two, by the next one, which makes nothing of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use breakglass_domain::command::{Act, RoleOutcome};
use breakglass_domain::event::RoleStep;
use breakglass_domain::targets::Role;
use breakglass_domain::{Actor, Command, GrantId, Line, Subject};
use breakglass_tlog::receipt::Receipt;

use super::{App, Error, Issued};
use crate::ports::{Credential, CredentialOrder, CutRole, DatabaseError, DoomedRole};

/// Grants under which a role is being made right now, and how many, so that nobody takes it for left
/// behind.
#[derive(Debug, Default)]
pub(super) struct InTheMaking(Mutex<BTreeMap<GrantId, usize>>);

/// Roles whose sessions were ended and that could not be dropped yet, and how that went: the time is
/// that of the first try, after which nobody was in there.
#[derive(Debug, Default)]
pub(super) struct Cuts(Mutex<BTreeMap<Line, CutRole>>);

impl Cuts {
    fn note(&self, role: &Line, cut: CutRole) -> CutRole {
        let mut cuts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = cuts.get(role).map(|first| CutRole {
            sessions: first.sessions.saturating_add(cut.sessions),
            took: first.took,
        });
        let cut = first.unwrap_or(cut);
        cuts.insert(role.clone(), cut);
        cut
    }

    fn forget(&self, role: &Line) {
        let mut cuts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.remove(role);
    }
}

/// Takes it off the list again, whatever became of its making.
pub(super) struct Mark<'a>(&'a InTheMaking, GrantId);

impl InTheMaking {
    /// To be held from before the role is announced until it is on record what became of it.
    pub(super) fn mark(&self, grant: GrantId) -> Mark<'_> {
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *grants.entry(grant).or_default() += 1;
        Mark(self, grant)
    }

    fn has(&self, grant: GrantId) -> bool {
        let grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.contains_key(&grant)
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        let mut grants = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = grants.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                grants.remove(&self.1);
            }
        }
    }
}

impl App {
    /// Makes the role that an entry announces, and puts on record what became of it.
    pub(super) async fn issue_role(
        &self,
        order: CredentialOrder,
        receipt: &Receipt,
    ) -> Result<Issued, Error> {
        let Subject::Role { role, .. } = &order.subject else {
            return Err(Error::Broken("no role was announced"));
        };
        let role = role.clone();
        let made = self.databases.create_role(receipt, &order).await;
        let outcome = match &made {
            Ok(_) => RoleOutcome::Created,
            Err(why) => failed(RoleStep::Create, why),
        };
        self.note_role(&role, outcome).await?;
        let credential = Credential {
            value: made?,
            not_before: order.at,
            expires_at: order.expires_at,
        };
        Ok(Self::issued(order, credential, receipt))
    }

    /// Roles whose time is over: their grant is, or nobody is making them any more.
    #[must_use]
    pub fn doomed_roles(&self) -> Vec<DoomedRole> {
        let now = self.clock.now();
        // One that is being made is left alone until it is there, also where its grant has ended
        // meanwhile: dropped before, it would come to be afterwards. Nobody is given its password.
        let doomed = |role: &Role, live: bool| match role.created {
            true => !live,
            false => !self.in_the_making.has(role.of.grant),
        };
        self.live.read(|state| {
            let roles = state.targets.roles.iter();
            let roles = roles.filter(|(_, role)| {
                let live = state.active_at(role.of.grant, now).is_some();
                doomed(role, live)
            });
            let roles = roles.map(|(name, role)| DoomedRole {
                target: role.target.clone(),
                role: name.clone(),
                heir: role.member_of.clone(),
            });
            roles.collect()
        })
    }

    /// Ends one's sessions, then drops it, and puts on record what became of it. Where the second
    /// fails, nobody is in there any more all the same.
    ///
    /// # Errors
    /// [`Error::Database`] where it has to be tried again, [`Error::Ledger`].
    pub async fn drop_role(&self, doomed: &DoomedRole) -> Result<CutRole, Error> {
        let dropped = self.cut_and_drop(doomed).await;
        let outcome = match &dropped {
            Ok(cut) => RoleOutcome::Dropped {
                sessions: cut.sessions,
                took: cut.took,
            },
            Err(why) => failed(RoleStep::Drop, why),
        };
        self.note_role(&doomed.role, outcome).await?;
        Ok(dropped?)
    }

    /// Answers how its sessions ended the first time that they did, and how many came late.
    pub(super) async fn cut_and_drop(&self, doomed: &DoomedRole) -> Result<CutRole, DatabaseError> {
        let cut = self.databases.cut_role(doomed).await?;
        let cut = self.cuts.note(&doomed.role, cut);
        let late = self.databases.drop_role(doomed).await?;
        self.cuts.forget(&doomed.role);
        let sessions = cut.sessions.saturating_add(late);
        Ok(CutRole { sessions, ..cut })
    }

    async fn note_role(&self, role: &Line, outcome: RoleOutcome) -> Result<(), Error> {
        let noted = Command {
            by: Actor::Broker,
            signed: None,
            act: Act::NoteRole {
                role: role.clone(),
                outcome,
            },
        };
        self.submit(noted).await.map(drop)
    }
}

fn failed(step: RoleStep, why: &DatabaseError) -> RoleOutcome {
    let text = why.to_string();
    RoleOutcome::Failed { step, text }
}
