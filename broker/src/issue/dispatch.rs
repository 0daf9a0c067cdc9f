//! One issuer for every kind of credential: what the order's subject says decides who makes it.

use std::sync::Arc;

use breakglass_domain::Subject;
use breakglass_tlog::Receipt;

use super::ssh::SshIssuer;
use super::{JwtIssuer, TargetIssuer};
use crate::ports::{Credential, CredentialOrder, IssueError, Issuer};

/// One of each. Every one of them demands for itself that the receipt's entry announces exactly what
/// is ordered.
#[derive(Debug)]
pub struct Issuers {
    /// JWTs.
    pub jwt: Arc<JwtIssuer>,
    /// SSH certificates.
    pub ssh: SshIssuer,
    /// X.509 certificates.
    pub targets: TargetIssuer,
}

impl Issuer for Issuers {
    fn issue(&self, receipt: &Receipt, order: &CredentialOrder) -> Result<Credential, IssueError> {
        match &order.subject {
            Subject::Bearer { .. } => self.jwt.issue(receipt, order),
            Subject::Login { .. } => self.ssh.issue(receipt, order),
            Subject::Name { .. } => self.targets.issue(receipt, order),
            // A role is no document: `Databases` makes it.
            Subject::Role { .. } => Err(IssueError::WrongReceipt),
        }
    }
}
