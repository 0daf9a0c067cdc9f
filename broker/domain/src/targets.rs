//! Targets as the ledger knows them: who guards them, who is in there, and what was made there.
//!
//! Kept apart from people by type: a guard's key is never among the keys of people, so no mistake
//! elsewhere can let it act as somebody.

use std::collections::{BTreeMap, BTreeSet};

use crate::credential::Subject;
use crate::event::RoleStep;
use crate::grant::GrantRef;
use crate::id::{CredentialId, GrantId, KeyId, Nonce, SessionId, TargetId};
use crate::invitation::Invitations;
use crate::limits::{CERTIFICATE_OUTLASTS, LATE_GRANTS, LATE_WITHIN};
use crate::people::Device;
use crate::text::Line;
use crate::time::Time;

/// All of it; the part of [`State`](crate::State) that is about targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// Enrolled keys of guards, by target.
    pub guards: BTreeMap<TargetId, BTreeMap<KeyId, Device>>,
    /// Invitations of guards that were not used yet.
    pub tokens: Invitations<TargetId>,
    /// Sessions that are open, and those whose grant is over and whose end nobody has seen.
    pub sessions: BTreeMap<SessionId, Session>,
    /// The number the next session gets.
    pub next_session: SessionId,
    /// Roles in PostgreSQL that exist, or may, by name.
    pub roles: BTreeMap<Line, Role>,
    /// Grants with SSH certificates that sshd would still take by their time.
    pub logins: BTreeMap<GrantId, Logins>,
    /// Client certificates that PostgreSQL servers take.
    pub certificates: BTreeMap<CredentialId, DatabaseCertificate>,
    /// The newest certificate of each host's own key.
    pub hosts: BTreeMap<TargetId, CertifiedHost>,
    /// Grants that are over and led to hosts, for sessions that their guards could not report.
    pub over: BTreeMap<GrantId, Over>,
    /// The same, in order of their end.
    pub over_at: BTreeSet<(Time, GrantId)>,
    /// Sessions that are open, by what their guards drew for them.
    pub once: BTreeMap<(TargetId, Nonce), SessionId>,
    /// Which guard holds which key: the inverse of `guards`.
    pub keys: BTreeMap<KeyId, TargetId>,
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            guards: BTreeMap::new(),
            tokens: BTreeMap::new(),
            sessions: BTreeMap::new(),
            next_session: SessionId(1),
            roles: BTreeMap::new(),
            logins: BTreeMap::new(),
            certificates: BTreeMap::new(),
            hosts: BTreeMap::new(),
            over: BTreeMap::new(),
            over_at: BTreeSet::new(),
            once: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }
}

/// Somebody who is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Under which grant.
    pub of: GrantRef,
    /// Where.
    pub target: TargetId,
    /// By which credential.
    pub credential: CredentialId,
    /// As whom.
    pub login: Line,
    /// Since when.
    pub opened_at: Time,
    /// When its grant ended, where it has: it should be over.
    pub over_at: Option<Time>,
    /// Whether it was put on record that its end could not be confirmed.
    pub unconfirmed: bool,
    /// What its guard drew for it, where it did.
    pub once: Option<Nonce>,
}

/// A grant that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// Which, and whose.
    pub of: GrantRef,
    /// How many credentials were issued under it.
    pub credentials: u32,
    /// Since when.
    pub at: Time,
}

/// A role in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Under which grant.
    pub of: GrantRef,
    /// Where.
    pub target: TargetId,
    /// Whose its objects become.
    pub member_of: Line,
    /// Whether it is known to exist. Before that it may.
    pub created: bool,
    /// What failed last, and what the server said.
    pub failed: Option<(RoleStep, String)>,
}

/// How long the SSH certificates of a grant would be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logins {
    /// The end of the last one.
    pub until: Time,
    /// Whether the grant is over, so that a revocation list has to name it.
    pub over: bool,
}

/// A client certificate that a PostgreSQL server takes until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCertificate {
    /// Where.
    pub target: TargetId,
    /// As whom.
    pub role: Line,
    /// 16 bytes, lower-case hex.
    pub serial: String,
    /// Until when.
    pub until: Time,
}

