//! The role of one grant: made, cut off, dropped.

use std::collections::BTreeSet;
use std::time::Duration;

use breakglass_domain::Time;
use postgres_protocol::escape::escape_literal;
use tokio_postgres::types::Type;

use super::connect::Session;
use super::error::PostgresError;
use super::limits::{LOGINS_SETTLE, LOOK_AGAIN, ROLES_LISTED, ROUNDS, SESSIONS, SESSIONS_END};
use super::{GroupRole, Password, Postgres, Purpose, RoleName};

/// SQLSTATE: somebody else still depends on what is to be dropped.
const DEPENDED_ON: &str = "2BP01";

/// A role to make.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Its name.
    pub name: RoleName,
    /// The role whose rights it has, and to which belongs what it makes.
    pub member_of: GroupRole,
    /// When log-ins end by themselves. Open sessions do not: [`Postgres::cut`].
    pub valid_until: Time,
    /// For whom: its comment.
    pub purpose: Purpose,
}

/// A role without sessions, which nobody can log in as any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Whether it was there at all. One that is gone has no sessions.
    pub was_there: bool,
    /// Sessions that were ended.
    pub sessions: u64,
    /// From being asked to the last of them dead.
    pub took: Duration,
}

/// A role that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// How its sessions ended, which is what people wait for.
    pub cut: Cut,
    /// From being asked to the role gone.
    pub took: Duration,
}

/// A role of a grant that is in the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleThere {
    /// Its name.
    pub name: RoleName,
    /// The group it was made for, where it still belongs to one.
    pub member_of: Option<GroupRole>,
}

impl Postgres {
    /// Makes a role, in one transaction.
    ///
    /// # Errors
    /// [`PostgresError`]. The role may be there nevertheless, where the answer was lost: what was begun
    /// and did not end well is to be dropped, [`Postgres::drop_role`]. Not to be called twice.
    pub async fn create_role(
        &self,
        role: &NewRole,
        password: &Password,
    ) -> Result<(), PostgresError> {
        let _admitted = self.urgent().await;
        let session = self.connect().await?;
        let verifier = password.verifier(&*self.entropy);
        session.run("BEGIN").await?;
        session
            .query(
                "SELECT breakglass.create_role($1, $2, $3::timestamptz, $4, $5, $6)",
                &[
                    (&role.name.to_string(), Type::TEXT),
                    (&role.member_of.as_str(), Type::TEXT),
                    (&role.valid_until.to_string(), Type::TEXT),
                    (&verifier, Type::TEXT),
                    (&SESSIONS, Type::INT4),
                    (&role.purpose.note(&self.server.ledger), Type::TEXT),
                ],
            )
            .await?;
        session.run(&begin_as_group_sql(role)).await
    }

    /// Ends access: no new log-in, and no session that is open. What the role owns stays.
    ///
    /// # Errors
    /// [`PostgresError`]; may be called again.
    pub async fn cut(&self, role: RoleName) -> Result<Cut, PostgresError> {
        let began = self.clock.monotonic();
        let _admitted = self.urgent().await;
        let session = self.connect().await?;
        let there = self.close(&session, role).await?;
        let sessions = match there {
            Some(oid) => end_sessions(&session, role, oid).await?,
            None => 0,
        };
        Ok(Cut {
            was_there: there.is_some(),
            sessions,
            took: self.clock.monotonic().saturating_sub(began),
        })
    }

    /// Cuts a role off, hands over what it owns in any database to `heir`, and drops it. One that is
    /// gone already is fine.
    ///
    /// # Errors
    /// [`PostgresError`]; may be called again, wherever it stopped.
    pub async fn drop_role(
        &self,
        role: RoleName,
        heir: &GroupRole,
    ) -> Result<Dropped, PostgresError> {
        let began = self.clock.monotonic();
        let mut cut = self.cut(role).await?;
        if cut.was_there {
            let _admitted = self.cleaning().await;
            let closed = tokio::time::Instant::now();
            let session = self.connect().await?;
            cut.sessions += self.clear(&session, role, heir, closed).await?;
        }
        Ok(Dropped {
            cut,
            took: self.clock.monotonic().saturating_sub(began),
        })
    }

