//! A batch before it is durable.

use std::ops::Range;
use std::sync::Arc;

use breakglass_domain::{Event, State};

use crate::ledger::entry::{self, EntryError};
use crate::ledger::limits::{BATCH_BYTES, BATCH_ENTRIES};

/// Events decided so far and the bytes of their entries.
pub(super) struct Draft {
    first: u64,
    pub(super) events: Vec<Arc<Event>>,
    pub(super) lines: Vec<Arc<[u8]>>,
    pub(super) bytes: usize,
}

impl Draft {
    /// A batch whose first entry gets the index `first`.
    pub(super) fn new(first: u64) -> Self {
        Self {
            first,
            events: Vec::new(),
            lines: Vec::new(),
            bytes: 0,
        }
    }

    /// The index of its first entry.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Adds the events of one command, all or none, and folds them into the state. Answers where
    /// in the batch they are.
    pub(super) fn take(
        &mut self,
        events: Vec<Event>,
        state: &mut State,
    ) -> Result<Range<usize>, EntryError> {
        let start = self.events.len();
        let indexes = self.first + start as u64..;
        let lines = indexes
            .zip(&events)
            .map(|(index, event)| entry::encode(index, event));
        let lines: Vec<_> = lines.collect::<Result<_, _>>()?;
        events.iter().for_each(|event| state.apply(event));
        self.bytes += lines.iter().map(|line| line.len()).sum::<usize>();
        self.lines.extend(lines);
        self.events.extend(events.into_iter().map(Arc::new));
        Ok(start..self.events.len())
    }

    /// Whether another command has to wait for the next batch.
    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= BATCH_ENTRIES || self.bytes >= BATCH_BYTES
    }
}
