//! `apply`: state is the fold of events.

use crate::event::Event;
use crate::state::State;

impl State {
    /// Folds one event in. Never fails: an event is a fact.
    pub fn apply(&mut self, event: &Event) {
        self.newest = self.newest.max(event.at);
    }
}
