//! The file ledger, broken on purpose.

mod damage;
mod faults;
mod room;
mod segments;
mod sim;
mod torn;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FileLedger;
use super::place::Place;
use super::shape::Shape;
use crate::ledger::fixtures::{signer, vkey, walk};
use crate::ports::{Ledger, LedgerError, Recovered};
use sim::Sim;

/// Where the ledger is on the simulated disk.
const DIR: &str = "/data/ledger";

/// Segments of some entries, so that tests see many; tiles at once, so that calls have an order.
const SMALL: Shape = Shape {
    segment_entries: 100,
    segment_bytes: 1 << 20,
    reserve_bytes: 4_000,
    free_low: 10_000,
    inline: true,
};

fn place(sim: &Sim) -> Place {
    Place::new(Arc::new(sim.clone()), Path::new(DIR))
}

fn create(sim: &Sim) -> Result<FileLedger, LedgerError> {
    FileLedger::create_in(place(sim), signer(), SMALL, None)
}

fn open(sim: &Sim) -> Result<(FileLedger, Recovered), LedgerError> {
    FileLedger::open_in(place(sim), (signer(), vkey().into()), SMALL, None)
}

/// Opens what must be well, and holds exactly these entries.
fn open_and_walk(sim: &Sim, expected: &[Arc<[u8]>]) -> FileLedger {
    let (ledger, _) = open(sim).unwrap_or_else(|error| panic!("does not open: {error}"));
    walk(&*ledger.reader(), expected, 37);
    ledger
}

/// The journal's newest file.
fn newest_segment(sim: &Sim) -> PathBuf {
    let firsts = place(sim).segments().expect("listed");
    place(sim).segment(*firsts.last().expect("there is one"))
}
