//! `decide(state, command, now)`: the events a command leads to, or the reason it does not happen.

use crate::command::Command;
use crate::event::Event;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Time;

/// Decides one command at one moment. Changes nothing: the caller appends the events to the ledger
/// and then applies them. What time itself has brought about ([`due`](crate::due::due)) must have
/// been applied for the same `now` before, so that nothing is decided against what is over.
///
/// # Errors
/// The [`Refusal`] a person can act on.
pub fn decide(state: &State, command: &Command, now: Time) -> Result<Vec<Event>, Refusal> {
    let _ = (state, command, now);
    Err(Refusal::NoOpenIncident)
}