    /// The roles of grants that this broker has made and that are there: those that no grant of the
    /// ledger needs are to be dropped.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub async fn roles(&self) -> Result<Vec<RoleThere>, PostgresError> {
        let _admitted = self.urgent().await;
        let session = self.connect().await?;
        let rows = session
            .query(
                "SELECT role, member_of FROM breakglass.roles($1) LIMIT $2",
                &[
                    (&self.server.ledger, Type::TEXT),
                    (&ROLES_LISTED, Type::INT8),
                ],
            )
            .await?;
        let mut roles = Vec::with_capacity(rows.len());
        for row in &rows {
            let name: &str = session.column(row, 0)?;
            let member_of: Option<&str> = session.column(row, 1)?;
            // What cannot be one of ours is none of ours.
            if let Ok(name) = name.parse() {
                let member_of = member_of.and_then(|group| GroupRole::parse(group).ok());
                roles.push(RoleThere { name, member_of });
            }
        }
        Ok(roles)
    }

    /// Takes LOGIN and the password from it, durably before anything else; its oid, where it is there.
    async fn close(&self, session: &Session, role: RoleName) -> Result<Option<u32>, PostgresError> {
        let closed = session
            .query(
                "SELECT breakglass.close_role($1, $2)",
                &[
                    (&role.to_string(), Type::TEXT),
                    (&self.server.ledger, Type::TEXT),
                ],
            )
            .await?;
        match closed.first() {
            Some(row) => session.column(row, 0),
            None => Ok(None),
        }
    }

    /// Hands over and drops, again where something new has appeared meanwhile; how many sessions
    /// came late and were ended.
    async fn clear(
        &self,
        session: &Session,
        role: RoleName,
        heir: &GroupRole,
        closed: tokio::time::Instant,
    ) -> Result<u64, PostgresError> {
        let mut late = 0;
        let mut rounds = 1;
        loop {
            let Some(oid) = self.close(session, role).await? else {
                return Ok(late);
            };
            self.hand_over(session, role, oid, heir).await?;
            tokio::time::sleep_until(closed + LOGINS_SETTLE).await;
            late += end_sessions(session, role, oid).await?;
            match self.drop_empty(session, role).await {
                Err(PostgresError::Refused { sqlstate, .. }) if sqlstate == DEPENDED_ON => {
                    if rounds == ROUNDS {
                        return Err(self.held_by_others(session, role, oid).await?);
                    }
                    rounds += 1;
                }
                dropped => return dropped.map(|()| late),
            }
        }
    }

    /// In every database in which the role owns something or was given a right.
    async fn hand_over(
        &self,
        session: &Session,
        role: RoleName,
        oid: u32,
        heir: &GroupRole,
    ) -> Result<(), PostgresError> {
        let sql = hand_over_sql(role, heir);
        for database in databases(session, oid).await? {
            if database == self.server.database {
                session.run(&sql).await?;
            } else {
                self.connect_to(&database).await?.run(&sql).await?;
            }
        }
        Ok(())
    }

    /// Rights that an administrator or another owner gave to the role itself: PostgreSQL lets only who
    /// gave them, or a superuser, take them away. Nobody can log in as it meanwhile.
    async fn held_by_others(
        &self,
        session: &Session,
        role: RoleName,
        oid: u32,
    ) -> Result<PostgresError, PostgresError> {
        let databases = databases(session, oid).await?.join(", ");
        let why = format!(
            "{role} was given rights by others, who have to take them away (in {databases}); \
             nobody can log in as it"
        );
        let run = format!("DROP OWNED BY {role};");
        Ok(session.whom().misconfigured(why, &run))
    }

    async fn drop_empty(&self, session: &Session, role: RoleName) -> Result<(), PostgresError> {
        session
            .query(
                "SELECT breakglass.drop_role($1, $2)",
                &[
                    (&role.to_string(), Type::TEXT),
                    (&self.server.ledger, Type::TEXT),
                ],
            )
            .await
            .map(drop)
    }
}

/// Its sessions begin as the group, so what they make belongs to the group from the start. Who they are
/// stays in `session_user`, in `pg_stat_activity.usename` and in `%u` of the server's log.
fn begin_as_group_sql(role: &NewRole) -> String {
    let (name, group) = (role.name.quoted(), escape_literal(role.member_of.as_str()));
    format!("SET LOCAL ROLE {name}; ALTER ROLE {name} SET role = {group}; COMMIT")
}

/// As the role itself, which may give what it owns to a role that it belongs to. What it was given
/// beside (rights on objects, default rights) goes with DROP OWNED.
fn hand_over_sql(role: RoleName, heir: &GroupRole) -> String {
    let (role, heir) = (role.quoted(), heir.quoted());
    format!(
        "BEGIN; SET LOCAL ROLE {role}; REASSIGN OWNED BY {role} TO {heir}; DROP OWNED BY {role}; COMMIT"
    )
}

/// Where a role owns something, is named in rights, or in a policy. What belongs to no database (a
/// right on a database) can be taken away from any.
async fn databases(session: &Session, oid: u32) -> Result<Vec<String>, PostgresError> {
    let rows = session
        .query(
            "SELECT DISTINCT coalesce(d.datname, current_database())::text
             FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid
             WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1 ORDER BY 1",
            &[(&oid, Type::OID)],
        )
        .await?;
    rows.iter().map(|row| session.column(row, 0)).collect()
}

/// Ends a role's sessions, as that role, and waits until none is there; how many there were.
///
/// By its oid: a name could be another's by then.
async fn end_sessions(session: &Session, role: RoleName, oid: u32) -> Result<u64, PostgresError> {
    session.run(&format!("SET ROLE {}", role.quoted())).await?;
    let ending = tokio::time::timeout(SESSIONS_END, until_none(session, oid));
    let ended = ending.await.unwrap_or_else(|_| {
        let secs = SESSIONS_END.as_secs();
        let text =
            format!("sessions of {role} are still open {secs} s after they were told to end");
        Err(session.whom().refused("55006", text))
    })?;
    session.run("RESET ROLE").await?;
    Ok(ended)
}

async fn until_none(session: &Session, oid: u32) -> Result<u64, PostgresError> {
    let mut seen = BTreeSet::new();
    loop {
        let rows = session
            .query(
                "SELECT pid, backend_type = 'client backend', pg_terminate_backend(pid)
                 FROM pg_stat_activity WHERE usesysid = $1",
                &[(&oid, Type::OID)],
            )
            .await?;
        if rows.is_empty() {
            return Ok(seen.len() as u64);
        }
        for row in &rows {
            // A worker of a parallel query is no session of its own.
            if session.column::<Option<bool>>(row, 1)?.unwrap_or(true) {
                seen.insert(session.column::<i32>(row, 0)?);
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
