//! Entries that are sent together.

use std::sync::Arc;

use crate::app::feed::Told;
use crate::notify::limits::BATCH_BYTES;

/// At least one, in order.
pub struct Batch {
    entries: Vec<Arc<Told>>,
    bytes: usize,
}

impl Batch {
    pub(super) fn of(told: &Arc<Told>) -> Self {
        Self {
            bytes: told.recorded.line.len(),
            entries: vec![Arc::clone(told)],
        }
    }

    /// One more, where there is room for it.
    pub(super) fn joins(&mut self, told: &Arc<Told>) -> bool {
        let bytes = self.bytes + told.recorded.line.len();
        if bytes > BATCH_BYTES {
            return false;
        }
        self.bytes = bytes;
        self.entries.push(Arc::clone(told));
        true
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Told> {
        self.entries.iter().map(|told| &**told)
    }

    /// The same for the same entries: `17-42`.
    pub(super) fn id(&self) -> String {
        let place = |told: Option<&Arc<Told>>| told.map_or(0, |told| told.index());
        let (first, last) = (place(self.entries.first()), place(self.entries.last()));
        format!("{first}-{last}")
    }
}
