//! All the hashes of a tree, in memory.

use super::HashReader;
use crate::Hash;

/// All hashes of complete nodes, in memory: for tests, tools and a ledger that need not survive.
///
/// Takes 64 bytes a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredHashes {
    /// `levels[l][i]` is node `(l, i)`.
    levels: Vec<Vec<Hash>>,
}

/// The node asked for is not complete, so it has no stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no hash is stored for node {index} on level {level}")]
pub struct MissingHash {
    /// The level asked for, 0 being the leaves.
    pub level: u8,
    /// The index on that level.
    pub index: u64,
}

impl StoredHashes {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one leaf, given as [`Hash::of_leaf`] of its entry.
    pub fn push(&mut self, leaf: Hash) {
        let mut completed = Some(leaf);
        let mut level = 0;
        while let Some(hash) = completed {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(hash);
            completed = match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => {
                    Some(Hash::of_node(left, right))
                }
                _ => None,
            };
            level += 1;
        }
    }

    /// Leaves in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }
}

impl Extend<Hash> for StoredHashes {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

impl FromIterator<Hash> for StoredHashes {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        tree.extend(leaves);
        tree
    }
}

impl HashReader for StoredHashes {
    type Error = MissingHash;

    fn read_hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash> {
        let nodes = self.levels.get(usize::from(level));
        let position = usize::try_from(index).ok();
        nodes
            .zip(position)
            .and_then(|(nodes, position)| nodes.get(position))
            .copied()
            .ok_or(MissingHash { level, index })
    }
}
