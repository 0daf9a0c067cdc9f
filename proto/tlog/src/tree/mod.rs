//! Growing the tree, and making proofs from its stored hashes (RFC 6962 section 2.1).
//!
//! A node is named by `(level, index)`: level 0 holds the leaves, and node `(l, i)` covers the
//! leaves `i * 2^l .. (i + 1) * 2^l`. A node is *complete* when all of those exist; its hash then
//! never changes again, and only such hashes are ever stored. What lies right of them is computed
//! when it is needed.

mod stored;

pub use stored::{MissingHash, StoredHashes};

use crate::{
    Hash,
    limits::MAX_TREE_SIZE,
    proof::{ConsistencyProof, InclusionProof},
};

/// Levels below the root of the largest tree.
const TREE_HEIGHT: u8 = 63;

/// The right edge of a growing tree: enough to append and to know the root.
///
/// Holds one hash for each set bit of the size, so at most 63, and is cheap to clone: a batch is
/// built on a copy, which replaces the original once the batch is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees the leaves divide into, the largest first.
    edge: Vec<Hash>,
}

/// A size and hashes that do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tree of size {size} cannot have a right edge of {hashes} hashes")]
pub struct FrontierError {
    /// The size given, in leaves.
    pub size: u64,
    /// How many hashes were given.
    pub hashes: usize,
}

/// No complete node of that level begins where the tree ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no node of level {level} begins at leaf {size}")]
pub struct MisplacedNode {
    /// The size of the tree, in leaves.
    pub size: u64,
    /// The level, 0 being the leaves.
    pub level: u8,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts back together what [`size`](Self::size) and [`hashes`](Self::hashes) gave.
    ///
    /// # Errors
    ///
    /// [`FrontierError`] unless there is one hash for each set bit of `size`, or if the size is
    /// above [`MAX_TREE_SIZE`]. The hashes themselves cannot be checked here: compare
    /// [`root`](Self::root) with a signed checkpoint.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_TREE_SIZE || hashes.len() != size.count_ones() as usize {
            return Err(FrontierError {
                size,
                hashes: hashes.len(),
            });
        }
        Ok(Self { size, edge: hashes })
    }

    /// Reads the right edge of a tree of `size` leaves out of its stored hashes.
    ///
    /// # Errors
    ///
    /// As for [`tree_hash`]. Nothing is checked here: compare [`root`](Self::root) with a signed
    /// checkpoint.
    pub fn read<R: HashReader>(size: u64, reader: &R) -> Result<Self, ProveError<R::Error>> {
        check_range(size, size)?;
        Ok(Self {
            size,
            edge: complete_subtrees(size, TREE_HEIGHT, reader)?,
        })
    }

    /// Appends one leaf, given as [`Hash::of_leaf`] of its entry.
    pub fn push(&mut self, leaf: Hash) {
        self.push_each(leaf, |_, _, _| ());
    }

    /// Appends one leaf and names each node it completed as `(level, index, hash)`, the leaf
    /// first. These are the hashes to store; those on a level divisible by 8 go into tiles.
    pub fn push_each(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, Hash)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        completed(level, index, hash);
        // An odd index is a right child: its left sibling is waiting at the end of the edge.
        while index % 2 == 1
            && let Some(left) = self.edge.pop()
        {
            (level, index, hash) = (level + 1, index / 2, Hash::of_node(&left, &hash));
            completed(level, index, hash);
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// Appends the next `2^level` leaves at once, known by the hash over them.
    ///
    /// So a tree whose leaves are not all at hand grows all the same, and leads to the same root.
    ///
    /// # Errors
    ///
    /// [`MisplacedNode`] where no complete node of that level begins at [`size`](Self::size), or the
    /// tree would be larger than [`MAX_TREE_SIZE`].
    pub fn push_node(&mut self, level: u8, hash: Hash) -> Result<(), MisplacedNode> {
        let misplaced = MisplacedNode {
            size: self.size,
            level,
        };
        let leaves = (level < TREE_HEIGHT).then(|| 1 << level);
        let leaves = leaves.filter(|leaves| self.size.is_multiple_of(*leaves));
        let grown = leaves.and_then(|leaves| self.size.checked_add(leaves));
        let grown = grown.filter(|size| *size <= MAX_TREE_SIZE);
        let grown = grown.ok_or(misplaced)?;
        let (mut index, mut hash) = (self.size >> level, hash);
        // The edge holds no lower node than this one: lower bits of the size are not set.
        while index % 2 == 1
            && let Some(left) = self.edge.pop()
        {
            (index, hash) = (index / 2, Hash::of_node(&left, &hash));
        }
        self.edge.push(hash);
        self.size = grown;
        Ok(())
    }

    /// Leaves in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree (RFC 6962 section 2.1), [`Hash::EMPTY_TREE`] without leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        join(&self.edge).unwrap_or(Hash::EMPTY_TREE)
    }

    /// The roots of the complete subtrees the leaves divide into, the largest first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.edge
    }
}

/// Where the hashes of complete nodes are read from: memory, tiles on disk, tiles over HTTP.
pub trait HashReader {
    /// Why a hash could not be read.
    type Error: std::error::Error + 'static;

