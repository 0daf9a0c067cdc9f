//! How a right reaches what it is for: the targets of the team, and what each accepts.

use std::fmt;

use std::str::FromStr;
use std::sync::Arc;

use super::Right;
use super::limits::PRINCIPAL_MAX;
use crate::event::CredentialKind;
use crate::id::{RightId, TargetId};
use crate::text::Line;
use crate::time::Lifetime;
use crate::word::words;

words! {
    /// What kind of thing accepts credentials.
    TargetKind {
        /// A host with sshd.
        Ssh = "ssh",
        /// A PostgreSQL server.
        Postgres = "postgres",
        /// A Kubernetes API server.
        Kubernetes = "kubernetes",
        /// An HTTP service.
        Http = "http",
    }
}

/// Something that accepts credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// `host` or `host:port` (ssh, postgres), or a URL (kubernetes, http).
    pub address: Line,
    /// How long access there outlives its guard's contact with the broker.
    pub grace: Lifetime,
    /// PostgreSQL: the database that people work in.
    pub database: Option<Line>,
    /// PEM of the authority that its own certificate comes from.
    pub ca: Option<Arc<str>>,
}

impl Target {
    /// The host of its address, see [`host_of`].
    #[must_use]
    pub fn host(&self) -> Option<String> {
        host_of(self.address.as_str())
    }
}

/// The host of `host`, `host:port`, `[v6]:port` or a bare IPv6 address, in lower case as ssh compares
/// it; `None` where it is none, or could stand for more than one.
#[must_use]
pub fn host_of(address: &str) -> Option<String> {
    let host = match address.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if address.parse::<core::net::IpAddr>().is_ok() => address,
        None => address.split_once(':').map_or(address, |(host, _)| host),
    };
    let proper = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
    let fits = !host.is_empty() && host.bytes().all(proper) && !host.starts_with('-');
    fits.then(|| host.to_ascii_lowercase())
}

/// A name somebody logs in as on an SSH host: 1 to 32 of `a-z 0-9 . _ @ -`, and no `-` first, where
/// a program could take it for an option.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

/// A text that cannot be a principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a principal is 1 to 32 of a-z, 0-9, `.`, `_`, `@` and `-`, and does not begin with `-`")]
pub struct NotAPrincipal;

impl Principal {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, NotAPrincipal> {
        let proper = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@-".contains(&b);
        let fits = (1..=PRINCIPAL_MAX).contains(&text.len());
        if fits && text.bytes().all(proper) && !text.starts_with('-') {
            return Ok(Self(text.into()));
        }
        Err(NotAPrincipal)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    /// What an SSH certificate allows beside logging in (OpenSSH PROTOCOL.certkeys, "extensions").
    SshExtension {
        /// The way `ssh -A` lends the agent.
        AgentForwarding = "permit-agent-forwarding",
        /// `ssh -L`, `-R`, `-D` and `-W`.
        PortForwarding = "permit-port-forwarding",
        /// A terminal.
        Pty = "permit-pty",
        /// `~/.ssh/rc` is run.
        UserRc = "permit-user-rc",
        /// `ssh -X`.
        X11Forwarding = "permit-X11-forwarding",
    }
}

/// `[rights.ID.ssh]`: certificates for sshd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshAccess {
    /// Where they are for.
    pub targets: Vec<TargetId>,
    /// As whom.
    pub principals: Vec<Principal>,
    /// What they allow beside logging in, in order of the alphabet.
    pub extensions: Vec<SshExtension>,
    /// From where only; everywhere where empty (`source-address`: CIDR).
    pub source_addresses: Vec<Line>,
}

words! {
    /// How somebody comes into a PostgreSQL server.
    PostgresWay {
        /// By a role of their own for each grant, a member of the policy's role.
        Role = "role",
        /// As the policy's role itself, by an X.509 client certificate.
        Certificate = "certificate",
    }
}

/// `[rights.ID.postgres]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresAccess {
    /// Which server.
    pub target: TargetId,
    /// How.
    pub way: PostgresWay,
    /// The role whose rights it is about.
    pub role: Line,
}

words! {
    /// What is shown to a Kubernetes API server.
    KubernetesWay {
        /// A JWT, which it checks by OIDC.
        Token = "token",
        /// An X.509 client certificate.
        Certificate = "certificate",
    }
}

/// `[rights.ID.kubernetes]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesAccess {
    /// Which cluster.
    pub target: TargetId,
    /// How.
    pub way: KubernetesWay,
    /// The groups that RBAC binds something to.
    pub groups: Vec<Line>,
    /// The namespace that `kubectl` begins in.
    pub namespace: Option<Line>,
}

/// `[rights.ID.aws]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsAccess {
    /// The role that is assumed by web identity.
    pub role_arn: Line,
    /// The region that tools begin in.
    pub region: Option<Line>,
}

impl Right {
    /// Whether it names the target, so that who guards it may hear of its grants.
    #[must_use]
    pub fn reaches(&self, id: &TargetId, target: &Target) -> bool {
        let ssh = self.ssh.as_ref();
        let postgres = self.postgres.as_ref();
        let kubernetes = self.kubernetes.as_ref();
        ssh.is_some_and(|ssh| ssh.targets.contains(id))
            || postgres.is_some_and(|postgres| postgres.target == *id)
            || kubernetes.is_some_and(|kubernetes| kubernetes.target == *id)
            || (target.kind == TargetKind::Http && target.address == self.audience)
    }

    /// The kinds of credential its grants come with.
    #[must_use]
    pub fn kinds(&self) -> Vec<CredentialKind> {
        let mut kinds = Vec::new();
        if self.has_audience {
            kinds.push(CredentialKind::Jwt);
        }
        if self.ssh.is_some() {
            kinds.push(CredentialKind::Ssh);
        }
        if self.wants_certificate() {
            kinds.push(CredentialKind::X509);
        }
        let way = self.postgres.as_ref().map(|postgres| postgres.way);
        if way == Some(PostgresWay::Role) {
            kinds.push(CredentialKind::Postgres);
        }
        kinds
    }

    fn wants_certificate(&self) -> bool {
        let postgres = self.postgres.as_ref().map(|postgres| postgres.way);
        let kubernetes = self.kubernetes.as_ref().map(|kubernetes| kubernetes.way);
        postgres == Some(PostgresWay::Certificate) || kubernetes == Some(KubernetesWay::Certificate)
    }

    /// What a JWT says its holder is a member of.
    #[must_use]
    pub fn groups(&self) -> &[Line] {
        let kubernetes = self.kubernetes.as_ref();
        kubernetes.map_or(&[], |kubernetes| &kubernetes.groups)
    }
}

/// What a right without an audience puts there: nobody accepts it by chance.
#[must_use]
pub fn audience_of(right: &RightId) -> Line {
    // An id has no character that a line refuses, and is far shorter.
    Line::parse(&format!("right:{right}")).expect("an id on a line")
}
