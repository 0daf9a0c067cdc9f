//! A torn tail is cut back to the last commit, wherever it is torn, and told.

use std::sync::Arc;

use super::sim::Sim;
use super::{create, newest_segment, open, open_and_walk};
use crate::ledger::files::disk::Disk as _;
use crate::ledger::fixtures::{fill, lines};
use crate::ports::Ledger;

/// A ledger of three entries, then the bytes of one more batch of two.
fn with_a_batch_more() -> (Sim, usize, usize) {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    fill(&mut ledger, &[1, 2]);
    let before = sim.read(&newest_segment(&sim)).expect("read").len();
    fill(&mut ledger, &[2]);
    let after = sim.read(&newest_segment(&sim)).expect("read").len();
    (sim, before, after)
}

#[test]
fn every_length_of_a_torn_batch_is_cut() {
    let (whole, before, after) = with_a_batch_more();
    for length in before..after {
        let sim = whole.copy();
        sim.tamper(&newest_segment(&sim), |bytes| bytes.truncate(length));
        let (ledger, recovered) = open(&sim).expect("opens");
        assert_eq!(recovered.cut_bytes, (length - before) as u64);
        assert_eq!(ledger.size(), 3);
        drop(ledger);
        assert_eq!(sim.read(&newest_segment(&sim)).expect("read").len(), before);
        open_and_walk(&sim, &lines(0, 3));
    }
    assert_eq!(open(&whole).expect("opens").1.cut_bytes, 0);
    open_and_walk(&whole, &lines(0, 5));
}

#[test]
fn pages_of_a_torn_batch_may_be_missing_anywhere() {
    let (whole, before, after) = with_a_batch_more();
    // From the batch's first byte to each, to the end from each, and a hole in the middle.
    let holes = (before..after).flat_map(|at| [before..at + 1, at..after, at..(at + 9).min(after)]);
    for hole in holes {
        let sim = whole.copy();
        sim.tamper(&newest_segment(&sim), |bytes| bytes[hole.clone()].fill(0));
        let (ledger, recovered) = open(&sim).unwrap_or_else(|e| panic!("{hole:?}: {e}"));
        assert_eq!(
            (ledger.size(), recovered.cut_bytes),
            (3, (after - before) as u64)
        );
        drop(ledger);
        open_and_walk(&sim, &lines(0, 3));
    }
}

#[test]
fn what_was_never_a_batch_is_cut_too() {
    let (whole, _, after) = with_a_batch_more();
    for rest in [
        &b"x"[..],
        b"\n",
        b"\0\0\0\n\n",
        b"{\"commit\":\"",
        b"{\"commit\":\"no\"}\n",
    ] {
        let sim = whole.copy();
        sim.tamper(&newest_segment(&sim), |bytes| bytes.extend_from_slice(rest));
        let (mut ledger, recovered) = open(&sim).expect("opens");
        assert_eq!(recovered.cut_bytes, rest.len() as u64);
        fill(&mut ledger, &[1]);
        drop(ledger);
        assert!(sim.read(&newest_segment(&sim)).expect("read").len() > after);
        open_and_walk(&sim, &lines(0, 6));
    }
}

#[test]
fn an_old_commit_again_is_no_batch() {
    let (sim, before, after) = with_a_batch_more();
    let path = newest_segment(&sim);
    let copy = sim.read(&path).expect("read")[before..after].to_vec();
    sim.tamper(&path, |bytes| bytes.extend_from_slice(&copy));
    let (ledger, recovered) = open(&sim).expect("opens");
    assert_eq!((ledger.size(), recovered.cut_bytes), (5, copy.len() as u64));
    let expected: Vec<Arc<[u8]>> = lines(0, 5);
    drop(ledger);
    open_and_walk(&sim, &expected);
}
