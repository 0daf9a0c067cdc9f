//! What was lost where the broker went on from an older copy of its ledger, as far as that is on record.

use std::collections::VecDeque;

use crate::event::{Change, Event};
use crate::limits::RESTORATIONS_REMEMBERED;

/// One history that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// Entries that both histories begin with: those of the copy.
    pub kept: u64,
    /// Entries of the newest head of the lost one that somebody had seen.
    pub size: u64,
    /// The root of that head, base64 as in a checkpoint.
    pub root: String,
}

impl Restoration {
    /// As an entry says it. The root is the third line of a checkpoint (C2SP tlog-checkpoint).
    #[must_use]
    pub fn of(kept: u64, size: u64, checkpoint: &str) -> Self {
        let root = checkpoint.lines().nth(2).unwrap_or_default().to_owned();
        Self { kept, size, root }
    }

    /// How many entries are lost at least, which is also how many ids of each sort may have been given.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.size.saturating_sub(self.kept)
    }

    /// Whether a signed head that is none of this ledger's may be one of the lost history: it is the very
    /// head, or lies before it and behind what was kept. Of these the root is known to nobody.
    #[must_use]
    pub fn names(&self, size: u64, root: &str) -> bool {
        match size == self.size {
            true => root == self.root,
            false => self.kept < size && size < self.size,
        }
    }
}

/// All of them that are remembered, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restorations(VecDeque<Restoration>);

impl Restorations {
    /// As they were remembered, oldest first.
    #[must_use]
    pub fn restored(each: impl IntoIterator<Item = Restoration>) -> Self {
        Self(each.into_iter().collect())
    }

    /// Each, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Restoration> {
        self.0.iter()
    }

    /// The newest one by which a signed head that is none of this ledger's is known to be lost, and is no
    /// news: see [`Restoration::names`].
    #[must_use]
    pub fn naming(&self, size: u64, root: &str) -> Option<&Restoration> {
        self.0.iter().rev().find(|it| it.names(size, root))
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let Change::LedgerRestored {
            kept,
            size,
            checkpoint,
            ..
        } = &event.change
        else {
            return;
        };
        if self.0.len() >= RESTORATIONS_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(Restoration::of(*kept, *size, checkpoint));
    }
}
