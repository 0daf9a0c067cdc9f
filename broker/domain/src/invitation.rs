//! Invitations: made by somebody for somebody, used once, for a while.

use std::collections::BTreeMap;

use crate::actor::Actor;
use crate::id::{PersonId, TokenHash};
use crate::limits::{TOKEN_LIFE, TOKENS};
use crate::time::Time;
use crate::word::words;

/// An invitation that was not used yet: for a person, or for the guard of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation<Whom> {
    /// For whom.
    pub whom: Whom,
    /// Who made it.
    pub by: Actor,
    /// When it stops working.
    pub expires_at: Time,
    /// Why it works no more, though its time has not come.
    pub withdrawn: Option<Withdrawn>,
}

words! {
    /// Why an invitation that nobody has used works no more.
    Withdrawn {
        /// Whom it was for was removed.
        Removed = "removed",
        /// Who made it was removed: nobody who leaves comes back by what they made before.
        InviterRemoved = "inviter-removed",
        /// Who made it was frozen: their laptop may have been another's by then.
        InviterFrozen = "inviter-frozen",
    }
}

impl<Whom> Invitation<Whom> {
    /// Whether it could be used at a time, as far as it itself says.
    #[must_use]
    pub fn works(&self, now: Time) -> bool {
        self.withdrawn.is_none() && now < self.expires_at
    }
}

/// Those that wait, by the hash of their secret. One that expired or was withdrawn is kept for a
/// while, so that who comes with it is told so.
pub type Invitations<Whom> = BTreeMap<TokenHash, Invitation<Whom>>;

/// Adds one, and forgets those that nobody would come with any more.
pub(crate) fn add<Whom>(
    all: &mut Invitations<Whom>,
    token: TokenHash,
    invitation: Invitation<Whom>,
    now: Time,
) {
    all.retain(|_, it| it.expires_at.plus(TOKEN_LIFE) > now);
    all.insert(token, invitation);
}

/// Withdraws some; of all that are withdrawn, as many are kept as may wait.
pub(crate) fn withdraw<Whom>(
    all: &mut Invitations<Whom>,
    why: Withdrawn,
    is_meant: impl Fn(&Invitation<Whom>) -> bool,
) {
    let meant = all.values_mut().filter(|it| it.withdrawn.is_none());
    for invitation in meant.filter(|it| is_meant(it)) {
        invitation.withdrawn = Some(why);
    }
    let over = all.iter().filter(|(_, it)| it.withdrawn.is_some());
    let mut over: Vec<_> = over
        .map(|(token, it)| (it.expires_at, token.clone()))
        .collect();
    over.sort_unstable();
    for (_, token) in over.iter().take(over.len().saturating_sub(TOKENS)) {
        all.remove(token);
    }
}

/// Whether it was made by the person.
pub(crate) fn is_by<Whom>(person: &PersonId) -> impl Fn(&Invitation<Whom>) -> bool {
    move |it| it.by.person() == Some(person)
}
