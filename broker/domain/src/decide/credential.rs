//! Credentials under an active grant, and what they were put to use for.

use crate::budget::Spending;
use crate::command::Wanted;
use crate::credential::{CredentialKind, Subject};
use crate::event::{Change, Event};
use crate::grant::{Grant, GrantRef};
use crate::id::{CredentialId, GrantId, KeyId, PersonId};
use crate::limits::CREDENTIAL_LIFE;
use crate::policy::Right;
use crate::policy::access::{KubernetesWay, PostgresAccess, PostgresWay};
use crate::refusal::Refusal;
use crate::targets::in_postgres;
use crate::text::Line;
use crate::time::Time;
use crate::witnessing::WitnessWord;

use super::case::{Case, need_holder};
use super::witness;

/// Again and again while the grant lives: each credential dies long before it. What it says is what
/// the policy says now.
pub(super) fn issue(
    case: &Case<'_>,
    by: &PersonId,
    grant: GrantId,
    wanted: &Wanted,
    key: &KeyId,
) -> Result<Vec<Event>, Refusal> {
    need_holder(case.live(grant)?, by)?;
    let (grant, active) = case.active(grant)?;
    case.open_incident(grant.of.incident)?;
    if grant.credentials > 0 {
        case.afford(&Spending::Credentials(grant.of.grant))?;
        case.afford(&Spending::UnderGrants(by.clone()))?;
    }
    let credential = CredentialId {
        grant: grant.of.grant,
        number: grant.credentials.saturating_add(1),
    };
    let (subject, witnesses) = said(case, grant, credential, wanted)?;
    let key = match &grant.key {
        Some(pinned) => pinned,
        // Handed over: bound to the laptop that takes it.
        None if case.state.keys.get(key) == Some(by) => key,
        None => return Err(Refusal::NotEnrolled(by.clone())),
    };
    let expires_at = match subject {
        // Its password is of use to nobody once the role is gone, and that goes with the grant.
        Subject::Role { .. } => active.ends_at,
        _ => expires_at(case, active.ends_at),
    };
    let issued = Change::CredentialIssued {
        of: grant.of.clone(),
        credential,
        kind: wanted.kind(),
        audience: grant.audience.clone(),
        expires_at,
        key: bound_to(wanted).unwrap_or(key).clone(),
        subject,
        witnesses,
    };
    Ok(vec![case.event(by, issued)])
}

/// The first one, of a grant that begins in this very moment.
pub(super) fn first(
    case: &Case<'_>,
    of: GrantRef,
    right: &Right,
    ends_at: Time,
    key: &KeyId,
) -> Result<Change, Refusal> {
    if !right.has_audience {
        return Err(no_such(&of, CredentialKind::Jwt));
    }
    let witnesses = witness::word(case, &of.right, right)?;
    Ok(Change::CredentialIssued {
        credential: CredentialId {
            grant: of.grant,
            number: 1,
        },
        of,
        kind: CredentialKind::Jwt,
        audience: right.audience.clone(),
        expires_at: expires_at(case, ends_at),
        key: key.clone(),
        subject: bearer(right),
        witnesses,
    })
}

pub(super) fn note_use(
    case: &Case<'_>,
    by: &PersonId,
    grant: GrantId,
    program: &Line,
) -> Result<Vec<Event>, Refusal> {
    need_holder(case.live(grant)?, by)?;
    let (grant, _) = case.active(grant)?;
    case.afford(&Spending::Uses(grant.of.grant))?;
    case.afford(&Spending::UnderGrants(by.clone()))?;
    let used = Change::GrantUsed {
        of: grant.of.clone(),
        program: program.clone(),
    };
    Ok(vec![case.event(by, used)])
}

fn expires_at(case: &Case<'_>, ends_at: Time) -> Time {
    case.at.plus(CREDENTIAL_LIFE).min(ends_at)
}

fn bound_to(wanted: &Wanted) -> Option<&KeyId> {
    match wanted {
        Wanted::Ssh { key } | Wanted::X509 { key, .. } => Some(key),
        Wanted::Jwt | Wanted::Postgres => None,
    }
}

fn said(
    case: &Case<'_>,
    grant: &Grant,
    credential: CredentialId,
    wanted: &Wanted,
) -> Result<(Subject, Option<WitnessWord>), Refusal> {
    let of = &grant.of;
    let right = case.policy().rights.get(&of.right);
    let right = right.ok_or_else(|| Refusal::UnknownRight(of.right.clone()))?;
    let said = match wanted {
        Wanted::Jwt => right.has_audience.then(|| bearer(right)),
        Wanted::Ssh { .. } => login(right, credential),
        Wanted::X509 { serial, .. } => name(right, &of.person, serial),
        Wanted::Postgres => role(right, credential),
    };
    let said = said.ok_or_else(|| no_such(of, wanted.kind()))?;
    Ok((said, witness::word(case, &of.right, right)?))
}

fn no_such(of: &GrantRef, kind: CredentialKind) -> Refusal {
    Refusal::NoSuchCredential {
        right: of.right.clone(),
        kind,
    }
}

fn bearer(right: &Right) -> Subject {
    Subject::Bearer {
        groups: right.groups().to_vec(),
    }
}

fn login(right: &Right, credential: CredentialId) -> Option<Subject> {
    let ssh = right.ssh.as_ref()?;
    Some(Subject::Login {
        serial: credential.serial(),
        principals: ssh.principals.clone(),
        extensions: ssh.extensions.clone(),
        source_addresses: ssh.source_addresses.clone(),
    })
}

/// Kubernetes takes the common name for the user, and organizations for its groups. In PostgreSQL the
/// common name is the role, and the organization says in which server: one authority signs for all of
/// them, and `pg_ident.conf` takes the whole name. The policy gives a right only one of the two.
fn name(right: &Right, person: &PersonId, serial: &str) -> Option<Subject> {
    let postgres = right.postgres.as_ref();
    let kubernetes = right.kubernetes.as_ref();
    let (common_name, organizations) = if let Some(postgres) =
        postgres.filter(|postgres| postgres.way == PostgresWay::Certificate)
    {
        let PostgresAccess { target, role, .. } = postgres;
        (role.clone(), vec![in_postgres(target, role)])
    } else {
        let kubernetes =
            kubernetes.filter(|kubernetes| kubernetes.way == KubernetesWay::Certificate)?;
        (Line::recorded(person.as_str()), kubernetes.groups.clone())
    };
    Some(Subject::Name {
        serial: serial.to_owned(),
        common_name,
        organizations,
    })
}

fn role(right: &Right, credential: CredentialId) -> Option<Subject> {
    let postgres = right.postgres.as_ref();
    let postgres = postgres.filter(|postgres| postgres.way == PostgresWay::Role)?;
    let CredentialId { grant, number } = credential;
    Some(Subject::Role {
        target: postgres.target.clone(),
        role: Line::recorded(&format!("breakglass_g{}_{number}", grant.0)),
        member_of: postgres.role.clone(),
    })
}
