//! Posting lists: which numbers (places of entries, numbers of grants) go by a name.
//!
//! A list is kept in blocks of [`BLOCK`] numbers. Under `tag name 0 block` stand the offsets within
//! the block, a byte each, ascending. A key for every name of every entry would make sled's trees
//! ten times as large as the ledger; this way most names cost one key a block. A block is written
//! again when numbers join it, and adding a number twice changes nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::store::{By, broken};
use crate::ports::IndexError;

/// Numbers in one block, so that an offset is a byte; also what one bundle of the ledger holds.
pub(super) const BLOCK: u64 = 256;

/// A walk along numbers, forwards or backwards.
pub(super) type Walk = Box<dyn Iterator<Item = Result<u64, IndexError>>>;

/// A walk along blocks, forwards or backwards.
pub(super) type Blocks = Box<dyn Iterator<Item = Result<Block, IndexError>>>;

/// What a block holds of a question, in the order of the walk.
pub(super) struct Block {
    /// The numbers, of which there may be none.
    pub(super) numbers: Vec<u64>,
    /// The number that the walk leaves the block at: nothing of it is behind that.
    pub(super) edge: u64,
}

/// The lists of one tree while they grow: the block at hand is in memory.
pub(super) struct Growing {
    tree: sled::Tree,
    block: u64,
    lists: BTreeMap<Vec<u8>, List>,
}

struct List {
    offsets: Vec<u8>,
    changed: bool,
}

impl Growing {
    pub(super) fn new(tree: sled::Tree) -> Self {
        Self {
            tree,
            block: 0,
            lists: BTreeMap::new(),
        }
    }

    /// Adds a number to a name's list; it is stored by [`write`](Self::write), or when a number of
    /// another block comes.
    pub(super) fn add(&mut self, by: By, name: &str, number: u64) -> Result<(), IndexError> {
        let (block, offset) = place_of(number);
        if block != self.block {
            self.write()?;
            self.lists.clear();
            self.block = block;
        }
        let key = key(by, name, block);
        if !self.lists.contains_key(&key) {
            let stored = self.tree.get(&key).map_err(broken)?;
            let offsets = stored.map_or_else(Vec::new, |found| found.to_vec());
            let changed = false;
            self.lists.insert(key.clone(), List { offsets, changed });
        }
        if let Some(list) = self.lists.get_mut(&key)
            && let Err(at) = list.offsets.binary_search(&offset)
        {
            list.offsets.insert(at, offset);
            list.changed = true;
        }
        Ok(())
    }

    /// Stores what was added. One insert after the other: sled frees what an insert replaced only
    /// between two operations, so a batch would hold all of it.
    pub(super) fn write(&mut self) -> Result<(), IndexError> {
        for (key, list) in self.lists.iter_mut().filter(|(_, list)| list.changed) {
            let stored = self.tree.insert(key, list.offsets.as_slice());
            stored.map_err(broken)?;
            list.changed = false;
        }
        Ok(())
    }
}

/// The numbers of a range that stand in every one of the lists.
pub(super) fn matches(
    tree: &sled::Tree,
    lists: Vec<(By, String)>,
    range: Range<u64>,
    oldest_first: bool,
) -> Walk {
    let blocks = blocks(tree, lists, range, oldest_first);
    until_error(blocks.flat_map(|block| match block {
        Ok(block) => block.numbers.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }))
}

/// The blocks that have a part of a range: walks the first list, which callers give as the likely
/// shortest, and looks the others up. The walk is not to go on behind an error.
pub(super) fn blocks(
    tree: &sled::Tree,
    mut lists: Vec<(By, String)>,
    range: Range<u64>,
    oldest_first: bool,
) -> Blocks {
    if lists.is_empty() || range.is_empty() {
        return Box::new(std::iter::empty());
    }
    let (by, name) = lists.remove(0);
    let (first, last) = (range.start / BLOCK, (range.end - 1) / BLOCK);
    let blocks = tree.range(key(by, &name, first)..=key(by, &name, last));
    let tree = tree.clone();
    let read = move |item: Result<(sled::IVec, sled::IVec), sled::Error>| {
        let (key, offsets) = item.map_err(broken)?;
        let block = number_at_end(&key)?;
        let mut numbers = in_all(&tree, &lists, block, offsets.to_vec())?;
        numbers.retain(|number| range.contains(number));
        let first = block * BLOCK;
        if oldest_first {
            let edge = first + (BLOCK - 1);
            return Ok(Block { numbers, edge });
        }
        numbers.reverse();
        Ok(Block {
            numbers,
            edge: first,
        })
    };
    match oldest_first {
        true => Box::new(blocks.map(read)),
        false => Box::new(blocks.rev().map(read)),
    }
}

/// Those numbers of a block that stand in the other lists too.
fn in_all(
    tree: &sled::Tree,
    lists: &[(By, String)],
    block: u64,
    mut offsets: Vec<u8>,
) -> Result<Vec<u64>, IndexError> {
    for (by, name) in lists {
        let other = tree.get(key(*by, name, block)).map_err(broken)?;
        let other = other.unwrap_or_default();
        offsets.retain(|offset| other.binary_search(offset).is_ok());
    }
    let first = block * BLOCK;
    let numbers = offsets.into_iter().map(|offset| first + u64::from(offset));
    Ok(numbers.collect())
}

/// Ends at the first error: on a damaged page sled's iterator gives the same error for ever.
pub(super) fn until_error(walk: impl Iterator<Item = Result<u64, IndexError>> + 'static) -> Walk {
    let mut failed = false;
    Box::new(walk.map_while(move |item| {
        if failed {
            return None;
        }
        failed = item.is_err();
        Some(item)
    }))
}

/// The block of a number, and where in it the number is.
pub(super) fn place_of(number: u64) -> (u64, u8) {
    let offset = u8::try_from(number % BLOCK).expect("a remainder of 256 fits a byte");
    (number / BLOCK, offset)
}

/// `tag name 0 block`: the blocks of one name stand together, in order. No name holds a zero byte.
fn key(by: By, name: &str, block: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 10);
    key.push(by.tag());
    key.extend_from_slice(name.as_bytes());
    key.push(0);
    key.extend_from_slice(&block.to_be_bytes());
    key
}

pub(super) fn number_at_end(key: &[u8]) -> Result<u64, IndexError> {
    let bytes = key
        .last_chunk::<8>()
        .ok_or_else(|| IndexError("a key is too short".into()))?;
    Ok(u64::from_be_bytes(*bytes))
}