    /// The hash of the complete node `index` on `level` (0 is the leaves).
    ///
    /// # Errors
    ///
    /// Whatever keeps the hash from being read, also that it is not stored.
    fn read_hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn read_hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        (**self).read_hash(level, index)
    }
}

/// Why a root or a proof could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E: std::error::Error + 'static> {
    /// There is no such leaf or no such smaller tree: ask for one within the size.
    #[error("{asked} is not within a tree of size {size}")]
    OutOfRange {
        /// The leaf index, or the size of the older tree, that was asked for.
        asked: u64,
        /// The size of the tree, in leaves.
        size: u64,
    },
    /// A stored hash could not be read.
    #[error("a stored hash could not be read")]
    Read(#[source] E),
}

/// The root of the first `size` leaves (RFC 6962 section 2.1).
///
/// # Errors
///
/// [`ProveError::OutOfRange`] above [`MAX_TREE_SIZE`], [`ProveError::Read`] if a hash is missing.
pub fn tree_hash<R: HashReader>(size: u64, reader: &R) -> Result<Hash, ProveError<R::Error>> {
    check_range(size, size)?;
    let root = right_edge(size, TREE_HEIGHT, reader)?;
    Ok(root.unwrap_or(Hash::EMPTY_TREE))
}

/// Proves that leaf `index` is in the tree of the first `size` leaves (RFC 6962 section 2.1.1).
///
/// # Errors
///
/// [`ProveError::OutOfRange`] unless `index < size`, [`ProveError::Read`] if a hash is missing.
pub fn prove_inclusion<R: HashReader>(
    index: u64,
    size: u64,
    reader: &R,
) -> Result<InclusionProof, ProveError<R::Error>> {
    check_range(index, size)?;
    if index >= size {
        return Err(ProveError::OutOfRange { asked: index, size });
    }
    let mut hashes = Vec::new();
    climb(0, index, size, reader, &mut hashes)?;
    Ok(InclusionProof {
        index,
        size,
        hashes,
    })
}

/// Proves that the tree of the first `new` leaves begins with that of the first `old`
/// (RFC 6962 section 2.1.2).
///
/// The proof is empty for equal sizes and for `old == 0`: everything extends the empty tree.
///
/// # Errors
///
/// [`ProveError::OutOfRange`] unless `old <= new`, [`ProveError::Read`] if a hash is missing.
pub fn prove_consistency<R: HashReader>(
    old: u64,
    new: u64,
    reader: &R,
) -> Result<ConsistencyProof, ProveError<R::Error>> {
    check_range(old, new)?;
    let mut hashes = Vec::new();
    if old != 0 && old != new {
        // Start from the last complete subtree of the old tree. If it is the whole of that tree,
        // the verifier has its hash already.
        let level = old.trailing_zeros() as u8;
        let index = (old >> level) - 1;
        if index != 0 {
            hashes.push(reader.read_hash(level, index).map_err(ProveError::Read)?);
        }
        climb(level, index, new, reader, &mut hashes)?;
    }
    Ok(ConsistencyProof { old, new, hashes })
}

fn check_range<E: std::error::Error>(asked: u64, size: u64) -> Result<(), ProveError<E>> {
    if asked > size || size > MAX_TREE_SIZE {
        return Err(ProveError::OutOfRange { asked, size });
    }
    Ok(())
}

/// Collects the siblings on the way from node `(level, index)` to the root of `size` leaves.
fn climb<R: HashReader>(
    level: u8,
    index: u64,
    size: u64,
    reader: &R,
    hashes: &mut Vec<Hash>,
) -> Result<(), ProveError<R::Error>> {
    let (mut level, mut node, mut last) = (level, index, (size - 1) >> level);
    while last > 0 {
        let sibling = node ^ 1;
        // Beyond the last node there is no sibling: the node moves up a level unchanged.
        if sibling <= last {
            hashes.extend(subtree(level, sibling, size, reader)?);
        }
        (level, node, last) = (level + 1, node / 2, last / 2);
    }
    Ok(())
}

/// The hash of node `(level, index)`, complete or cut short by the end of `size` leaves.
fn subtree<R: HashReader>(
    level: u8,
    index: u64,
    size: u64,
    reader: &R,
) -> Result<Option<Hash>, ProveError<R::Error>> {
    if index < size >> level {
        return reader
            .read_hash(level, index)
            .map(Some)
            .map_err(ProveError::Read);
    }
    right_edge(size, level, reader)
}

/// Joins the complete subtrees of `size` leaves that are lower than `below`; `None` if there are
/// none.
fn right_edge<R: HashReader>(
    size: u64,
    below: u8,
    reader: &R,
) -> Result<Option<Hash>, ProveError<R::Error>> {
    Ok(join(&complete_subtrees(size, below, reader)?))
}

/// The roots of the complete subtrees of `size` leaves that are lower than `below`, the largest
/// (and leftmost) first.
fn complete_subtrees<R: HashReader>(
    size: u64,
    below: u8,
    reader: &R,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    let levels = (0..below).rev().filter(|level| (size >> level) % 2 == 1);
    levels
        .map(|level| {
            reader
                .read_hash(level, (size >> level) - 1)
                .map_err(ProveError::Read)
        })
        .collect()
}

/// Joins subtrees into one, from the right.
fn join(subtrees: &[Hash]) -> Option<Hash> {
    subtrees
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| Hash::of_node(&left, &right))
}
