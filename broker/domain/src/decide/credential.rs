//! Credentials under an active grant, and what they were put to use for.

use crate::budget::Spending;
use crate::event::{Change, CredentialKind, Event};
use crate::grant::GrantRef;
use crate::id::{CredentialId, GrantId, KeyId, PersonId};
use crate::limits::CREDENTIAL_LIFE;
use crate::refusal::Refusal;
use crate::text::Line;
use crate::time::Time;

use super::case::{Case, need_holder};

/// Again and again while the grant lives: each credential dies long before it.
pub(super) fn issue(
    case: &Case<'_>,
    by: &PersonId,
    grant: GrantId,
    kind: CredentialKind,
) -> Result<Vec<Event>, Refusal> {
    need_holder(case.live(grant)?, by)?;
    let (grant, active) = case.active(grant)?;
    case.open_incident(grant.of.incident)?;
    case.afford(&Spending::Credentials(grant.of.grant))?;
    let issued = Change::CredentialIssued {
        of: grant.of.clone(),
        credential: CredentialId {
            grant: grant.of.grant,
            number: grant.credentials.saturating_add(1),
        },
        kind,
        audience: grant.audience.clone(),
        expires_at: expires_at(case, active.ends_at),
        key: grant.key.clone(),
    };
    Ok(vec![case.event(by, issued)])
}

/// The first one, of a grant that begins in this very moment.
pub(super) fn first(
    case: &Case<'_>,
    of: GrantRef,
    kind: CredentialKind,
    audience: &Line,
    ends_at: Time,
    key: &KeyId,
) -> Change {
    Change::CredentialIssued {
        credential: CredentialId {
            grant: of.grant,
            number: 1,
        },
        of,
        kind,
        audience: audience.clone(),
        expires_at: expires_at(case, ends_at),
        key: key.clone(),
    }
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
    let used = Change::GrantUsed {
        of: grant.of.clone(),
        program: program.clone(),
    };
    Ok(vec![case.event(by, used)])
}

fn expires_at(case: &Case<'_>, ends_at: Time) -> Time {
    case.at.plus(CREDENTIAL_LIFE).min(ends_at)
}
