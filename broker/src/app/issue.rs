//! Issue and use: a credential is made only against the receipt of the entry that announces it.

use breakglass_domain::command::{Act, Wanted};
use breakglass_domain::event::CredentialKind;
use breakglass_domain::{
    Change, CredentialId, Grant, GrantId, KeyId, Line, PersonId, Refusal, Subject, Time,
    WitnessWord,
};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::{App, Caller, Error};
use crate::ports::{Credential, CredentialOrder, Decided, Recorded};

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A JWT, bound to the key of the grant.
    Jwt,
    /// An SSH certificate for a key of its own.
    Ssh(NewKey),
    /// An X.509 certificate for a key of its own.
    X509(NewKey),
    /// A role in PostgreSQL.
    Postgres,
}

/// A key that was made for one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its name.
    pub id: KeyId,
    /// Uncompressed SEC 1 point, 65 bytes.
    pub public: Vec<u8>,
}

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
    /// What it says beside.
    pub subject: Subject,
    /// The entry.
    pub receipt: Receipt,
}

/// What an entry announced.
struct Announced<'a> {
    id: CredentialId,
    expires_at: Time,
    key: &'a KeyId,
    subject: &'a Subject,
    witnesses: Option<WitnessWord>,
}

impl App {
    /// A credential under one's own active grant, and the grant as it stands now.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules, also where the grant ended while its credential was being
    /// recorded; [`Error::Ledger`]; [`Error::Issue`]; [`Error::Database`].
    pub async fn issue(
        &self,
        caller: &Caller,
        grant: GrantId,
        wish: &Wish,
    ) -> Result<(Issued, Grant), Error> {
        let _mark = (*wish == Wish::Postgres).then(|| self.in_the_making.mark(grant));
        let wanted = self.wanted(wish);
        let key = caller.key.clone();
        let issue = caller.command(Act::Issue { grant, wanted, key });
        let decided = self.submit(issue).await?;
        let issued = self.issue_recorded(caller, &decided, wish).await?;
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
    /// [`Error::Refused`] where too few witnesses have signed the entry that announces it, and the
    /// policy wants them to; where the grant ended since it was decided: an ending may stand in the same
    /// batch, and nobody has the credential yet, so better never than too late.
    pub(super) async fn issue_recorded(
        &self,
        caller: &Caller,
        decided: &Decided,
        wish: &Wish,
    ) -> Result<Option<(Issued, Grant)>, Error> {
        let Some((announced, recorded, receipt)) = act::find(decided, announced) else {
            return Ok(None);
        };
        let witnessed = match announced.witnesses {
            Some(WitnessWord::Needed) => {
                let of = recorded.event.change.grant();
                let of = of.ok_or(Error::Broken("a credential of no grant"))?;
                Some(self.until_witnessed(caller, of, receipt.index()).await?)
            }
            Some(WitnessWord::Missing) | None => None,
        };
        let grant = self.still_active(announced.id.grant).await?;
        let order = CredentialOrder {
            witnessed,
            ..self.order(caller, &announced, recorded, &grant, wish)?
        };
        let id = grant.of.grant;
        let issued = match order.subject {
            Subject::Role { .. } => self.issue_role(order, receipt).await?,
            _ => self.make(order, receipt)?,
        };
        // Making it takes its time as well.
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

    fn wanted(&self, wish: &Wish) -> Wanted {
        match wish {
            Wish::Jwt => Wanted::Jwt,
            Wish::Ssh(key) => Wanted::Ssh {
                key: key.id.clone(),
            },
            Wish::X509(key) => Wanted::X509 {
                key: key.id.clone(),
                serial: self.serial(),
            },
            Wish::Postgres => Wanted::Postgres,
        }
    }

    /// What an entry announces, with what it takes to make it.
    fn order(
        &self,
        caller: &Caller,
        announced: &Announced<'_>,
        recorded: &Recorded,
        grant: &Grant,
        wish: &Wish,
    ) -> Result<CredentialOrder, Error> {
        let public = match wish {
            Wish::Ssh(key) | Wish::X509(key) => key.public.clone(),
            Wish::Jwt | Wish::Postgres => self.public_key(caller, announced.key)?,
        };
        Ok(CredentialOrder {
            id: announced.id,
            grant: grant.clone(),
            at: recorded.event.at,
            expires_at: announced.expires_at,
            public,
            subject: announced.subject.clone(),
            witnessed: None,
        })
    }

    fn make(&self, order: CredentialOrder, receipt: &Receipt) -> Result<Issued, Error> {
        let credential = self.issuer.issue(receipt, &order)?;
        Ok(Self::issued(order, credential, receipt))
    }

    pub(super) fn issued(
        order: CredentialOrder,
        credential: Credential,
        receipt: &Receipt,
    ) -> Issued {
        Issued {
            id: order.id,
            kind: order.subject.kind(),
            credential,
            audience: order.grant.audience,
            subject: order.subject,
            receipt: receipt.clone(),
        }
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
            expires_at,
            key,
            subject,
            witnesses,
            ..
        } => Some(Announced {
            id: *credential,
            expires_at: *expires_at,
            key,
            subject,
            witnesses: *witnesses,
        }),
        _ => None,
    }
}
