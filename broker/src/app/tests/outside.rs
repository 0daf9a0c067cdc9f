//! What stands in for databases, and for the keys that say things to guards.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use breakglass_domain::{GrantId, Lifetime, Line, Subject, TargetId, Time};
use breakglass_tlog::cosigned::Cosigned;
use breakglass_tlog::receipt::Receipt;
use zeroize::Zeroizing;

use crate::ports::{
    CredentialOrder, CutRole, DatabaseError, Databases, DoomedCertificate, DoomedRole, IssueError,
    Later, Notary, RoleThere, Witnesses,
};

/// Keeps the names of its roles.
#[derive(Default)]
pub(crate) struct FakeDatabases {
    pub(crate) roles: Mutex<BTreeSet<Line>>,
    /// Cannot be reached while set.
    pub(crate) away: AtomicBool,
    /// Makes the role, and says that it could not.
    pub(crate) lies: AtomicBool,
    /// Roles can be cut, and not dropped, while set.
    pub(crate) locked: AtomicBool,
    /// Nothing is answered while set.
    pub(crate) hangs: AtomicBool,
    /// Roles that were cut.
    cut: Mutex<BTreeSet<Line>>,
    /// Each cut takes a millisecond longer than the one before.
    next_cut: AtomicU32,
    /// Certificates whose sessions were ended, each time.
    pub(crate) ended: Mutex<Vec<DoomedCertificate>>,
}

impl FakeDatabases {
    fn reach(&self, target: &TargetId) -> Result<(), DatabaseError> {
        if !self.away.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(DatabaseError::Unreachable {
            target: target.clone(),
            why: "connection refused".into(),
        })
    }
}

const PASSWORD: &str = "open sesame";

impl Databases for FakeDatabases {
    fn known(&self) -> Vec<TargetId> {
        vec!["shop-db".parse().unwrap()]
    }

    fn create_role<'a>(
        &'a self,
        receipt: &'a Receipt,
        order: &'a CredentialOrder,
    ) -> Later<'a, Result<Zeroizing<String>, DatabaseError>> {
        Box::pin(async move {
            let entry = String::from_utf8_lossy(receipt.entry());
            let Subject::Role { target, role, .. } = &order.subject else {
                return Err(DatabaseError::WrongReceipt);
            };
            assert!(entry.contains(role.as_str()), "it is announced");
            assert!(!entry.contains(PASSWORD), "and its password is not");
            self.reach(target)?;
            self.roles.lock().unwrap().insert(role.clone());
            if self.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.lies.load(Ordering::SeqCst) {
                return Err(DatabaseError::Unreachable {
                    target: target.clone(),
                    why: "the connection broke".into(),
                });
            }
            Ok(Zeroizing::new(PASSWORD.to_owned()))
        })
    }

    fn cut_role<'a>(&'a self, role: &'a DoomedRole) -> Later<'a, Result<CutRole, DatabaseError>> {
        Box::pin(async move {
            self.reach(&role.target)?;
            let took = self.next_cut.fetch_add(1, Ordering::SeqCst);
            let is_first = self.cut.lock().unwrap().insert(role.role.clone());
            Ok(CutRole {
                sessions: u32::from(is_first),
                took: Lifetime::from_millis(7 + i64::from(took)),
            })
        })
    }

    fn drop_role<'a>(&'a self, role: &'a DoomedRole) -> Later<'a, Result<u32, DatabaseError>> {
        Box::pin(async move {
            assert!(self.cut.lock().unwrap().contains(&role.role), "cut first");
            if self.locked.load(Ordering::SeqCst) {
                return Err(DatabaseError::Refused {
                    target: role.target.clone(),
                    why: "a table is locked".into(),
                });
            }
            self.roles.lock().unwrap().remove(&role.role);
            Ok(0)
        })
    }

    fn roles<'a>(
        &'a self,
        target: &'a TargetId,
    ) -> Later<'a, Result<Vec<RoleThere>, DatabaseError>> {
        Box::pin(async move {
            self.reach(target)?;
            let roles = self.roles.lock().unwrap().clone();
            let there = roles.into_iter().map(|role| RoleThere {
                role,
                member_of: Some(Line::parse("shop_migrator").unwrap()),
            });
            Ok(there.collect())
        })
    }

    fn end_certificate<'a>(
        &'a self,
        certificate: &'a DoomedCertificate,
    ) -> Later<'a, Result<u64, DatabaseError>> {
        Box::pin(async move {
            self.reach(&certificate.target)?;
            self.ended.lock().unwrap().push(certificate.clone());
            Ok(1)
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

    fn next_host_ca(&self) -> Option<String> {
        None
    }

    fn host_ca(&self) -> String {
        "ssh-ed25519 AAAA".into()
    }

    fn user_ca(&self) -> String {
        "ssh-ed25519 AAAB".into()
    }
}

/// Nobody signs until they are told to.
#[derive(Default)]
pub(crate) struct FakeWitnesses(tokio::sync::watch::Sender<Option<Arc<Cosigned>>>);

impl FakeWitnesses {
    /// They have signed this.
    pub(crate) fn sign(&self, cosigned: Cosigned) {
        self.0.send_replace(Some(Arc::new(cosigned)));
    }
}

impl Witnesses for FakeWitnesses {
    fn newest(&self) -> Option<Arc<Cosigned>> {
        self.0.borrow().clone()
    }

    fn reached(&self, size: u64) -> Later<'_, Arc<Cosigned>> {
        let mut newest = self.0.subscribe();
        Box::pin(async move {
            let enough =
                |it: &Option<Arc<Cosigned>>| it.as_ref().is_some_and(|it| it.size() >= size);
            newest.wait_for(enough).await.unwrap().clone().unwrap()
        })
    }
}
