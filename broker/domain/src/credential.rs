//! What targets accept, in the words of the rules.

use crate::id::TargetId;
use crate::policy::access::{Principal, SshExtension};
use crate::text::Line;
use crate::word::words;

words! {
    /// What kind of credential.
    CredentialKind {
        /// RFC 7519.
        Jwt = "jwt",
        /// An OpenSSH user certificate (PROTOCOL.certkeys).
        Ssh = "ssh",
        /// An X.509 client certificate (RFC 5280).
        X509 = "x509",
        /// A role and its password in PostgreSQL.
        Postgres = "postgres",
    }
}

impl CredentialKind {
    /// Whether a copy may be taken by somebody until it expires, whatever becomes of its grant: who
    /// checks only the signature and the time has no way to know. A revocation list ends an SSH
    /// certificate, and a role is dropped.
    #[must_use]
    pub fn outlives_its_grant(self) -> bool {
        matches!(self, Self::Jwt | Self::X509)
    }
}

/// What a credential says beside whom it is for. All of it stands in the entry before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A JWT.
    Bearer {
        /// The claim `groups`, left out where there are none.
        groups: Vec<Line>,
    },
    /// An SSH certificate.
    Login {
        /// Its number, out of the grant's own range: see [`CredentialId::serial`](crate::id::CredentialId::serial).
        serial: u64,
        /// As whom.
        principals: Vec<Principal>,
        /// What it allows beside.
        extensions: Vec<SshExtension>,
        /// From where only; everywhere where empty.
        source_addresses: Vec<Line>,
    },
    /// An X.509 certificate.
    Name {
        /// 16 bytes, lower-case hex.
        serial: String,
        /// CN.
        common_name: Line,
        /// Each an O.
        organizations: Vec<Line>,
    },
    /// A role in PostgreSQL that lives as long as the grant.
    Role {
        /// Which server.
        target: TargetId,
        /// Its name.
        role: Line,
        /// The role whose rights it has, and whose its objects become.
        member_of: Line,
    },
}

impl Subject {
    /// What kind of credential says this.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Bearer { .. } => CredentialKind::Jwt,
            Self::Login { .. } => CredentialKind::Ssh,
            Self::Name { .. } => CredentialKind::X509,
            Self::Role { .. } => CredentialKind::Postgres,
        }
    }
}
