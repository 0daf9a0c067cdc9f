//! Issue and use: a credential is made only against the receipt of the entry that announces it.

use breakglass_domain::command::Act;
use breakglass_domain::event::CredentialKind;
use breakglass_domain::{
    Change, CredentialId, Grant, GrantId, KeyId, Line, PersonId, Refusal, Time,
};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::{App, Caller, Error};
use crate::ports::{Credential, CredentialOrder, Decided};

/// A credential and the entry that was written before it was made.
#[derive(Debug)]
pub struct Issued {
    /// Its id; a JWT's `jti`.
    pub id: CredentialId,
    /// What it is.
    pub kind: CredentialKind,
    /// The secret itself, and how long it is valid.
    pub credential: Credential,
    /// Who it is for.
    pub audience: Line,
    /// The entry.
    pub receipt: Receipt,
}

/// What an entry announced.
struct Announced<'a> {
    id: CredentialId,
    kind: CredentialKind,
    audience: &'a Line,
    expires_at: Time,
    key: &'a KeyId,
}

impl App {
    /// A credential under one's own active grant, and the grant as it stands now.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules, also where the grant ended while its credential was being
    /// recorded; [`Error::Ledger`]; [`Error::Issue`].
    pub async fn issue(
        &self,
        caller: &Caller,
        grant: GrantId,
        kind: CredentialKind,
    ) -> Result<(Issued, Grant), Error> {
        let issue = caller.command(Act::Issue { grant, kind });
        let decided = self.submit(issue).await?;
        let issued = self.issue_recorded(caller, &decided).await?;
        issued.ok_or(Error::Broken("no credential was announced"))
    }

    /// Records that a credential was put to use.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`].
    pub async fn report_use(
        &self,
        caller: &Caller,
        grant: GrantId,
        program: Line,
    ) -> Result<Receipt, Error> {
        let used = Act::Use { grant, program };
        act::receipt(&self.submit(caller.command(used)).await?)
    }

    /// Makes the credential that a batch announces, if it does, and answers it with its grant as it
    /// stands now.
    ///
    /// # Errors
    /// [`Error::Refused`] where the grant ended since it was decided: an ending may stand in the same
    /// batch, and nobody has the credential yet, so better never than too late.
    pub(super) async fn issue_recorded(
        &self,
        caller: &Caller,
        decided: &Decided,
    ) -> Result<Option<(Issued, Grant)>, Error> {
        let Some((announced, recorded, receipt)) = act::find(decided, announced) else {
            return Ok(None);
        };
        let (id, at) = (announced.id.grant, recorded.event.at);
        let grant = self.still_active(id).await?;
        let issued = self.make(caller, &announced, at, &grant, receipt)?;
        // Signing takes its time as well.
        let grant = self.still_active(id).await?;
        Ok(Some((issued, grant)))
    }

    async fn still_active(&self, grant: GrantId) -> Result<Grant, Error> {
        let now = self.clock.now();
        let active = self.live.read(|state| state.active_at(grant, now).cloned());
        match active {
            Some(active) => Ok(active),
            None => {
                let over = Refusal::GrantEnded { grant, ended: None };
                Err(self.told_in_full(over.into()).await)
            }
        }
    }

    fn make(
        &self,
        caller: &Caller,
        announced: &Announced<'_>,
        at: Time,
        grant: &Grant,
        receipt: &Receipt,
    ) -> Result<Issued, Error> {
        let order = CredentialOrder {
            id: announced.id,
            grant: grant.clone(),
            at,
            expires_at: announced.expires_at,
            holder_key: self.public_key(caller, announced.key)?,
        };
        Ok(Issued {
            id: announced.id,
            kind: announced.kind,
            credential: self.issuer.issue(receipt, &order)?,
            audience: announced.audience.clone(),
            receipt: receipt.clone(),
        })
    }

    /// The key a grant is bound to: mostly the caller's own, else that of another laptop of theirs.
    fn public_key(&self, caller: &Caller, key: &KeyId) -> Result<Vec<u8>, Error> {
        if caller.key == *key {
            return Ok(caller.public.clone());
        }
        let enrolled = self.live.read(|state| {
            let member = state.members.get(&caller.person)?;
            member.devices.get(key).map(|device| device.public.clone())
        });
        enrolled.ok_or_else(|| not_enrolled(&caller.person))
    }
}

fn not_enrolled(person: &PersonId) -> Error {
    Error::Refused(Refusal::NotEnrolled(person.clone()))
}

fn announced(change: &Change) -> Option<Announced<'_>> {
    match change {
        Change::CredentialIssued {
            credential,
            kind,
            audience,
            expires_at,
            key,
            ..
        } => Some(Announced {
            id: *credential,
            kind: *kind,
            audience,
            expires_at: *expires_at,
            key,
        }),
        _ => None,
    }
}
