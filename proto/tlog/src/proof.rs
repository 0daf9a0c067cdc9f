//! Checking proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2).
//!
//! A proof is data from a stranger: its fields are public and mean nothing until `verify` said so.
//! Both checks walk up from the bottom with two numbers, the node the proof has reached and the
//! last node of that level, exactly as the RFC words it; the length of a proof follows from the
//! sizes, so a proof with a hash too many or too few is refused.

use crate::{
    Hash,
    limits::{MAX_PROOF_HASHES, MAX_TREE_SIZE},
};

/// Says that one leaf is in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Which leaf, counted from 0.
    pub index: u64,
    /// Leaves in the tree.
    pub size: u64,
    /// Siblings on the way up, that of the leaf first.
    pub hashes: Vec<Hash>,
}

/// Says that a tree is an older tree with leaves appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Leaves in the older tree.
    pub old: u64,
    /// Leaves in the newer tree.
    pub new: u64,
    /// The nodes that join the two roots, in the order of RFC 6962 section 2.1.2.
    pub hashes: Vec<Hash>,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree is too small for the leaf, or the newer tree smaller than the older one.
    #[error("{asked} is not within a tree of size {size}")]
    OutOfRange {
        /// The index of the leaf, or the size of the older tree.
        asked: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The sizes ask for another number of hashes.
    #[error("a proof between these sizes cannot have {hashes} hashes")]
    WrongLength {
        /// How many hashes the proof has.
        hashes: usize,
    },
    /// The proof is well formed and leads to another root: the leaf is not there, or history
    /// was rewritten.
    #[error("the proof leads to another root")]
    RootMismatch,
}

impl InclusionProof {
    /// Checks that `leaf` (a [`Hash::of_leaf`]) is where the proof says, in the tree with `root`.
    ///
    /// # Errors
    ///
    /// [`ProofError`] if it is not; nothing is in a tree of size 0.
    pub fn verify(&self, leaf: &Hash, root: &Hash) -> Result<(), ProofError> {
        if self.root(leaf)? == *root {
            Ok(())
        } else {
            Err(ProofError::RootMismatch)
        }
    }

    /// The root that this proof leads to from `leaf`: the tree's where both are right, and any hash
    /// where they are not.
    ///
    /// # Errors
    ///
    /// [`ProofError`] if the proof is not well formed.
    pub fn root(&self, leaf: &Hash) -> Result<Hash, ProofError> {
        if self.index >= self.size || self.size > MAX_TREE_SIZE {
            return Err(ProofError::OutOfRange {
                asked: self.index,
                size: self.size,
            });
        }
        let mut path = Path::new(0, self.index, self.size, &self.hashes)?;
        let mut hash = *leaf;
        while let Some(sibling) = path.next_sibling()? {
            hash = match sibling {
                Sibling::Left(left) => Hash::of_node(&left, &hash),
                Sibling::Right(right) => Hash::of_node(&hash, &right),
            };
        }
        Ok(hash)
    }
}

impl ConsistencyProof {
    /// Checks that the tree with `new_root` begins with the whole tree that has `old_root`.
    ///
    /// RFC 9162 leaves `old == 0` open. Every tree extends the empty one, so the proof must then
    /// be empty and `old_root` be [`Hash::EMPTY_TREE`].
    ///
    /// # Errors
    ///
    /// [`ProofError`] if it does not.
    pub fn verify(&self, old_root: &Hash, new_root: &Hash) -> Result<(), ProofError> {
        if self.old > self.new || self.new > MAX_TREE_SIZE {
            return Err(ProofError::OutOfRange {
                asked: self.old,
                size: self.new,
            });
        }
        if self.old == 0 || self.old == self.new {
            return self.verify_trivial(old_root, new_root);
        }
        // The walk starts at the last complete subtree of the old tree: that is the old root
        // itself if the size is a power of two, and otherwise the first hash of the proof.
        let level = self.old.trailing_zeros();
        let (start, rest) = if self.old.is_power_of_two() {
            (old_root, self.hashes.as_slice())
        } else {
            self.hashes
                .split_first()
                .ok_or(ProofError::WrongLength { hashes: 0 })?
        };
        let mut path = Path::new(level, self.old - 1, self.new, rest)?;
        let (mut old, mut new) = (*start, *start);
        while let Some(sibling) = path.next_sibling()? {
            match sibling {
                Sibling::Left(left) => {
                    old = Hash::of_node(&left, &old);
                    new = Hash::of_node(&left, &new);
                }
                // What is on the right came after the old tree.
                Sibling::Right(right) => new = Hash::of_node(&new, &right),
            }
        }
        if old == *old_root && new == *new_root {
            Ok(())
        } else {
            Err(ProofError::RootMismatch)
        }
    }

    fn verify_trivial(&self, old_root: &Hash, new_root: &Hash) -> Result<(), ProofError> {
        if !self.hashes.is_empty() {
            return Err(ProofError::WrongLength {
                hashes: self.hashes.len(),
            });
        }
        let old_is_right = self.old != 0 || *old_root == Hash::EMPTY_TREE;
        let new_is_right = self.old != self.new || old_root == new_root;
        if old_is_right && new_is_right {
            Ok(())
        } else {
            Err(ProofError::RootMismatch)
        }
    }
}

/// A sibling on the way up, and the side it stands on.
enum Sibling {
    Left(Hash),
    Right(Hash),
}

/// The walk from a node to the root, `fn` and `sn` of RFC 9162.
struct Path<'a> {
    node: u64,
    last: u64,
    hashes: std::slice::Iter<'a, Hash>,
    length: usize,
}

impl<'a> Path<'a> {
    /// Starts at the node on `level` that covers leaf `leaf` of `size`; `level` is below 64.
    fn new(level: u32, leaf: u64, size: u64, hashes: &'a [Hash]) -> Result<Self, ProofError> {
        let length = hashes.len();
        if length > MAX_PROOF_HASHES {
            return Err(ProofError::WrongLength { hashes: length });
        }
        Ok(Self {
            node: leaf >> level,
            last: (size - 1) >> level,
            hashes: hashes.iter(),
            length,
        })
    }

    /// The next sibling, or `None` at the root with no hash left over.
    fn next_sibling(&mut self) -> Result<Option<Sibling>, ProofError> {
        let hash = match (self.hashes.next(), self.last) {
            (None, 0) => return Ok(None),
            (Some(hash), 1..) => *hash,
            _ => {
                return Err(ProofError::WrongLength {
                    hashes: self.length,
                });
            }
        };
        if self.node == self.last && self.node.is_multiple_of(2) {
            // The last node of its level has no sibling until it becomes a right child. It is
            // not 0 here, so there is a level where it does, below 64.
            let lonely = self.node.trailing_zeros();
            self.node >>= lonely;
            self.last >>= lonely;
        }
        let sibling = if self.node % 2 == 1 {
            Sibling::Left(hash)
        } else {
            Sibling::Right(hash)
        };
        self.node /= 2;
        self.last /= 2;
        Ok(Some(sibling))
    }
}
