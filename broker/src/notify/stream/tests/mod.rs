//! Bytes that others read, and what counts as read by them.

mod collectors;
mod events;
mod messages;

use std::sync::Arc;

use crate::app::feed::Told;
use crate::ledger::entry;
use crate::ports::Recorded;

/// One entry of every kind, frozen; in the order of the ledger that they are from.
const ENTRIES: &str = include_str!("../../../ledger/entry/tests/golden.jsonl");

const LEDGER: &str = "glass.example/ledger";

/// As a courier reads them back.
fn entries() -> Vec<Arc<Told>> {
    ENTRIES.lines().map(told).collect()
}

fn told(line: &str) -> Arc<Told> {
    let (index, event) = entry::decode(line.as_bytes()).unwrap();
    let (event, line) = (Arc::new(event), line.as_bytes().into());
    Arc::new(Told {
        recorded: Recorded { index, event, line },
        grant: None,
        incident: None,
        title: None,
    })
}

fn of_kind(kind: &str) -> Arc<Told> {
    let mut all = entries().into_iter();
    all.find(|told| told.kind() == kind).unwrap()
}
