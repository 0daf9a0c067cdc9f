//! What happened last, by what it is the last of: one record each, found without looking through
//! what came before.
//!
//! Under `tag name`, or `tag person 0 right`, stand the place and the time of the newest such entry
//! (8 bytes each, big-endian). No name holds a zero byte. There are as many records as people, rights
//! and pairs of the two that ever were, however many entries there are.

use std::collections::BTreeMap;

use breakglass_domain::Time;
use breakglass_domain::last::{Last, Mark};

use super::store::broken;
use crate::ports::IndexError;

/// The records while they grow.
pub(super) struct GrowingLasts {
    tree: sled::Tree,
    changed: BTreeMap<Vec<u8>, Mark>,
}

impl GrowingLasts {
    pub(super) fn new(tree: sled::Tree) -> Self {
        let changed = BTreeMap::new();
        Self { tree, changed }
    }

    /// Notes that something was the newest until now; stored by [`write`](Self::write).
    pub(super) fn note(&mut self, last: &Last, mark: Mark) {
        self.changed.insert(key(last), mark);
    }

    /// Stores what was noted.
    pub(super) fn write(&mut self) -> Result<(), IndexError> {
        for (key, mark) in std::mem::take(&mut self.changed) {
            let stored = self.tree.insert(key, &to_bytes(mark));
            stored.map_err(broken)?;
        }
        Ok(())
    }
}

/// The newest entry of what is asked for.
pub(super) fn find(tree: &sled::Tree, last: &Last) -> Result<Option<Mark>, IndexError> {
    let found = tree.get(key(last)).map_err(broken)?;
    found.map(|bytes| from_bytes(&bytes)).transpose()
}

fn key(last: &Last) -> Vec<u8> {
    let (tag, name) = match last {
        Last::Acted(actor) => (b'a', actor.to_string()),
        Last::Used(person, right) => (b'u', format!("{person}\0{right}")),
        Last::UsedByAnybody(right) => (b'r', right.to_string()),
        Last::Removed(person) => (b'x', person.to_string()),
    };
    let mut key = vec![tag];
    key.extend_from_slice(name.as_bytes());
    key
}

fn to_bytes(mark: Mark) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mark.entry.to_be_bytes());
    bytes[8..].copy_from_slice(&mark.at.as_millis().to_be_bytes());
    bytes
}

fn from_bytes(bytes: &[u8]) -> Result<Mark, IndexError> {
    let damaged = || IndexError("what happened last cannot be read".to_owned());
    let (entry, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    let at: [u8; 8] = rest.try_into().map_err(|_| damaged())?;
    Ok(Mark {
        at: Time::from_millis(i64::from_be_bytes(at)),
        entry: u64::from_be_bytes(*entry),
    })
}
