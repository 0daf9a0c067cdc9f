//! The databases of the config, by way of their own servers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::{Lifetime, Line, Subject, TargetId};
use breakglass_tlog::Receipt;
use zeroize::Zeroizing;

use super::super::databases::server;
use super::super::stores::DECODE;
use crate::config::Config;
use crate::effects::postgres::{
    GroupRole, NewRole, Password, Postgres, PostgresError, Purpose, RoleName, Server,
};
use crate::issue::demand_announced;
use crate::ports::{
    Clock, CredentialOrder, CutRole, DatabaseError, Databases, DoomedCertificate, DoomedRole,
    Entropy, Later, Live, RoleThere,
};

/// One client a server. Where a server is, is asked of the policy each time: after a reload the new
/// address counts.
pub(super) struct ConfiguredDatabases {
    config: Config,
    live: Live,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    clients: Mutex<BTreeMap<TargetId, (Server, Arc<Postgres>)>>,
}

impl ConfiguredDatabases {
    pub(super) fn new(
        config: &Config,
        live: Live,
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
    ) -> Self {
        Self {
            config: config.clone(),
            live,
            clock,
            entropy,
            clients: Mutex::default(),
        }
    }

    fn client(&self, target: &TargetId) -> Result<Arc<Postgres>, DatabaseError> {
        let server = self
            .live
            .read(|state| server(&self.config, &state.policy, target));
        let server = server.map_err(DatabaseError::Unknown)?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = clients.get(target)
            && *known == server
        {
            return Ok(Arc::clone(client));
        }
        let (clock, entropy) = (self.clock.clone(), self.entropy.clone());
        let client = Postgres::new(server.clone(), clock, entropy);
        let client = Arc::new(client.map_err(|why| explained(target, why))?);
        clients.insert(target.clone(), (server, Arc::clone(&client)));
        Ok(client)
    }

    async fn create(
        &self,
        receipt: &Receipt,
        order: &CredentialOrder,
    ) -> Result<Zeroizing<String>, DatabaseError> {
        demand_announced(DECODE, receipt, order).map_err(|_| DatabaseError::WrongReceipt)?;
        let Subject::Role {
            target,
            role,
            member_of,
        } = &order.subject
        else {
            return Err(DatabaseError::WrongReceipt);
        };
        let name = RoleName::of(order.id);
        if name.to_string() != role.as_str() {
            return Err(DatabaseError::WrongReceipt);
        }
        let of = &order.grant.of;
        let new = NewRole {
            name,
            member_of: group(target, member_of)?,
            valid_until: order.expires_at,
            purpose: Purpose {
                grant: of.grant,
                person: of.person.clone(),
                incident: of.incident,
            },
        };
        let password = Password::draw(&*self.entropy);
        let made = self.client(target)?.create_role(&new, &password).await;
        made.map_err(|why| explained(target, why))?;
        Ok(password.into_text())
    }

    async fn cut(&self, doomed: &DoomedRole) -> Result<CutRole, DatabaseError> {
        let DoomedRole { target, role, .. } = doomed;
        let cut = self.client(target)?.cut(name(target, role)?).await;
        let cut = cut.map_err(|why| explained(target, why))?;
        Ok(CutRole {
            sessions: counted(cut.sessions),
            took: lifetime(cut.took),
        })
    }

    async fn hand_on_and_drop(&self, doomed: &DoomedRole) -> Result<u32, DatabaseError> {
        let DoomedRole { target, role, heir } = doomed;
        let (role, heir) = (name(target, role)?, group(target, heir)?);
        let dropped = self.client(target)?.drop_role(role, &heir).await;
        let dropped = dropped.map_err(|why| explained(target, why))?;
        Ok(counted(dropped.cut.sessions))
    }

    async fn list(&self, target: &TargetId) -> Result<Vec<RoleThere>, DatabaseError> {
        let roles = self.client(target)?.roles().await;
        let roles = roles.map_err(|why| explained(target, why))?.into_iter();
        let roles = roles.map(|there| RoleThere {
            role: Line::recorded(&there.name.to_string()),
            member_of: there.member_of.map(|group| Line::recorded(group.as_str())),
        });
        Ok(roles.collect())
    }

    async fn end(&self, doomed: &DoomedCertificate) -> Result<u64, DatabaseError> {
        let DoomedCertificate {
            target,
            role,
            serial,
            ..
        } = doomed;
        let serial = u128::from_str_radix(serial, 16).map_err(|_| {
            let (target, why) = (target.clone(), format!("{serial} is no serial number"));
            DatabaseError::Refused { target, why }
        })?;
        let role = group(target, role)?;
        let ended = self.client(target)?.end_certificate(&role, serial).await;
        ended.map_err(|why| explained(target, why))
    }
}

impl Databases for ConfiguredDatabases {
    fn known(&self) -> Vec<TargetId> {
        let names = self.config.settings.postgres.keys();
        names.map(|name| name.id().clone()).collect()
    }

    fn create_role<'a>(
        &'a self,
        receipt: &'a Receipt,
        order: &'a CredentialOrder,
    ) -> Later<'a, Result<Zeroizing<String>, DatabaseError>> {
        Box::pin(self.create(receipt, order))
    }

    fn cut_role<'a>(&'a self, role: &'a DoomedRole) -> Later<'a, Result<CutRole, DatabaseError>> {
        Box::pin(self.cut(role))
    }

    fn drop_role<'a>(&'a self, role: &'a DoomedRole) -> Later<'a, Result<u32, DatabaseError>> {
        Box::pin(self.hand_on_and_drop(role))
    }

    fn roles<'a>(
        &'a self,
        target: &'a TargetId,
    ) -> Later<'a, Result<Vec<RoleThere>, DatabaseError>> {
        Box::pin(self.list(target))
    }

    fn end_certificate<'a>(
        &'a self,
        certificate: &'a DoomedCertificate,
    ) -> Later<'a, Result<u64, DatabaseError>> {
        Box::pin(self.end(certificate))
    }
}

/// Only what the ledger has can stand there, and that was one.
fn name(target: &TargetId, role: &Line) -> Result<RoleName, DatabaseError> {
    role.as_str().parse().map_err(|_| {
        let (target, why) = (target.clone(), format!("`{role}` is no role of a grant"));
        DatabaseError::Refused { target, why }
    })
}

/// The policy refuses what is none; an entry may be from before it did.
fn group(target: &TargetId, role: &Line) -> Result<GroupRole, DatabaseError> {
    GroupRole::parse(role.as_str()).map_err(|why| DatabaseError::Misconfigured {
        target: target.clone(),
        why: format!("the policy's role `{role}` cannot be: {why}"),
    })
}

/// In the words of people, with the target's name in the place of an address they do not know.
pub(in super::super) fn explained(target: &TargetId, error: PostgresError) -> DatabaseError {
    let target = target.clone();
    match error {
        PostgresError::Unreachable { server, why } => DatabaseError::Unreachable {
            target,
            why: format!("{server}: {why}"),
        },
        PostgresError::Refused { sqlstate, text, .. } => DatabaseError::Refused {
            target,
            why: format!("{text} (SQLSTATE {sqlstate})"),
        },
        PostgresError::Misconfigured { why, run, .. } => DatabaseError::Misconfigured {
            target,
            why: match run {
                Some(run) => format!("{why}; run: {run}"),
                None => why,
            },
        },
    }
}

fn counted(sessions: u64) -> u32 {
    u32::try_from(sessions).unwrap_or(u32::MAX)
}

fn lifetime(took: Duration) -> Lifetime {
    Lifetime::from_millis(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))
}
