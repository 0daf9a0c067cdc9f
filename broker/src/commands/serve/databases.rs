//! The databases of the config.

use breakglass_domain::Subject;
use breakglass_tlog::Receipt;

use crate::ports::{CredentialOrder, DatabaseError, Databases, DoomedRole, DroppedRole, Later};

/// Where no database is configured.
pub(super) struct NoDatabases;

impl Databases for NoDatabases {
    fn create_role<'a>(
        &'a self,
        _receipt: &'a Receipt,
        order: &'a CredentialOrder,
        _password: &'a str,
    ) -> Later<'a, Result<(), DatabaseError>> {
        let target = match &order.subject {
            Subject::Role { target, .. } => target.to_string(),
            _ => String::new(),
        };
        Box::pin(async move { Err(unknown(&target)) })
    }

    fn drop_role<'a>(
        &'a self,
        role: &'a DoomedRole,
    ) -> Later<'a, Result<DroppedRole, DatabaseError>> {
        Box::pin(async move { Err(unknown(role.target.as_str())) })
    }
}

fn unknown(target: &str) -> DatabaseError {
    DatabaseError::Unknown(format!(
        "the broker's config says nothing of `{target}`: add [postgres.{target}]"
    ))
}
