//! Whose word a request waits for, and who of them is there.

use breakglass_domain::{Change, Grant, PersonId};

use super::App;

/// What has become of those who are pinned in a request that waits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Who of them could not answer now.
    pub gone: Vec<PersonId>,
    /// Whether it waits for something that nobody of them could give.
    pub nobody_left: bool,
}

impl App {
    /// As of now; nothing where it does not wait.
    #[must_use]
    pub fn asked(&self, grant: &Grant) -> Asked {
        let now = self.now();
        self.live.read(|state| Asked {
            gone: state.gone_of(grant),
            nobody_left: state.nobody_is_left(grant, now),
        })
    }
}

/// Whether an event can change who is there to answer: somebody came, went, was stopped or let go on.
pub(super) fn changes_who_is_there(change: &Change) -> bool {
    matches!(
        change,
        Change::PersonEnrolled { .. }
            | Change::PersonRemoved { .. }
            | Change::PersonFrozen { .. }
            | Change::PersonUnfrozen { .. }
            | Change::PolicyLoaded { .. }
    )
}
