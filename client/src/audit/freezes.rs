//! Who is stopped from everything.

use std::collections::HashSet;

/// Everybody who is frozen. A removal does not lift a freeze.
#[derive(Default)]
pub(super) struct Freezes(HashSet<String>);

impl Freezes {
    pub(super) fn holds(&self, person: &str) -> bool {
        self.0.contains(person)
    }

    pub(super) fn freeze(&mut self, person: &str) -> Result<(), String> {
        match self.0.insert(person.to_owned()) {
            true => Ok(()),
            false => Err(format!("{person} is frozen a second time")),
        }
    }

    pub(super) fn lift(&mut self, person: &str) -> Result<(), String> {
        match self.0.remove(person) {
            true => Ok(()),
            false => Err(format!(
                "the freeze of {person} is lifted and there is none"
            )),
        }
    }
}
