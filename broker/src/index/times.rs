//! When each entry was written, for questions by time. Times never go back, so the places between
//! two times are one range.
//!
//! Under each block's number (see [`postings`](super::postings)) stand its entries' times: the
//! first in milliseconds (8 bytes, big-endian), then what each later one adds (LEB128).

use std::ops::Range;

use breakglass_domain::Time;

use super::postings::{BLOCK, number_at_end, place_of};
use super::store::broken;
use crate::ports::IndexError;

/// The times while they grow: the block at hand is in memory.
pub(super) struct GrowingTimes {
    tree: sled::Tree,
    block: u64,
    times: Option<Vec<i64>>,
    changed: bool,
}

impl GrowingTimes {
    pub(super) fn new(tree: sled::Tree) -> Self {
        Self {
            tree,
            block: 0,
            times: None,
            changed: false,
        }
    }

    /// Notes when the entry at `place` was written; stored by [`write`](Self::write), or when the
    /// next block begins.
    pub(super) fn add(&mut self, place: u64, at: Time) -> Result<(), IndexError> {
        let (block, offset) = place_of(place);
        if block != self.block {
            self.write()?;
            (self.block, self.times) = (block, None);
        }
        let times = match &mut self.times {
            Some(times) => times,
            none => none.insert(block_at(&self.tree, block)?),
        };
        match times.get(usize::from(offset)) {
            Some(known) if *known == at.as_millis() => {}
            None if times.len() == usize::from(offset) => {
                times.push(at.as_millis());
                self.changed = true;
            }
            _ => return Err(IndexError(format!("the time of entry {place} is another"))),
        }
        Ok(())
    }

    /// Stores what was added.
    pub(super) fn write(&mut self) -> Result<(), IndexError> {
        if let (true, Some(times)) = (self.changed, &self.times) {
            let stored = self.tree.insert(self.block.to_be_bytes(), to_bytes(times));
            stored.map_err(broken)?;
            self.changed = false;
        }
        Ok(())
    }
}

/// The places of entries from `since` on and before `until`.
pub(super) fn places(
    tree: &sled::Tree,
    since: Option<Time>,
    until: Option<Time>,
) -> Result<Range<u64>, IndexError> {
    let end = entries(tree)?;
    let first_from = |time: Time| first_from(tree, time.as_millis(), end);
    let start = since.map(first_from).transpose()?.unwrap_or(0);
    Ok(start..until.map(first_from).transpose()?.unwrap_or(end))
}

/// How many entries there are.
fn entries(tree: &sled::Tree) -> Result<u64, IndexError> {
    let Some((key, times)) = tree.last().map_err(broken)? else {
        return Ok(0);
    };
    Ok(number_at_end(&key)? * BLOCK + from_bytes(&times)?.len() as u64)
}

/// The first place whose time is not before `time`; `end` where all are.
fn first_from(tree: &sled::Tree, time: i64, end: u64) -> Result<u64, IndexError> {
    // The last block that begins before the time has the place, or ends right before it.
    let (mut low, mut high) = (0, end.div_ceil(BLOCK));
    while low < high {
        let middle = low.midpoint(high);
        let begins = block_at(tree, middle)?.first().copied();
        if begins.is_some_and(|begins| begins < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let Some(block) = low.checked_sub(1) else {
        return Ok(0);
    };
    let before = block_at(tree, block)?.partition_point(|at| *at < time);
    Ok(block * BLOCK + before as u64)
}

fn block_at(tree: &sled::Tree, block: u64) -> Result<Vec<i64>, IndexError> {
    match tree.get(block.to_be_bytes()).map_err(broken)? {
        Some(bytes) => from_bytes(&bytes),
        None => Ok(Vec::new()),
    }
}

fn to_bytes(times: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + 2 * times.len());
    let mut before = None;
    for at in times {
        match before {
            None => bytes.extend_from_slice(&at.to_be_bytes()),
            Some(before) => push_leb128(&mut bytes, at.abs_diff(before)),
        }
        before = Some(*at);
    }
    bytes
}

fn push_leb128(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn from_bytes(bytes: &[u8]) -> Result<Vec<i64>, IndexError> {
    let damaged = || IndexError("times cannot be read".to_owned());
    let Some((first, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(damaged());
    };
    let mut at = i64::from_be_bytes(*first);
    let mut times = vec![at];
    let (mut number, mut shift) = (0_u64, 0_u32);
    for byte in rest {
        number |= u64::from(byte & 0x7f)
            .checked_shl(shift)
            .ok_or_else(damaged)?;
        shift += 7;
        if byte & 0x80 == 0 {
            at = at.checked_add_unsigned(number).ok_or_else(damaged)?;
            times.push(at);
            (number, shift) = (0, 0);
        }
    }
    if shift == 0 {
        Ok(times)
    } else {
        Err(damaged())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_are_read_as_they_were_written(
            first in -1_000_i64..1_800_000_000_000,
            steps in prop::collection::vec(0_i64..10_000_000_000, 0..256),
        ) {
            let mut times = vec![first];
            times.extend(steps.iter().scan(first, |at, step| {
                *at += step;
                Some(*at)
            }));
            prop_assert_eq!(from_bytes(&to_bytes(&times)).unwrap(), times);
        }

        #[test]
        fn bytes_that_are_no_times_are_an_error_and_no_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = from_bytes(&bytes);
        }
    }
}
