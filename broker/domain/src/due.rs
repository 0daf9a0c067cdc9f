//! What time itself has brought about.

use crate::event::Event;
use crate::state::State;
use crate::time::Time;

/// The events that are due at `now`, in order of their deadlines: lapses, expiries, warnings and
/// closings of incidents. Applying them removes their deadlines, so asking again gives none.
#[must_use]
pub fn due(state: &State, now: Time) -> Vec<Event> {
    let _ = (state, now);
    Vec::new()
}
