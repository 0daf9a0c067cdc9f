//! Targets, their guards and their sessions; the ways a right leads there.

use breakglass_domain::policy::access::{
    AwsAccess, KubernetesAccess, KubernetesWay, PostgresAccess, PostgresWay, SshAccess,
};
use breakglass_domain::policy::{Policy, Right};
use breakglass_domain::targets::{Role, Session};
use breakglass_domain::{Line, SessionId, TargetId};
use breakglass_proto::v1;

use super::people::device;
use super::{length, time};
use crate::app::{AtTarget, KnownTarget, LiveGrant, Ways};

/// A target of the policy.
pub(in crate::api) fn target(known: &KnownTarget) -> v1::Target {
    v1::Target {
        id: known.id.to_string(),
        kind: known.target.kind.to_string(),
        address: known.target.address.to_string(),
        guards: known
            .guards
            .iter()
            .map(|(key, it)| device((key, it)))
            .collect(),
        attended: known.attended,
        sessions: known
            .sessions
            .iter()
            .map(|(id, it)| session(*id, it))
            .collect(),
        roles: known.roles.iter().map(ToString::to_string).collect(),
    }
}

/// Somebody who is in.
pub(in crate::api) fn session(id: SessionId, session: &Session) -> v1::Session {
    v1::Session {
        id: id.to_string(),
        grant: session.of.grant.to_string(),
        person: session.of.person.to_string(),
        login: session.login.to_string(),
        target: session.target.to_string(),
        opened_at: Some(time(session.opened_at)),
        over_at: session.over_at.map(time),
    }
}

/// A role that was made for a grant.
pub(in crate::api) fn role(name: &Line, role: &Role) -> v1::Role {
    v1::Role {
        name: name.to_string(),
        target: role.target.to_string(),
        grant: role.of.grant.to_string(),
        person: role.of.person.to_string(),
    }
}

/// How things stand at a target.
pub(in crate::api) fn standing(at: &AtTarget) -> v1::Standing {
    let ended = at.ended.iter().map(|(grant, at, text)| v1::EndedGrant {
        grant: grant.to_string(),
        text: text.clone(),
        at: Some(time(*at)),
    });
    v1::Standing {
        live: at.live.iter().map(live).collect(),
        ended: ended.collect(),
        grace: Some(length(at.grace)),
        doomed: at.doomed.iter().map(ToString::to_string).collect(),
    }
}

fn live(live: &LiveGrant) -> v1::LiveGrant {
    v1::LiveGrant {
        grant: live.grant.to_string(),
        person: live.person.to_string(),
        right: live.right.to_string(),
        incident: live.incident.to_string(),
        ends_at: Some(time(live.ends_at)),
    }
}

/// The ways a right leads somewhere.
pub(in crate::api) fn access(ways: &Ways, right: &Right) -> v1::Access {
    let policy = &ways.policy;
    let audience = right.has_audience.then(|| right.audience.to_string());
    let ssh = right.ssh.as_ref();
    let postgres = right.postgres.as_ref();
    let kubernetes = right.kubernetes.as_ref();
    v1::Access {
        audience: audience.unwrap_or_default(),
        ssh: ssh.map(|ssh| ssh_access(ways, ssh)),
        postgres: postgres.and_then(|postgres| postgres_access(policy, postgres)),
        kubernetes: kubernetes.and_then(|kubernetes| kubernetes_access(policy, kubernetes)),
        aws: right.aws.as_ref().map(aws_access),
    }
}

/// The authority goes along only where a host can show a certificate of it: `ssh` would refuse the others.
fn ssh_access(ways: &Ways, ssh: &SshAccess) -> v1::SshAccess {
    let host = |id: &TargetId| {
        let target = ways.policy.targets.get(id)?;
        Some(v1::SshHost {
            target: id.to_string(),
            address: target.address.to_string(),
            certified_until: ways.certified.get(id).copied().map(time),
        })
    };
    let is_any_certified = ssh.targets.iter().any(|id| ways.certified.contains_key(id));
    v1::SshAccess {
        hosts: ssh.targets.iter().filter_map(host).collect(),
        principals: ssh.principals.iter().map(ToString::to_string).collect(),
        host_ca: match is_any_certified {
            true => ways.host_cas.present.clone(),
            false => String::new(),
        },
        next_host_ca: match (is_any_certified, &ways.host_cas.next) {
            (true, Some(next)) => next.clone(),
            _ => String::new(),
        },
    }
}

fn postgres_access(policy: &Policy, postgres: &PostgresAccess) -> Option<v1::PostgresAccess> {
    let target = policy.targets.get(&postgres.target)?;
    let database = target.database.as_ref();
    Some(v1::PostgresAccess {
        target: postgres.target.to_string(),
        address: target.address.to_string(),
        database: database.map(ToString::to_string).unwrap_or_default(),
        ca: target.ca.as_deref().unwrap_or_default().to_owned(),
        by_certificate: postgres.way == PostgresWay::Certificate,
    })
}

fn kubernetes_access(
    policy: &Policy,
    kubernetes: &KubernetesAccess,
) -> Option<v1::KubernetesAccess> {
    let target = policy.targets.get(&kubernetes.target)?;
    let namespace = kubernetes.namespace.as_ref();
    Some(v1::KubernetesAccess {
        target: kubernetes.target.to_string(),
        server: target.address.to_string(),
        ca: target.ca.as_deref().unwrap_or_default().to_owned(),
        by_certificate: kubernetes.way == KubernetesWay::Certificate,
        namespace: namespace.map(ToString::to_string).unwrap_or_default(),
    })
}

fn aws_access(aws: &AwsAccess) -> v1::AwsAccess {
    let region = aws.region.as_ref();
    v1::AwsAccess {
        role_arn: aws.role_arn.to_string(),
        region: region.map(ToString::to_string).unwrap_or_default(),
    }
}
