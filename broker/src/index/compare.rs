//! Whether an index is what its ledger says, for `glassd fsck`.

use std::path::Path;
use std::sync::Arc;

use super::store::{Store, broken};
use super::{Sealer, SledIndex};
use crate::ports::{Decode, IndexError, LedgerReader};

/// Builds the index anew in `scratch` (an empty folder) and compares every tree with the one in
/// `folder`. Answers one line for each tree that differs; an index that merely lags behind is
/// brought up to date first, and a missing one differs in nothing.
///
/// # Errors
/// [`IndexError`] where either cannot be read or written.
pub fn compare(
    folder: &Path,
    scratch: &Path,
    reader: &Arc<dyn LedgerReader>,
    decode: Decode,
    sealer: &Sealer,
) -> Result<Vec<String>, IndexError> {
    let mut differences = Vec::new();
    for at in [folder, scratch] {
        let opened = SledIndex::open(at, &**reader, sealer.clone())?;
        if let (true, Some(reason)) = (at == folder, &opened.rebuilt_because) {
            differences.push(format!(
                "the index is not to be trusted and is built again: {reason}"
            ));
        }
        opened.start(Arc::clone(reader), decode)?.close();
    }
    let origin = reader.checkpoint().checkpoint().origin().to_owned();
    let (present, fresh) = (
        Store::open(folder, &origin)?,
        Store::open(scratch, &origin)?,
    );
    for (name, here, there) in [
        ("grants", &present.grants, &fresh.grants),
        ("incidents", &present.incidents, &fresh.incidents),
        ("entries", &present.entries, &fresh.entries),
        ("grant_of", &present.grant_of, &fresh.grant_of),
        ("times", &present.times, &fresh.times),
        ("lasts", &present.lasts, &fresh.lasts),
    ] {
        if let Some(at) = first_difference(here, there)? {
            differences.push(format!(
                "tree `{name}` differs from the ledger at its record {at}"
            ));
        }
    }
    Ok(differences)
}

/// The number of the first record that differs.
fn first_difference(here: &sled::Tree, there: &sled::Tree) -> Result<Option<u64>, IndexError> {
    let (mut left, mut right) = (here.iter(), there.iter());
    for at in 0.. {
        match (left.next().transpose(), right.next().transpose()) {
            (Ok(None), Ok(None)) => return Ok(None),
            (Ok(a), Ok(b)) if a == b => {}
            (Err(error), _) | (_, Err(error)) => return Err(broken(error)),
            _ => return Ok(Some(at)),
        }
    }
    Ok(None)
}
