//! One entry in a batch of its own, while no sequencer runs.
//!
//! What follows from where an entry stands, the hand-over to another key, has to know its place before
//! it is written. So what is due comes in a batch before it, and it is the whole of the next one.

use std::sync::Arc;

use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::{Act, Actor, Command, State, Time};

use super::draft::Draft;
use crate::ports::{Ledger, LedgerError};

/// Writes what is due by `now`, a torn tail that was cut among it. Answers the size then.
///
/// # Errors
/// [`LedgerError`].
pub fn settle(
    ledger: &mut dyn Ledger,
    state: &mut State,
    now: Time,
    cut_bytes: u64,
) -> Result<u64, LedgerError> {
    let mut draft = Draft::new(ledger.size());
    draft.take(due(state, now), state)?;
    if cut_bytes > 0 {
        note(&mut draft, state, now, Act::NoteRepair { cut_bytes })?;
    }
    append(ledger, &draft.lines)?;
    Ok(ledger.size())
}

/// Writes what this act of the broker's leads to, and nothing else, as one batch.
///
/// # Errors
/// [`LedgerError`]; whether it landed is known when the ledger is opened again.
pub fn record(
    ledger: &mut dyn Ledger,
    state: &mut State,
    now: Time,
    act: Act,
) -> Result<(), LedgerError> {
    record_all(ledger, state, [(now, act)])
}

/// The same of several, each at a time, as one batch and in this order.
///
/// # Errors
/// As [`record`].
pub fn record_all(
    ledger: &mut dyn Ledger,
    state: &mut State,
    acts: impl IntoIterator<Item = (Time, Act)>,
) -> Result<(), LedgerError> {
    let mut draft = Draft::new(ledger.size());
    for (now, act) in acts {
        note(&mut draft, state, now, act)?;
    }
    append(ledger, &draft.lines)
}

fn note(draft: &mut Draft, state: &mut State, now: Time, act: Act) -> Result<(), LedgerError> {
    let command = Command {
        by: Actor::Broker,
        signed: None,
        act,
    };
    let events = decide(state, &command, now);
    let events = events.map_err(|refusal| LedgerError::Unavailable(refusal.to_string()))?;
    draft.take(events, state)?;
    Ok(())
}

fn append(ledger: &mut dyn Ledger, lines: &[Arc<[u8]>]) -> Result<(), LedgerError> {
    ledger.append(lines).map(drop)
}
