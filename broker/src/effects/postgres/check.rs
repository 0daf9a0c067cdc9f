//! Whether everything is set up, asked without changing anything: for `glassd check`.

use tokio_postgres::types::Type;

use super::connect::Session;
use super::error::PostgresError;
use super::{GroupRole, Postgres};

impl Postgres {
    /// Whether the broker comes in, finds what `deploy/postgres/setup.sql` makes, and may hand out these
    /// roles, those for certificates too: it ends their sessions by the same membership.
    ///
    /// Not seen from here are the lines of `pg_hba.conf` for those who come with a grant.
    ///
    /// # Errors
    /// [`PostgresError`], of the first that is not as it should be.
    pub async fn check(&self, groups: &[GroupRole]) -> Result<(), PostgresError> {
        self.roles().await?;
        let session = self.connect().await?;
        for group in groups {
            may_hand_out(&session, group).await?;
        }
        Ok(())
    }
}

/// The same two questions that `breakglass.create_role` asks when it is too late to set anything up.
async fn may_hand_out(session: &Session, group: &GroupRole) -> Result<(), PostgresError> {
    let rows = session
        .query(
            "SELECT count(*), count(*) FILTER (WHERE EXISTS (
               SELECT FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.member
               WHERE m.roleid = g.oid AND o.rolname = 'breakglass_owner' AND m.admin_option))
             FROM pg_roles g WHERE g.rolname = $1",
            &[(&group.as_str(), Type::TEXT)],
        )
        .await?;
    let (mut there, mut ours) = (0_i64, 0_i64);
    if let Some(row) = rows.first() {
        (there, ours) = (session.column(row, 0)?, session.column(row, 1)?);
    }
    if there == 0 {
        let run = format!("CREATE ROLE {};", group.quoted());
        let why = format!("there is no role {group}");
        return Err(session.whom().misconfigured(why, &run));
    }
    if ours == 0 {
        let name = group.quoted();
        let run = format!("GRANT {name} TO breakglass_owner WITH ADMIN OPTION;");
        let why = format!("the broker may not hand out the role {group}");
        return Err(session.whom().misconfigured(why, &run));
    }
    Ok(())
}
