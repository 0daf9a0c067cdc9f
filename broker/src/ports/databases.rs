//! Roles in databases.

use breakglass_domain::{CredentialId, Lifetime, Line, TargetId};
use breakglass_tlog::receipt::Receipt;
use zeroize::Zeroizing;

use super::{CredentialOrder, Later};

/// Makes roles in PostgreSQL and drops them. What it does outside is on record before and after.
///
/// How much is done in one server at once is its own matter; a server that does not answer keeps no
/// other waiting.
pub trait Databases: Send + Sync {
    /// Servers that it knows how to get to.
    fn known(&self) -> Vec<TargetId>;

    /// Makes the role that the receipt's `credential.issued` entry announces; answers its password.
    ///
    /// # Errors
    /// [`DatabaseError`]; the role may be there all the same.
    fn create_role<'a>(
        &'a self,
        receipt: &'a Receipt,
        order: &'a CredentialOrder,
    ) -> Later<'a, Result<Zeroizing<String>, DatabaseError>>;

    /// Shuts a role and ends its sessions, which is what people wait for. One that is gone already
    /// has none.
    ///
    /// # Errors
    /// [`DatabaseError`]; may be tried again.
    fn cut_role<'a>(&'a self, role: &'a DoomedRole) -> Later<'a, Result<CutRole, DatabaseError>>;

    /// Hands on what a role owns, and drops it; answers how many sessions came late and were ended.
    /// One that is gone already is fine.
    ///
    /// # Errors
    /// [`DatabaseError`]; may be tried again.
    fn drop_role<'a>(&'a self, role: &'a DoomedRole) -> Later<'a, Result<u32, DatabaseError>>;

    /// Roles of grants that this broker has made, and that are there.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn roles<'a>(
        &'a self,
        target: &'a TargetId,
    ) -> Later<'a, Result<Vec<RoleThere>, DatabaseError>>;

    /// Ends the sessions of one certificate, and nobody else's; answers how many there were. Its
    /// server takes it until it expires, so this is to be called until then.
    ///
    /// # Errors
    /// [`DatabaseError`]; may be tried again.
    fn end_certificate<'a>(
        &'a self,
        certificate: &'a DoomedCertificate,
    ) -> Later<'a, Result<u64, DatabaseError>>;
}

/// A role that is to go.
#[derive(Debug, Clone)]
pub struct DoomedRole {
    /// On which server.
    pub target: TargetId,
    /// Its name.
    pub role: Line,
    /// Whose its objects become.
    pub heir: Line,
}

/// A role that nobody can log in as any more, and nobody is logged in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutRole {
    /// How many of its sessions were ended.
    pub sessions: u32,
    /// How long it took, to the last of them dead.
    pub took: Lifetime,
}

/// A role of a grant that is in a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleThere {
    /// Its name.
    pub role: Line,
    /// Whose rights it has, where it still has somebody's.
    pub member_of: Option<Line>,
}

/// A client certificate whose grant is over, and which its server still takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoomedCertificate {
    /// Which.
    pub credential: CredentialId,
    /// In which server.
    pub target: TargetId,
    /// The role it is for.
    pub role: Line,
    /// Its number, 16 bytes in lower-case hex.
    pub serial: String,
}

/// Why a server did not do it; the text is for people, and carries no secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DatabaseError {
    /// The broker does not know how to get there.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be reached now.
    #[error("the database `{target}` cannot be reached: {why}")]
    Unreachable {
        /// Which.
        target: TargetId,
        /// In its words, or the network's.
        why: String,
    },
    /// Something has to be set up otherwise, there or here.
    #[error("the database `{target}` cannot be used: {why}")]
    Misconfigured {
        /// Which.
        target: TargetId,
        /// What, and what to run.
        why: String,
    },
    /// It said no.
    #[error("the database `{target}` refused it: {why}")]
    Refused {
        /// Which.
        target: TargetId,
        /// In its words.
        why: String,
    },
    /// The receipt is for something else.
    #[error("the receipt is not for this role")]
    WrongReceipt,
}
