//! What witnesses have signed, as the broker saw and verified it.

use crate::event::{Actor, Change, Event};
use crate::id::RightId;
use crate::policy::Right;
use crate::refusal::Refusal;
use crate::witnessing::WitnessWord;

use super::case::Case;

/// Enough of them have signed so many entries. What is on record already is nothing new.
pub(super) fn signed(case: &Case<'_>, size: u64, checkpoint: &str) -> Vec<Event> {
    let known = &case.state.witnessing;
    let is_new = size > known.size || (known.lost_since.is_some() && size == known.size);
    if case.policy().witnesses.is_none() || !is_new {
        return Vec::new();
    }
    let signed = Change::LedgerWitnessed {
        size,
        checkpoint: checkpoint.to_owned(),
    };
    vec![case.event(Actor::Broker, signed)]
}

/// Too few of them do.
pub(super) fn lost(case: &Case<'_>, witnessed: u64) -> Vec<Event> {
    if case.policy().witnesses.is_none() || case.state.witnessing.lost_since.is_some() {
        return Vec::new();
    }
    let lost = Change::LedgerUnwitnessed { witnessed };
    vec![case.event(Actor::Broker, lost)]
}

/// What the entry about a credential of this right says of witnesses.
pub(super) fn word(
    case: &Case<'_>,
    id: &RightId,
    right: &Right,
) -> Result<Option<WitnessWord>, Refusal> {
    let known = &case.state.witnessing;
    let word = known.word(case.policy(), right);
    if word == Some(WitnessWord::Needed) && known.lost_since.is_some() {
        return Err(Refusal::NotWitnessed { right: id.clone() });
    }
    Ok(word)
}