impl DatabaseCertificate {
    /// From what a certificate says; `None` for one that is for something else. The organization is
    /// what [`in_postgres`] writes.
    pub(crate) fn of(subject: &Subject, until: Time) -> Option<Self> {
        let Subject::Name {
            serial,
            common_name,
            organizations,
        } = subject
        else {
            return None;
        };
        let [organization] = &organizations[..] else {
            return None;
        };
        let (target, role) = organization
            .as_str()
            .strip_prefix(IN_POSTGRES)?
            .split_once(':')?;
        (role == common_name.as_str()).then_some(())?;
        Some(Self {
            target: target.parse().ok()?,
            role: common_name.clone(),
            serial: serial.clone(),
            until,
        })
    }

    /// Whether a server may still take it, or has somebody in it who came by it: its clock may be
    /// behind.
    pub(crate) fn counts(&self, now: Time) -> bool {
        now < self.until.plus(CERTIFICATE_OUTLASTS)
    }
}

/// An SSH host with a certificate, so that nobody is asked whether it is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedHost {
    /// The name or address it is for.
    pub host: Line,
    /// Until when.
    pub until: Time,
}

/// What the organization of a certificate for a PostgreSQL server begins with.
const IN_POSTGRES: &str = "postgres:";

/// The organization of a certificate for one role in one PostgreSQL server.
pub(crate) fn in_postgres(target: &TargetId, role: &Line) -> Line {
    Line::recorded(&format!("{IN_POSTGRES}{target}:{role}"))
}

impl Targets {
    /// Client certificates that a server may take at this time, in order.
    pub fn certificates_at(
        &self,
        now: Time,
    ) -> impl Iterator<Item = (CredentialId, &DatabaseCertificate)> {
        let certificates = self.certificates.iter();
        let counting = certificates.filter(move |(_, certificate)| certificate.counts(now));
        counting.map(|(id, certificate)| (*id, certificate))
    }

    /// The session that a guard opened with this.
    #[must_use]
    pub fn opened_with(&self, target: &TargetId, once: Nonce) -> Option<(SessionId, &Session)> {
        let id = *self.once.get(&(target.clone(), once))?;
        Some((id, self.sessions.get(&id)?))
    }

    /// A grant that is over, where its guards may still report who came in under it.
    #[must_use]
    pub fn late_under(&self, grant: GrantId, now: Time) -> Option<&Over> {
        let over = self.over.get(&grant);
        over.filter(|over| now < over.at.plus(LATE_WITHIN))
    }

    pub(crate) fn remember_over(&mut self, over: Over) {
        let (grant, at) = (over.of.grant, over.at);
        self.over.insert(grant, over);
        self.over_at.insert((at, grant));
        while let Some((first, grant)) = self.over_at.first().copied() {
            if self.over_at.len() <= LATE_GRANTS && at < first.plus(LATE_WITHIN) {
                return;
            }
            self.over_at.pop_first();
            self.over.remove(&grant);
        }
    }

    /// Works out anew what follows from the rest (`keys`, `once`, `over_at`).
    pub(crate) fn reindex(&mut self) {
        let sessions = self.sessions.iter();
        let once = sessions.filter_map(|(id, it)| Some(((it.target.clone(), it.once?), *id)));
        self.once = once.collect();
        let over = self.over.iter();
        self.over_at = over.map(|(grant, over)| (over.at, *grant)).collect();
        let pairs = |(target, keys): (&TargetId, &BTreeMap<KeyId, Device>)| {
            let target = target.clone();
            let keys: Vec<_> = keys.keys().cloned().collect();
            keys.into_iter().map(move |key| (key, target.clone()))
        };
        self.keys = self.guards.iter().flat_map(pairs).collect();
    }

    /// Grants that a revocation list has to name at this time, in order.
    #[must_use]
    pub fn revoked_logins(&self, now: Time) -> BTreeSet<GrantId> {
        let counts = |logins: &Logins| logins.over && now < logins.until;
        let revoked = self.logins.iter().filter(|(_, logins)| counts(logins));
        revoked.map(|(grant, _)| *grant).collect()
    }
}
