//! A disk that fills up.

use std::sync::Arc;

use super::sim::Sim;
use super::{SMALL, create, open, place};
use crate::ledger::files::disk::Disk as _;
use crate::ledger::fixtures::{fill, lines, walk};
use crate::ports::{Ledger, LedgerError, Room};

#[test]
fn little_space_is_for_endings_and_none_gives_the_reserve_to_them() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    fill(&mut ledger, &[2]);
    assert_eq!(ledger.room(), Room::Plenty);
    sim.set_free(SMALL.free_low - 1);
    assert_eq!(ledger.room(), Room::EndingsOnly);
    sim.set_free(10);
    let ending = lines(2, 1);
    let error = ledger.append(&ending).expect_err("no space");
    assert!(matches!(error, LedgerError::Full(_)), "{error}");
    let recovered = ledger.recover().expect("the reserve is given back");
    assert!(
        recovered.landed.is_empty() && recovered.cut_bytes == 10,
        "{recovered:?}"
    );
    ledger.append(&ending).expect("an ending fits the reserve");
    walk(&*ledger.reader(), &lines(0, 3), 1);
    assert_eq!(ledger.room(), Room::EndingsOnly);
}

#[test]
fn the_reserve_comes_back_with_the_space() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    sim.set_free(0);
    ledger.append(&lines(0, 1)).expect_err("no space");
    ledger.recover().expect("the reserve is given back");
    assert!(sim.read(&place(&sim).reserve()).is_err());
    sim.set_free(SMALL.free_low + SMALL.reserve_bytes + 100_000);
    assert_eq!(ledger.room(), Room::EndingsOnly, "nobody has looked yet");
    ledger.make_room();
    assert_eq!(ledger.room(), Room::Plenty);
    assert!(sim.read(&place(&sim).reserve()).is_ok());
}

#[test]
fn a_full_disk_opens_for_endings() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    fill(&mut ledger, &[2]);
    drop(ledger);
    sim.set_free(5_000);
    let (mut ledger, _) = open(&sim).expect("opens");
    assert_eq!(ledger.room(), Room::EndingsOnly);
    ledger.append(&lines(2, 1)).expect("an ending");
}

#[test]
fn tiles_that_do_not_fit_are_made_when_there_is_space_again() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    fill(&mut ledger, &[255]);
    // Room for the journal, and none for a bundle and a tile.
    sim.set_free(2_000);
    fill(&mut ledger, &[1, 1]);
    let expected: Vec<Arc<[u8]>> = lines(0, 257);
    walk(&*ledger.reader(), &expected, 1);
    assert!(sim.read(&place(&sim).dir.join("tile/0/000")).is_err());
    sim.set_free(1 << 30);
    ledger.publish();
    assert!(sim.read(&place(&sim).dir.join("tile/0/000")).is_ok());
    walk(&*ledger.reader(), &expected, 1);
}
