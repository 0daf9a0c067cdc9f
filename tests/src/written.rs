//! Entries written straight into the ledger of a broker that does not run, with its own key: as somebody
//! can who has its host, and fast enough for a ledger of millions.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use breakglass_broker::issue::keys::{KeyFolder, load_ledger_key};
use breakglass_broker::ledger::{FileLedger, entry};
use breakglass_broker::ports::Ledger as _;
use breakglass_domain::Event;

/// Entries of one batch: each is one `fdatasync`.
const BATCH: usize = 1_000;

/// Appends these; answers how many entries there are then.
///
/// # Errors
/// Where the folder is no broker's, or one runs on it.
pub fn behind_the_rules(
    data: &Path,
    events: impl IntoIterator<Item = Event>,
) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let keys = data.join("keys");
    let vkey = fs::read_to_string(keys.join("ledger.vkey"))?;
    let origin = vkey.split('+').next().unwrap_or_default();
    let signer = Arc::new(load_ledger_key(&KeyFolder::open(&keys)?, origin)?);
    let (mut ledger, _) = FileLedger::open(&data.join("ledger"), signer)?;
    let (mut batch, mut size) = (Vec::with_capacity(BATCH), ledger.size());
    for event in events {
        batch.push(entry::encode(size, &event)?);
        size += 1;
        if batch.len() == BATCH {
            ledger.append(&batch)?;
            batch.clear();
        }
    }
    if !batch.is_empty() {
        ledger.append(&batch)?;
    }
    Ok(size)
}
