//! The part of the live state that is about targets.

use std::ops::Not;

use breakglass_domain::event::RoleStep;
use breakglass_domain::people::Device;
use breakglass_domain::targets::{
    CertifiedHost, DatabaseCertificate, Logins, Over, Role, Session, Targets,
};
use breakglass_domain::{
    CredentialId, GrantId, GrantRef, IncidentId, Line, Nonce, SessionId, TargetId, Time,
};
use serde::{Deserialize, Serialize};

use super::super::record::word;
use super::invitations::InvitationRecord;
use crate::ports::IndexError;

/// All of it; a snapshot from before there were targets has none.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct TargetsRecord {
    guards: Vec<GuardRecord>,
    tokens: Vec<InvitationRecord>,
    sessions: Vec<SessionRecord>,
    next_session: u64,
    roles: Vec<RoleRecord>,
    logins: Vec<(u64, i64, bool)>,
    #[serde(default)]
    certificates: Vec<CertificateRecord>,
    /// Target, host, end. Without a default: a snapshot from before they were kept knows none of those
    /// that were certified, so it is made again from the ledger.
    hosts: Vec<(String, String, i64)>,
    over: Vec<OverRecord>,
}

#[derive(Serialize, Deserialize)]
struct OverRecord {
    of: OfRecord,
    credentials: u32,
    at_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct GuardRecord {
    target: String,
    key: String,
    name: String,
    public: Vec<u8>,
    enrolled_ms: i64,
    expires_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct CertificateRecord {
    credential: String,
    target: String,
    role: String,
    serial: String,
    until_ms: i64,
}

/// As of [`GrantRef`].
#[derive(Serialize, Deserialize)]
struct OfRecord {
    grant: u64,
    person: String,
    right: String,
    incident: u64,
    #[serde(default, skip_serializing_if = "Not::not")]
    drill: bool,
}

#[derive(Serialize, Deserialize)]
struct SessionRecord {
    id: u64,
    of: OfRecord,
    target: String,
    credential: String,
    login: String,
    opened_ms: i64,
    over_ms: Option<i64>,
    unconfirmed: bool,
    once: Option<[u8; 16]>,
}

#[derive(Serialize, Deserialize)]
struct RoleRecord {
    name: String,
    of: OfRecord,
    target: String,
    member_of: String,
    created: bool,
    failed: Option<(String, String)>,
}

impl From<&GrantRef> for OfRecord {
    fn from(of: &GrantRef) -> Self {
        Self {
            grant: of.grant.0,
            person: of.person.to_string(),
            right: of.right.to_string(),
            incident: of.incident.0,
            drill: of.drill,
        }
    }
}

impl OfRecord {
    fn restore(&self) -> Result<GrantRef, IndexError> {
        Ok(GrantRef {
            grant: GrantId(self.grant),
            person: word(&self.person)?,
            right: word(&self.right)?,
            incident: IncidentId(self.incident),
            drill: self.drill,
        })
    }
}

impl From<&Targets> for TargetsRecord {
    fn from(targets: &Targets) -> Self {
        let guards = targets.guards.iter().flat_map(|(target, keys)| {
            keys.iter().map(|(key, device)| GuardRecord {
                target: target.to_string(),
                key: key.to_string(),
                name: device.name.to_string(),
                public: device.public.clone(),
                enrolled_ms: device.enrolled_at.as_millis(),
                expires_ms: device.certificate_expires_at.as_millis(),
            })
        });
        let logins = targets.logins.iter();
        let logins = logins.map(|(grant, it)| (grant.0, it.until.as_millis(), it.over));
        Self {
            guards: guards.collect(),
            tokens: InvitationRecord::of(&targets.tokens),
            sessions: targets.sessions.iter().map(session_record).collect(),
            next_session: targets.next_session.0,
            roles: targets.roles.iter().map(role_record).collect(),
            logins: logins.collect(),
            certificates: targets
                .certificates
                .iter()
                .map(certificate_record)
                .collect(),
            hosts: targets.hosts.iter().map(host_record).collect(),
            over: targets.over.values().map(over_record).collect(),
        }
    }
}

fn certificate_record(
    (credential, certificate): (&CredentialId, &DatabaseCertificate),
) -> CertificateRecord {
    CertificateRecord {
        credential: credential.to_string(),
        target: certificate.target.to_string(),
        role: certificate.role.to_string(),
        serial: certificate.serial.clone(),
        until_ms: certificate.until.as_millis(),
    }
}

fn host_record((target, certified): (&TargetId, &CertifiedHost)) -> (String, String, i64) {
    let until = certified.until.as_millis();
    (target.to_string(), certified.host.to_string(), until)
}

fn session_record((id, session): (&SessionId, &Session)) -> SessionRecord {
    SessionRecord {
        id: id.0,
        of: (&session.of).into(),
        target: session.target.to_string(),
        credential: session.credential.to_string(),
        login: session.login.to_string(),
        opened_ms: session.opened_at.as_millis(),
        over_ms: session.over_at.map(Time::as_millis),
        unconfirmed: session.unconfirmed,
        once: session.once.map(|once| once.0),
    }
}

fn over_record(over: &Over) -> OverRecord {
    OverRecord {
        of: (&over.of).into(),
        credentials: over.credentials,
        at_ms: over.at.as_millis(),
    }
}

fn role_record((name, role): (&Line, &Role)) -> RoleRecord {
    let failed = role.failed.as_ref();
    RoleRecord {
        name: name.to_string(),
        of: (&role.of).into(),
        target: role.target.to_string(),
        member_of: role.member_of.to_string(),
        created: role.created,
        failed: failed.map(|(step, text)| (step.to_string(), text.clone())),
    }
}

impl TargetsRecord {
    pub(super) fn restore(self) -> Result<Targets, IndexError> {
        let mut targets = Targets {
            next_session: SessionId(self.next_session.max(1)),
            ..Targets::default()
        };
        for guard in self.guards {
            let device = Device {
                name: Line::recorded(&guard.name),
                public: guard.public,
                enrolled_at: Time::from_millis(guard.enrolled_ms),
                certificate_expires_at: Time::from_millis(guard.expires_ms),
            };
            let keys = targets.guards.entry(word(&guard.target)?).or_default();
            keys.insert(word(&guard.key)?, device);
        }
        targets.tokens = InvitationRecord::restore(self.tokens)?;
        for session in self.sessions {
            targets
                .sessions
                .insert(SessionId(session.id), session.restore()?);
        }
        for role in self.roles {
            let (name, role) = role.restore()?;
            targets.roles.insert(name, role);
        }
        for (grant, until, over) in self.logins {
            let until = Time::from_millis(until);
            targets
                .logins
                .insert(GrantId(grant), Logins { until, over });
        }
        for certificate in self.certificates {
            let (credential, certificate) = certificate.restore()?;
            targets.certificates.insert(credential, certificate);
        }
        for (target, host, until) in self.hosts {
            let certified = CertifiedHost {
                host: Line::recorded(&host),
                until: Time::from_millis(until),
            };
            targets.hosts.insert(word(&target)?, certified);
        }
        for over in self.over {
            let of = over.of.restore()?;
            let (credentials, at) = (over.credentials, Time::from_millis(over.at_ms));
            targets.over.insert(
                of.grant,
                Over {
                    of,
                    credentials,
                    at,
                },
            );
        }
        Ok(targets)
    }
}

impl CertificateRecord {
    fn restore(self) -> Result<(CredentialId, DatabaseCertificate), IndexError> {
        let certificate = DatabaseCertificate {
            target: word(&self.target)?,
            role: Line::recorded(&self.role),
            serial: self.serial,
            until: Time::from_millis(self.until_ms),
        };
        Ok((word(&self.credential)?, certificate))
    }
}

impl SessionRecord {
    fn restore(self) -> Result<Session, IndexError> {
        Ok(Session {
            of: self.of.restore()?,
            target: word(&self.target)?,
            credential: word(&self.credential)?,
            login: Line::recorded(&self.login),
            opened_at: Time::from_millis(self.opened_ms),
            over_at: self.over_ms.map(Time::from_millis),
            unconfirmed: self.unconfirmed,
            once: self.once.map(Nonce),
        })
    }
}

impl RoleRecord {
    fn restore(self) -> Result<(Line, Role), IndexError> {
        let failed = self.failed.map(|(step, text)| {
            let step: RoleStep = word(&step)?;
            Ok::<_, IndexError>((step, text))
        });
        let role = Role {
            of: self.of.restore()?,
            target: word(&self.target)?,
            member_of: Line::recorded(&self.member_of),
            created: self.created,
            failed: failed.transpose()?,
        };
        Ok((Line::recorded(&self.name), role))
    }
}
