//! Whether an invitation brings anybody in.

use crate::event::Actor;
use crate::id::TokenHash;
use crate::invitation::{Invitation, Invitations, Withdrawn};
use crate::limits::TOKENS;
use crate::refusal::Refusal;

use super::case::Case;
use super::duty::Duty;

/// So many wait at once, and not more.
pub(super) fn need_room<Whom>(case: &Case<'_>, all: &Invitations<Whom>) -> Result<(), Refusal> {
    if all.values().filter(|it| it.works(case.at)).count() < TOKENS {
        return Ok(());
    }
    Err(Refusal::TooMany {
        what: "invitations that nobody has used yet",
        limit: TOKENS,
    })
}

/// Whom it is for, where it works: who made it could still make it.
pub(super) fn redeem<'a, Whom>(
    case: &Case<'_>,
    all: &'a Invitations<Whom>,
    token: &TokenHash,
) -> Result<&'a Whom, Refusal> {
    let invitation = all.get(token).ok_or(Refusal::TokenUnknown)?;
    if let Some(why) = why_withdrawn(case, invitation) {
        return Err(Refusal::TokenWithdrawn(why));
    }
    if case.at >= invitation.expires_at {
        return Err(Refusal::TokenExpired(invitation.expires_at));
    }
    Ok(&invitation.whom)
}

fn why_withdrawn<Whom>(case: &Case<'_>, invitation: &Invitation<Whom>) -> Option<String> {
    let by = &invitation.by;
    match invitation.withdrawn {
        Some(Withdrawn::Removed) => Some("it was taken back when you were removed".to_owned()),
        Some(Withdrawn::InviterRemoved) => Some(format!("{by}, who made it, was removed since")),
        Some(Withdrawn::InviterFrozen) => Some(format!("{by}, who made it, was frozen since")),
        None => {
            let may = |by: &Actor| by.person().is_none_or(|by| case.has(Duty::Invite, by));
            (!may(by)).then(|| format!("{by}, who made it, may no longer invite anybody"))
        }
    }
}
