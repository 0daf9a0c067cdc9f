//! What people had seen of the ledger when they signed: that it was this one.
//!
//! A statement carries the newest head its signer's laptop had accepted. So the root over any number of
//! entries so far has to be at hand; kept are the leaves, and the tree's edge at every 64th, from which it is
//! worked out: 45 bytes an entry.

use breakglass_proto::statement::{Act, Seen};
use breakglass_tlog::{Frontier, Hash, LedgerKeys, SignedCheckpoint};

use super::REFUSED;
use crate::{entry::Entry, seen};

/// Leaves between two edges: what is kept, against hashes to be made for each statement.
const STEP: usize = 64;

/// How the tree grew, and what contradicts it.
#[derive(Default)]
pub(super) struct Heads {
    /// The edge at each [`STEP`] leaves, the first where reading began.
    edges: Vec<Frontier>,
    /// The leaves since then.
    leaves: Vec<Hash>,
    /// A head of another history that somebody had seen, where an entry was refused for that.
    other: Option<SignedCheckpoint>,
    /// Refusals that say so by themselves, and what was done all the same: their place, and the head that was seen.
    told: Vec<(u64, u64, Hash)>,
}

/// What a head is, held against this tree.
enum Judged {
    /// Of its history; or nobody can say, because the tree is only hashed there.
    Ours,
    /// Over more entries than there are.
    Longer,
    /// Over as many entries of which the root is another.
    Other(Hash),
}

impl Heads {
    /// The tree, before it grows by this leaf.
    pub(super) fn grows(&mut self, tree: &Frontier, leaf: Hash) {
        if self.leaves.len().is_multiple_of(STEP) {
            self.edges.push(tree.clone());
        }
        self.leaves.push(leaf);
    }

    /// Some entries were passed over, of which only a hash is known: what was seen before their end cannot
    /// be compared.
    pub(super) fn passed(&mut self) {
        self.edges.clear();
        self.leaves.clear();
    }

    /// Entries of somebody who had seen another history and that say so, but for what is marked as lost.
    pub(super) fn told(&self, is_lost: impl Fn(u64, Hash) -> bool) -> Vec<u64> {
        let told = self.told.iter();
        let told = told.filter(|(_, size, root)| !is_lost(*size, *root));
        told.map(|(place, ..)| *place).collect()
    }

    /// The head that an entry was refused for.
    pub(super) fn other(&self) -> Option<&SignedCheckpoint> {
        self.other.as_ref()
    }

    /// Checks what the signer of an entry had seen.
    pub(super) fn check(&mut self, entry: &Entry, keys: &LedgerKeys) -> Result<(), String> {
        if entry.kind == REFUSED {
            return self.refused(entry, keys);
        }
        let signed = entry.signed.as_ref();
        let seen = signed.map_or(Ok(None), |signed| Seen::in_text(&signed.text));
        let seen = seen.map_err(|why| why.to_string())?;
        let head = seen.map(|seen| seen::checkpoint(&seen, keys, entry.index));
        let head = head.transpose()?;
        if let Some(said) = signed.and_then(|signed| signed.other_history) {
            return self.done_all_the_same(entry, said, head);
        }
        let Some(head) = head else {
            return Ok(());
        };
        let (by, size) = (&entry.by, head.size());
        let wrong = match self.judge(&head) {
            Judged::Ours => return Ok(()),
            Judged::Longer => format!(
                "{by} had seen {size} entries when they signed, and there were {}: the ledger was forked \
                 or rewritten",
                entry.index
            ),
            Judged::Other(root) => format!(
                "{by} had seen another history when they signed: its first {size} entries have the root \
                 {}, and here they have {root}",
                head.root()
            ),
        };
        self.other = Some(head);
        Err(wrong)
    }

    /// A refusal may show a head that somebody had seen: signed by the ledger's key, and not of this history.
    fn refused(&mut self, entry: &Entry, keys: &LedgerKeys) -> Result<(), String> {
        let Some(note) = entry.text("checkpoint") else {
            return Ok(());
        };
        let head = keys
            .verify_at(note, entry.index)
            .map_err(|why| format!("the checkpoint that is said to have been seen: {why}"))?;
        if matches!(self.judge(&head), Judged::Ours) && self.knows(head.size()) {
            return Err(format!(
                "{} is said to have seen another history, and the checkpoint is of this one",
                entry.by
            ));
        }
        self.told.push((entry.index, head.size(), head.root()));
        Ok(())
    }

    /// What only ends something is done for who had seen another history, and says so: then it was another one.
    fn done_all_the_same(
        &mut self,
        entry: &Entry,
        said: bool,
        head: Option<SignedCheckpoint>,
    ) -> Result<(), String> {
        let by = &entry.by;
        let Some(head) = head.filter(|_| said) else {
            return Err(format!(
                "{by} is said to have seen another history, and they signed nothing of it"
            ));
        };
        let text = entry.signed.as_ref().map_or("", |signed| &signed.text);
        let act = text.lines().next().and_then(|line| line.split(' ').nth(1));
        if !act.is_some_and(|act| Act::ENDING.contains(&act)) {
            return Err(format!(
                "{by} had seen another history when they signed, and what was done does not only end something"
            ));
        }
        if matches!(self.judge(&head), Judged::Ours) && self.knows(head.size()) {
            return Err(format!(
                "{by} is said to have seen another history when they signed, and it is this one"
            ));
        }
        self.told.push((entry.index, head.size(), head.root()));
        Ok(())
    }

    /// The one place that decides what a head is that the ledger's key has signed.
    fn judge(&self, head: &SignedCheckpoint) -> Judged {
        let Some(first) = self.edges.first() else {
            return Judged::Ours; // nothing was read since what is only hashed
        };
        let Some(count) = head.size().checked_sub(first.size()) else {
            return Judged::Ours;
        };
        match usize::try_from(count).ok().and_then(|it| self.root_at(it)) {
            None => Judged::Longer,
            Some(root) if root == head.root() => Judged::Ours,
            Some(root) => Judged::Other(root),
        }
    }

    /// Whether the root over so many is at hand.
    fn knows(&self, size: u64) -> bool {
        let first = self.edges.first();
        first.is_some_and(|first| first.size() <= size)
    }

    /// The root when so many leaves had been read.
    fn root_at(&self, count: usize) -> Option<Hash> {
        let place = (count / STEP).min(self.edges.len().checked_sub(1)?);
        let leaves = self.leaves.get(place * STEP..count)?;
        let mut tree = self.edges.get(place)?.clone();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        Some(tree.root())
    }
}
