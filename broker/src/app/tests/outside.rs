//! What stands in for databases, and for the keys that say things to guards.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use breakglass_domain::{GrantId, Lifetime, Line, Subject, Time};
use breakglass_tlog::receipt::Receipt;

use crate::ports::{
    CredentialOrder, DatabaseError, Databases, DoomedRole, DroppedRole, IssueError, Later, Notary,
};

/// Keeps the names of its roles.
#[derive(Default)]
pub(crate) struct FakeDatabases {
    pub(crate) roles: Mutex<BTreeSet<Line>>,
    /// Cannot be reached while set.
    pub(crate) away: AtomicBool,
    /// Makes the role, and says that it could not.
    pub(crate) lies: AtomicBool,
}

impl FakeDatabases {
    fn reach(&self, role: &DoomedRole) -> Result<(), DatabaseError> {
        if !self.away.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(DatabaseError::Unreachable {
            target: role.target.clone(),
            why: "connection refused".into(),
        })
    }
}

impl Databases for FakeDatabases {
    fn create_role<'a>(
        &'a self,
        receipt: &'a Receipt,
        order: &'a CredentialOrder,
        password: &'a str,
    ) -> Later<'a, Result<(), DatabaseError>> {
        Box::pin(async move {
            let entry = String::from_utf8_lossy(receipt.entry());
            let Subject::Role {
                target,
                role,
                member_of,
            } = &order.subject
            else {
                return Err(DatabaseError::WrongReceipt);
            };
            assert!(entry.contains(role.as_str()), "it is announced");
            assert!(!entry.contains(password), "and its password is not");
            let role = DoomedRole {
                target: target.clone(),
                role: role.clone(),
                heir: member_of.clone(),
            };
            self.reach(&role)?;
            self.roles.lock().unwrap().insert(role.role.clone());
            if self.lies.load(Ordering::SeqCst) {
                return Err(DatabaseError::Unreachable {
                    target: role.target,
                    why: "the connection broke".into(),
                });
            }
            Ok(())
        })
    }

    fn drop_role<'a>(
        &'a self,
        role: &'a DoomedRole,
    ) -> Later<'a, Result<DroppedRole, DatabaseError>> {
        Box::pin(async move {
            self.reach(role)?;
            let there = self.roles.lock().unwrap().remove(&role.role);
            Ok(DroppedRole {
                sessions: u32::from(there),
                took: Lifetime::from_millis(7),
            })
        })
    }
}

/// Signs nothing: says what it would sign.
pub(crate) struct FakeNotary;

impl Notary for FakeNotary {
    fn sign(&self, text: &str) -> Result<String, IssueError> {
        Ok(format!("{text}\n— notary\n"))
    }

    fn revocation_list(&self, revoked: &BTreeSet<GrantId>, version: u64, at: Time) -> Vec<u8> {
        format!("{revoked:?} of {at} in version {version}").into_bytes()
    }

    fn published_keys(&self, _now: Time) -> String {
        "{\"keys\":[]}".into()
    }

    fn host_ca(&self) -> String {
        "ssh-ed25519 AAAA".into()
    }
}
